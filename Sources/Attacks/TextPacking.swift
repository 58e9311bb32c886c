/// Tokenized texts cut or joined into the pieces an attack trains on.
enum TextPacking {
    /// The tokens of all texts in a row, cut into blocks of `length` with their special tokens;
    /// the tail that fills no block is left out unless it is all there is.
    static func blocks(
        _ texts: [[Int32]], length: Int, first: Int32, last: Int32
    ) -> [[Int32]] {
        let stream = texts.flatMap { $0.dropFirst().dropLast() }
        let inner = max(1, length - 2)
        let blocks = stride(from: 0, to: stream.count, by: inner).map {
            [first] + stream[$0..<min($0 + inner, stream.count)] + [last]
        }
        let full = blocks.filter { $0.count == inner + 2 }
        return full.isEmpty ? blocks : full
    }
}
