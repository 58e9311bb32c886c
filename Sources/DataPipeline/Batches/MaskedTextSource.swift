/// Batches for masked-language-model training over tokenized texts.
public struct MaskedTextSource: BatchSource {
    /// When the tokens to predict are drawn.
    public enum Masks: String, Sendable, Codable, CaseIterable {
        /// Once; every epoch hides the same tokens of a text (as the authors do).
        case `static`
        /// Anew each epoch.
        case dynamic
    }

    private let texts: [[Int32]]
    private let lengths: [Int]
    private let order: BatchOrder
    private let masking: TokenMasking
    private let masks: Masks
    private let padding: Int32
    private let seed: Seed

    /// Batches over `texts`, each a sequence of ids with its special tokens.
    public init(
        texts: [[Int32]], order: BatchOrder, masking: TokenMasking, masks: Masks, padding: Int32,
        seed: Seed
    ) {
        self.texts = texts
        self.order = order
        self.masking = masking
        self.masks = masks
        self.padding = padding
        self.seed = seed
        lengths = texts.map(\.count)
    }

    /// Batches of one epoch.
    public var batchesPerEpoch: Int { order.batchCount(of: texts.count) }
    /// Samples of one epoch.
    public var samplesPerEpoch: Int { texts.count }

    /// The batches of an epoch.
    public func epoch(_ number: Int) -> [@Sendable () throws -> TokenBatch] {
        order.batches(lengths: lengths, seed: seed, epoch: number).map { samples in
            { batch(samples, epoch: number) }
        }
    }

    private func batch(_ samples: [Int], epoch: Int) -> TokenBatch {
        let sequences = samples.map { sample in
            var stream =
                masks == .static
                ? seed.stream("mlm.mask", sample) : seed.stream("mlm.mask", sample, epoch)
            return masking.mask(texts[sample], using: &stream)
        }
        return TokenBatch(sequences, padding: padding)
    }
}
