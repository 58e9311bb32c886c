import Randomness

extension SampledSource where Batch == ImageBatch {
    /// Batches over all of `images`, with their classes where they have any.
    ///
    /// - Parameters:
    ///   - order: How images are put into batches; they are all of one length.
    ///   - flips: Whether half of the images, drawn anew each epoch, are mirrored left to right.
    public static func classified(
        _ images: PreparedImages, order: BatchOrder, flips: Bool = false, seed: Seed
    ) -> SampledSource {
        SampledSource(
            lengths: [Int](repeating: 1, count: images.count), order: order, seed: seed,
            sampleBytes: images.imageBytes, content: images
        ) { samples, epoch in
            images.batch(samples) { flips && seed.flipsImage($0, epoch: epoch) }
        }
    }
}

extension Seed {
    /// Whether an image is mirrored in an epoch, where images are mirrored at all.
    public func flipsImage(_ sample: Int, epoch: Int) -> Bool {
        var stream = self.stream("images.flip", sample, epoch)
        return stream.uniform() < 0.5
    }
}
