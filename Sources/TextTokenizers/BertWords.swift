/// BERT's pre-tokenization of normalized UTF-8: words end at whitespace, and each punctuation
/// character is a word of its own.
struct BertWords: Sendable {
    private enum Kind {
        static let letter: UInt8 = 0
        static let separator: UInt8 = 1
        static let punctuation: UInt8 = 2
    }

    private let table = ScalarTable.shared
    private let ascii: [UInt8]

    init() {
        ascii = (0..<128).map { Self.kind(of: ScalarTable.shared[$0].flags) }
    }

    /// Calls `body` with the range of each word of `bytes`, which must be valid UTF-8.
    @inline(__always)
    func forEach(
        in bytes: UnsafeBufferPointer<UInt8>, _ body: (_ start: Int, _ end: Int) -> Void
    ) {
        ascii.withUnsafeBufferPointer { ascii in
            var start = 0
            var index = 0
            while index < bytes.count {
                var kind: UInt8
                var length = 1
                if bytes[index] < 0x80 {
                    kind = ascii[Int(bytes[index])]
                } else {
                    let decoded = UTF8Scalar.decode(bytes, at: index)
                    kind = Self.kind(of: table[decoded.scalar].flags)
                    length = decoded.length
                }
                if kind != Kind.letter {
                    if start < index {
                        body(start, index)
                    }
                    start = index + length
                    if kind == Kind.punctuation {
                        body(index, start)
                    }
                }
                index += length
            }
            if start < index {
                body(start, index)
            }
        }
    }

    private static func kind(of flags: ScalarTable.Flags) -> UInt8 {
        if flags.contains(.separator) { return Kind.separator }
        return flags.contains(.punctuation) ? Kind.punctuation : Kind.letter
    }
}
