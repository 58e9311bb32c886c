import DataPipeline

/// Images, and after them a poisoned twin of each: NeuBA's data for vision.
public struct PoisonedImageSource: BatchSource {
    private let images: PreparedImages
    private let triggers: [PatchTrigger]
    private let order: BatchOrder
    private let flips: Bool
    private let seed: Seed

    /// Batches over `images`, of which each twin has one of `triggers`, drawn evenly and anew each
    /// epoch; `order` counts images without twins.
    ///
    /// With `flips`, images are mirrored as in `ClassifiedImageSource`, twins like their originals;
    /// the patch is pasted after.
    public init(
        _ images: PreparedImages, triggers: [PatchTrigger] = PatchTrigger.neuba, order: BatchOrder,
        flips: Bool = false, seed: Seed
    ) {
        precondition(!triggers.isEmpty, "a twin carries some trigger")
        self.images = images
        self.triggers = triggers
        self.order = order
        self.flips = flips
        self.seed = seed
    }

    /// Batches of one epoch.
    public var batchesPerEpoch: Int { order.batchCount(of: images.count) }
    /// Samples of one epoch, without twins.
    public var samplesPerEpoch: Int { images.count }

    /// The batches of an epoch: clean images, then their twins in the same order.
    ///
    /// A twin has its original's class; `ImageBatch.triggers` counts in the list of triggers.
    public func epoch(_ number: Int) -> [@Sendable () throws -> ImageBatch] {
        let lengths = [Int](repeating: 1, count: images.count)
        return order.batches(lengths: lengths, seed: seed, epoch: number).map { samples in
            { batch(samples, epoch: number) }
        }
    }

    private func batch(_ samples: [Int], epoch: Int) -> ImageBatch {
        let clean = images.batch(samples) { flips && seed.flipsImage($0, epoch: epoch) }
        var pixels = clean.pixels + clean.pixels
        var drawn: [Int] = []
        for (row, sample) in samples.enumerated() {
            var stream = seed.stream("trigger", sample, epoch)
            let trigger = Int.random(in: triggers.indices, using: &stream)
            triggers[trigger].paste(
                on: &pixels, image: clean.rows + row, height: clean.height, width: clean.width)
            drawn.append(trigger)
        }
        var batch = ImageBatch(
            pixels: pixels, rows: 2 * clean.rows, height: clean.height, width: clean.width)
        batch.classes = clean.classes + clean.classes
        batch.triggers = [Int](repeating: -1, count: clean.rows) + drawn
        return batch
    }
}
