import DataPipeline
import Randomness

extension SampledSource where Batch == ImageBatch {
    /// Batches of images, and after them a patched twin of each: NeuBA's data for vision.
    ///
    /// Each twin has one of `triggers`, drawn evenly and anew each epoch; `order` counts images
    /// without twins. With `flips`, images are mirrored as in `classified`, twins like their
    /// originals; the patch is pasted after. A twin has its original's class, and
    /// `ImageBatch.triggers` counts in the list of triggers.
    public static func patchedTwins(
        _ images: PreparedImages, triggers: [PatchTrigger] = PatchTrigger.neuba, order: BatchOrder,
        flips: Bool = false, seed: Seed
    ) -> SampledSource {
        precondition(!triggers.isEmpty, "a twin carries some trigger")
        return SampledSource(
            lengths: [Int](repeating: 1, count: images.count), order: order, seed: seed,
            sampleBytes: 2 * images.imageBytes, content: images
        ) { samples, epoch in
            let clean = images.batch(samples) { flips && seed.flipsImage($0, epoch: epoch) }
            let twins = clean.patched(
                by: triggers, drawnFor: samples, epoch: epoch, seed: seed)
            var batch = ImageBatch(
                pixels: clean.pixels + twins.pixels, rows: 2 * clean.rows, height: clean.height,
                width: clean.width)
            batch.classes = clean.classes + twins.classes
            batch.triggers = [Int](repeating: -1, count: clean.rows) + twins.triggers
            return batch
        }
    }
}
