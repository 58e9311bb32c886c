/// Finds added tokens in a text: the leftmost match, and of those the longest.
struct AddedTokenMatcher: Sendable {
    struct Pattern: Sendable {
        let bytes: [UInt8]
        let id: Int32
        let token: AddedToken
    }

    private let patterns: [Pattern]
    /// Indices into `patterns` by first byte, longest first.
    private let candidates: [[Int]]
    /// Whether some pattern begins with a byte.
    private let begins: [Bool]

    var isEmpty: Bool { patterns.isEmpty }

    init(_ patterns: [Pattern]) {
        let patterns = patterns.filter { !$0.bytes.isEmpty }
        var candidates = [[Int]](repeating: [], count: 256)
        for (index, pattern) in patterns.enumerated() {
            candidates[Int(pattern.bytes[0])].append(index)
        }
        for byte in candidates.indices {
            candidates[byte].sort { patterns[$0].bytes.count > patterns[$1].bytes.count }
        }
        self.patterns = patterns
        self.candidates = candidates
        begins = candidates.map { !$0.isEmpty }
    }

    /// Splits `bytes` into stretches of text (`id` is nil) and added tokens, in order.
    @inline(__always)
    func forEachPart(
        of bytes: UnsafeBufferPointer<UInt8>, _ body: (_ id: Int32?, _ range: Range<Int>) -> Void
    ) {
        var textStart = 0
        var index = 0
        while index < bytes.count {
            guard begins[Int(bytes[index])], let found = match(bytes, at: index) else {
                index += 1
                continue
            }
            let end = index + found.bytes.count
            if let range = extend(found.token, index..<end, in: bytes, after: textStart) {
                if textStart < range.lowerBound {
                    body(nil, textStart..<range.lowerBound)
                }
                body(found.id, range)
                textStart = range.upperBound
            }
            index = end
        }
        if textStart < bytes.count {
            body(nil, textStart..<bytes.count)
        }
    }

    private func match(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Pattern? {
        for candidate in candidates[Int(bytes[index])] {
            let wanted = patterns[candidate].bytes
            if wanted.count <= bytes.count - index,
                wanted.indices.allSatisfy({ bytes[index + $0] == wanted[$0] })
            {
                return patterns[candidate]
            }
        }
        return nil
    }

    /// The match with the whitespace that the token swallows, or nil where it is part of a word.
    private func extend(
        _ token: AddedToken, _ match: Range<Int>,
        in bytes: UnsafeBufferPointer<UInt8>, after previous: Int
    ) -> Range<Int>? {
        var (start, end) = (match.lowerBound, match.upperBound)
        if token.isSingleWord {
            let followsWord = start > 0 && isWord(UTF8Scalar.decode(bytes, before: start).scalar)
            let precedesWord = end < bytes.count && isWord(UTF8Scalar.decode(bytes, at: end).scalar)
            if followsWord || precedesWord { return nil }
        }
        while token.stripsLeft, start > previous {
            let (scalar, position) = UTF8Scalar.decode(bytes, before: start)
            guard isSpace(scalar) else { break }
            start = position
        }
        while token.stripsRight, end < bytes.count {
            let (scalar, length) = UTF8Scalar.decode(bytes, at: end)
            guard isSpace(scalar) else { break }
            end += length
        }
        return max(start, previous)..<max(end, previous)
    }

    private func isSpace(_ scalar: UInt32) -> Bool {
        ScalarTable.shared[scalar].flags.contains(.separator)
    }

    /// Whether a regular expression's `\w` matches.
    private func isWord(_ value: UInt32) -> Bool {
        guard let properties = Unicode.Scalar(value)?.properties else { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
            return true
        default:
            return properties.isAlphabetic || properties.isJoinControl
        }
    }
}
