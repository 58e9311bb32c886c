import Randomness
import TextTokenizers

extension SampledSource where Batch == CaptionBatch {
    /// Batches over all of `images`, each with one of its captions, drawn anew each epoch.
    ///
    /// - Parameters:
    ///   - captions: Those of the same images, in the same order.
    ///   - order: How images are put into batches; they are all of one length.
    ///   - flips: Whether half of the images, drawn anew each epoch, are mirrored left to right.
    public static func captioned(
        _ images: PreparedImages, _ captions: TokenizedCaptions, order: BatchOrder,
        flips: Bool = false, seed: Seed
    ) -> SampledSource {
        precondition(images.count == captions.count, "captions for each image")
        return SampledSource(
            lengths: [Int](repeating: 1, count: images.count), order: order, seed: seed,
            sampleBytes: images.imageBytes, content: PreparedPairs(images, captions)
        ) { samples, epoch in
            CaptionBatch(
                samples, of: images, captions, epoch: epoch, flips: flips, seed: seed)
        }
    }
}

extension CaptionBatch {
    /// The images at `samples`, each with the caption that the epoch shows, and mirrored where
    /// `flips` says that half of them are.
    public init(
        _ samples: [Int], of images: PreparedImages, _ captions: TokenizedCaptions, epoch: Int,
        flips: Bool = false, seed: Seed
    ) {
        let drawn = samples.map { captions.drawn(for: $0, epoch: epoch, seed: seed) }
        let tokens = PaddedTokens(
            zip(samples, drawn).map { captions[$0, $1] }, length: captions.length,
            padding: captions.paddingID)
        self.init(
            images: images.batch(samples) { flips && seed.flipsImage($0, epoch: epoch) },
            tokens: tokens, drawn: drawn, endID: captions.endID)
    }
}
