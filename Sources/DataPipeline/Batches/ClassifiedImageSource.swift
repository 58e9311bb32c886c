/// Batches over prepared images, with their classes where they have any.
public struct ClassifiedImageSource: BatchSource {
    private let images: PreparedImages
    private let order: BatchOrder
    private let flips: Bool
    private let seed: Seed

    /// Batches over all of `images`.
    ///
    /// - Parameters:
    ///   - order: How images are put into batches; they are all of one length.
    ///   - flips: Whether half of the images, drawn anew each epoch, are mirrored left to right.
    public init(_ images: PreparedImages, order: BatchOrder, flips: Bool = false, seed: Seed) {
        self.images = images
        self.order = order
        self.flips = flips
        self.seed = seed
    }

    /// Batches of one epoch.
    public var batchesPerEpoch: Int { order.batchCount(of: images.count) }
    /// Samples of one epoch.
    public var samplesPerEpoch: Int { images.count }

    /// The batches of an epoch.
    public func epoch(_ number: Int) -> [@Sendable () throws -> ImageBatch] {
        let lengths = [Int](repeating: 1, count: images.count)
        return order.batches(lengths: lengths, seed: seed, epoch: number).map { samples in
            {
                images.batch(samples) { flips && seed.flipsImage($0, epoch: number) }
            }
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
