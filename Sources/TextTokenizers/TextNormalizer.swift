/// What is done to text before it is split into words.
protocol TextNormalizer: Sendable {
    /// Replaces `output` by the normalized form of `bytes`, which is always valid UTF-8.
    func normalize(_ bytes: UnsafeBufferPointer<UInt8>, into output: inout [UInt8])
}
