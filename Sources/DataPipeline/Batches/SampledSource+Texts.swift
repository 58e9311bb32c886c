import Randomness

extension TokenMasking {
    /// When the tokens to predict are drawn.
    public enum Masks: String, Sendable, Codable, CaseIterable {
        /// Once; every epoch hides the same tokens of a text (as the authors do).
        case `static`
        /// Anew each epoch.
        case dynamic
    }
}

extension SampledSource where Batch == TokenBatch {
    /// Batches for masked-language-model training over `texts`, ids with their special tokens.
    public static func masked(
        _ texts: [[Int32]], order: BatchOrder, masking: TokenMasking, masks: TokenMasking.Masks,
        seed: Seed
    ) -> SampledSource {
        SampledSource(
            lengths: texts.map(\.count), order: order, seed: seed, content: TokenSamples(texts)
        ) { samples, epoch in
            TokenBatch(
                samples.map { sample in
                    var stream =
                        masks == .static
                        ? seed.stream("mlm.mask", sample) : seed.stream("mlm.mask", sample, epoch)
                    return masking.mask(texts[sample], using: &stream)
                })
        }
    }

    /// Batches for classification over `texts`, each with its class.
    public static func classified(
        _ texts: [[Int32]], labels: [Int], order: BatchOrder, seed: Seed
    ) -> SampledSource {
        precondition(texts.count == labels.count, "a label for each text")
        return SampledSource(
            lengths: texts.map(\.count), order: order, seed: seed, content: TokenSamples(texts)
        ) { samples, _ in
            var batch = TokenBatch(samples.map { texts[$0] })
            batch.classes = samples.map { Int64(labels[$0]) }
            return batch
        }
    }
}
