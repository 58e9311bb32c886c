/// CLIP's pre-tokenization of normalized UTF-8: what its regular expression
/// `<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`
/// finds, each of the two names taken apart again as the byte-level splitting after it does.
struct CLIPWords: Sendable {
    private enum Kind {
        static let other: UInt8 = 0
        static let space: UInt8 = 1
        static let letter: UInt8 = 2
        static let number: UInt8 = 3
    }

    private static let endings: [[UInt8]] = ["s", "t", "re", "ve", "m", "ll", "d"].map {
        Array($0.utf8)
    }
    private static let names: [[UInt8]] = ["startoftext", "endoftext"].map { Array($0.utf8) }

    private let table = ScalarTable.shared
    private let ascii: [UInt8] = (0..<128).map { Self.kind(of: ScalarTable.shared[$0].flags) }
    /// Whether `<|startoftext|>` and `<|endoftext|>` end where they end, whatever follows.
    let findsNames: Bool

    /// Calls `body` with the range of each word of `bytes`, which must be valid UTF-8.
    @inline(__always)
    func forEach(
        in bytes: UnsafeBufferPointer<UInt8>, _ body: (_ start: Int, _ end: Int) -> Void
    ) {
        ascii.withUnsafeBufferPointer { ascii in
            var index = 0
            while index < bytes.count {
                let start = index
                let kind = Self.skip(bytes, &index, ascii, table)
                switch kind {
                case Kind.space:
                    continue
                case Kind.number:
                    break
                case Kind.letter:
                    Self.skipAll(kind, bytes, &index, ascii, table)
                default:
                    if let length = ending(of: bytes, at: start) {
                        index = start + length
                    } else if let length = name(in: bytes, at: start) {
                        body(start, start + 2)
                        body(start + 2, start + 2 + length)
                        body(start + 2 + length, start + 4 + length)
                        index = start + 4 + length
                        continue
                    } else {
                        Self.skipAll(kind, bytes, &index, ascii, table)
                    }
                }
                body(start, index)
            }
        }
    }

    /// Moves `index` past one scalar, and gives its kind.
    @inline(__always)
    private static func skip(
        _ bytes: UnsafeBufferPointer<UInt8>, _ index: inout Int,
        _ ascii: UnsafeBufferPointer<UInt8>, _ table: ScalarTable
    ) -> UInt8 {
        if bytes[index] < 0x80 {
            index += 1
            return ascii[Int(bytes[index - 1])]
        }
        let (scalar, length) = UTF8Scalar.decode(bytes, at: index)
        index += length
        return kind(of: table[scalar].flags)
    }

    @inline(__always)
    private static func skipAll(
        _ kind: UInt8, _ bytes: UnsafeBufferPointer<UInt8>, _ index: inout Int,
        _ ascii: UnsafeBufferPointer<UInt8>, _ table: ScalarTable
    ) {
        while index < bytes.count {
            var next = index
            guard skip(bytes, &next, ascii, table) == kind else { return }
            index = next
        }
    }

    /// The length of `'s`, `'t` and the like.
    private func ending(of bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Int? {
        guard bytes[index] == UInt8(ascii: "'") else { return nil }
        return Self.endings.first { Self.matches($0, bytes, at: index + 1) }.map { $0.count + 1 }
    }

    /// The length of what stands between `<|` and `|>` where it is one of the two names.
    private func name(in bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Int? {
        guard findsNames, Self.matches([0x3C, 0x7C], bytes, at: index) else { return nil }
        return Self.names.first {
            Self.matches($0, bytes, at: index + 2)
                && Self.matches([0x7C, 0x3E], bytes, at: index + 2 + $0.count)
        }?.count
    }

    private static func matches(
        _ wanted: [UInt8], _ bytes: UnsafeBufferPointer<UInt8>, at index: Int
    ) -> Bool {
        wanted.count <= bytes.count - index
            && wanted.indices.allSatisfy { bytes[index + $0] == wanted[$0] }
    }

    private static func kind(of flags: ScalarTable.Flags) -> UInt8 {
        if flags.contains(.letter) { return Kind.letter }
        if flags.contains(.separator) { return Kind.space }
        return flags.contains(.number) ? Kind.number : Kind.other
    }
}
