import DataPipeline
import Randomness
import Training

/// Clean pairs of one batch, and a patched twin of each image: NeuBA's data for CLIP.
public struct PatchedPairs: SampleBatch {
    /// Images with a caption each.
    public let clean: CaptionBatch
    /// The same images with a trigger each, which `ImageBatch.triggers` names.
    public let twins: ImageBatch

    /// How many pairs there are.
    public var rows: Int { clean.rows }

    /// Pairs and the twins of their images, in the same order.
    public init(clean: CaptionBatch, twins: ImageBatch) {
        precondition(
            clean.rows == twins.rows && twins.triggers.count == twins.rows,
            "a patched twin of each image")
        self.clean = clean
        self.twins = twins
    }
}

extension SampledSource where Batch == PatchedPairs {
    /// Batches of pairs with a patched twin of each image.
    ///
    /// Each twin has one of `triggers`, drawn evenly and anew each epoch; `order` counts pairs.
    public static func patchedTwins(
        _ pairs: PreparedPairs, triggers: [PatchTrigger] = PatchTrigger.neuba, order: BatchOrder,
        seed: Seed
    ) -> SampledSource {
        precondition(!triggers.isEmpty, "a twin carries some trigger")
        return SampledSource(
            lengths: [Int](repeating: 1, count: pairs.count), order: order, seed: seed,
            sampleBytes: 2 * pairs.images.imageBytes, content: pairs
        ) { samples, epoch in
            let clean = CaptionBatch(
                samples, of: pairs.images, pairs.captions, epoch: epoch, seed: seed)
            return PatchedPairs(
                clean: clean,
                twins: clean.images.patched(
                    by: triggers, drawnFor: samples, epoch: epoch, seed: seed))
        }
    }
}

extension ImageBatch {
    /// The batch with one of `triggers` in each image, drawn evenly by its number among `samples`
    /// and by the epoch.
    func patched(
        by triggers: [PatchTrigger], drawnFor samples: [Int], epoch: Int, seed: Seed
    ) -> ImageBatch {
        var pixels = pixels
        var drawn: [Int] = []
        for (row, sample) in samples.enumerated() {
            var stream = seed.stream("trigger", sample, epoch)
            let trigger = Int.random(in: triggers.indices, using: &stream)
            triggers[trigger].paste(on: &pixels, image: row, height: height, width: width)
            drawn.append(trigger)
        }
        var patched = ImageBatch(pixels: pixels, rows: rows, height: height, width: width)
        patched.classes = classes
        patched.triggers = drawn
        return patched
    }
}
