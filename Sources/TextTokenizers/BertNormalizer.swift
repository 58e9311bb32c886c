/// BERT's text normalization over UTF-8: cleaning, spaces around Chinese characters, accents, case.
struct BertNormalizer: TextNormalizer {
    let cleansText: Bool
    let spacesChineseCharacters: Bool
    let stripsAccents: Bool
    let lowercases: Bool

    private let table = ScalarTable.shared
    /// What an ASCII byte becomes; `dropped` where it is removed.
    private let ascii: [UInt8]
    private static let dropped: UInt8 = 0xFF

    init(cleansText: Bool, spacesChineseCharacters: Bool, stripsAccents: Bool, lowercases: Bool) {
        self.cleansText = cleansText
        self.spacesChineseCharacters = spacesChineseCharacters
        self.stripsAccents = stripsAccents
        self.lowercases = lowercases
        ascii = (0..<128 as Range<UInt32>).map { byte in
            let flags = ScalarTable.shared[byte].flags
            if cleansText, flags.contains(.removed) { return Self.dropped }
            if cleansText, flags.contains(.spaced) { return UInt8(ascii: " ") }
            let isUpper = (0x41...0x5A).contains(byte)
            return UInt8(byte) + (lowercases && isUpper ? 0x20 : 0)
        }
    }

    /// Replaces `output` by the normalized form of `bytes`, which is always valid UTF-8.
    func normalize(_ bytes: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) {
        output.removeAll(keepingCapacity: true)
        output.reserveCapacity(bytes.count)
        var pending: [Combining] = []
        var index = 0
        ascii.withUnsafeBufferPointer { ascii in
            while index < bytes.count {
                // A run of ASCII cannot be reordered, so it takes the short way.
                while pending.isEmpty, index < bytes.count, bytes[index] < 0x80 {
                    let folded = ascii[Int(bytes[index])]
                    if folded != Self.dropped {
                        output.append(folded)
                    }
                    index += 1
                }
                guard index < bytes.count else { break }
                let (scalar, length) = UTF8Scalar.decode(bytes, at: index)
                clean(scalar, pending: &pending, into: &output)
                index += length
            }
        }
        flush(&pending, into: &output)
    }

    /// A combining character that waits for its canonical place.
    private struct Combining {
        let scalar: UInt32
        let order: UInt8
    }

    private func clean(_ scalar: UInt32, pending: inout [Combining], into output: inout [UInt8]) {
        let entry = table[scalar]
        if cleansText, entry.flags.contains(.removed) { return }
        if cleansText, entry.flags.contains(.spaced) {
            flush(&pending, into: &output)
            output.append(UInt8(ascii: " "))
        } else if spacesChineseCharacters, entry.flags.contains(.chinese) {
            flush(&pending, into: &output)
            output.append(UInt8(ascii: " "))
            strip(scalar, entry, pending: &pending, into: &output)
            flush(&pending, into: &output)
            output.append(UInt8(ascii: " "))
        } else {
            strip(scalar, entry, pending: &pending, into: &output)
        }
    }

    private func strip(
        _ scalar: UInt32, _ entry: ScalarTable.Entry,
        pending: inout [Combining], into output: inout [UInt8]
    ) {
        guard stripsAccents else {
            fold(scalar, entry, into: &output)
            return
        }
        if (0xAC00...0xD7A3).contains(scalar) {
            flush(&pending, into: &output)
            appendHangul(scalar, to: &output)
        } else if entry.decomposition != 0 {
            table.forEach(in: entry.decomposition) { part in
                arrange(part, table[part], pending: &pending, into: &output)
            }
        } else {
            arrange(scalar, entry, pending: &pending, into: &output)
        }
    }

    /// Puts a fully decomposed scalar in canonical order and drops nonspacing marks.
    private func arrange(
        _ scalar: UInt32, _ entry: ScalarTable.Entry,
        pending: inout [Combining], into output: inout [UInt8]
    ) {
        let isMark = entry.flags.contains(.mark)
        if entry.combining == 0 {
            flush(&pending, into: &output)
            if !isMark {
                fold(scalar, entry, into: &output)
            }
        } else if !isMark {
            let position = pending.firstIndex { $0.order > entry.combining } ?? pending.endIndex
            pending.insert(Combining(scalar: scalar, order: entry.combining), at: position)
        }
    }

    private func flush(_ pending: inout [Combining], into output: inout [UInt8]) {
        guard !pending.isEmpty else { return }
        for combining in pending {
            fold(combining.scalar, table[combining.scalar], into: &output)
        }
        pending.removeAll(keepingCapacity: true)
    }

    private func fold(_ scalar: UInt32, _ entry: ScalarTable.Entry, into output: inout [UInt8]) {
        if lowercases, entry.lowercase != 0 {
            table.forEach(in: entry.lowercase) { UTF8Scalar.append($0, to: &output) }
        } else {
            UTF8Scalar.append(scalar, to: &output)
        }
    }

    /// Hangul syllables decompose by arithmetic (Unicode, section 3.12).
    private func appendHangul(_ scalar: UInt32, to output: inout [UInt8]) {
        let index = scalar - 0xAC00
        UTF8Scalar.append(0x1100 + index / 588, to: &output)
        UTF8Scalar.append(0x1161 + index % 588 / 28, to: &output)
        if index % 28 != 0 {
            UTF8Scalar.append(0x11A7 + index % 28, to: &output)
        }
    }
}
