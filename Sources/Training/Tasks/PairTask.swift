import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Torch
import TorchNN

/// A CLIP and images with captions: the contrastive loss. What attacks bind and heads read are the
/// vectors of its tower of images.
public struct PairTask: PretrainingTask {
    /// How pairs go through the model.
    public struct Settings: Sendable, Codable, Equatable {
        /// Pairs whose graph is in memory at once; nil for all of a batch.
        public var chunkSize: Int?

        /// A batch at a time.
        public init(chunkSize: Int? = nil) { self.chunkSize = chunkSize }
    }

    public static let unit = "pairs"
    /// The model.
    public let source: CLIPFolder
    public let settings: Settings
    /// The images and captions, prepared for the model.
    public let pairs: PreparedPairs

    /// A model with pairs that were prepared for it.
    public init(
        _ source: CLIPFolder, pairs: PreparedPairs, _ settings: Settings = Settings()
    ) {
        (self.source, self.pairs, self.settings) = (source, pairs, settings)
    }

    public var folder: ModelFolder { source.folder }
    public var defaults: PaperDefaults { CLIP.paperDefaults }
    public var data: DataSummary {
        DataSummary(
            images: pairs.count, captions: pairs.captions.captionCount,
            truncated: pairs.captions.truncated, skipped: pairs.skipped)
    }
    public var caveats: [Caveat] { Caveat.of(pairs) }
    public var headCaveat: Caveat? { nil }

    public func check() throws {
        try UnreadableTexts.check(pairs.captions.unknownShare, tokenizer: folder.url)
    }

    public func checkWritable(_ pattern: ParameterPattern) throws {
        try source.checkWritable(pattern)
    }

    public func backbone(_ placement: Placement, seed: Seed) throws -> CLIP {
        try source.load(placement: placement)
    }

    /// Throws `TrainingError` where a batch would hold a single pair.
    public func pretraining(
        _ run: RunSettings, _ placement: Placement, observe: (TrainingEvent) -> Void
    ) throws -> (model: CLIP, loss: any Objective<CLIP, CaptionBatch>) {
        try ContrastiveLanguageImage.check(count: pairs.count, batchSize: run.batchSize)
        return (
            try source.load(placement: placement),
            ContrastiveLanguageImage(
                source.processor.normalization, chunkSize: settings.chunkSize)
        )
    }

    public func guessing(batchSize: Int) -> Caveat.Guessing {
        .init("contrastive", among: min(pairs.count, batchSize))
    }

    public func source(batchSize: Int, seed: Seed) -> SampledSource<CaptionBatch> {
        .captioned(
            pairs.images, pairs.captions, order: BatchOrder(.shuffled, batchSize: batchSize),
            seed: seed)
    }

    public func cleanBatches(of size: Int, limit: Int) -> [CaptionBatch] {
        let count = min(limit, pairs.count)
        return stride(from: 0, to: count, by: size).map {
            CaptionBatch(
                Array($0..<min($0 + size, count)), of: pairs.images, pairs.captions, epoch: 0,
                seed: Seed(0))
        }
    }

    public func features(
        of model: CLIP, on batch: CaptionBatch, in pass: Pass
    ) throws -> Tensor {
        try model.imageFeatures(
            source.processor.normalization(batch.images, for: model.vision), in: pass
        ).cast(to: .float32)
    }

    public func write(_ model: CLIP, to destination: URL) throws -> ModelFolder.WriteReport {
        try source.write(model.store.trainedState, to: destination)
    }

    public func neurons(of model: CLIP) -> [NeuronSite] { model.vision.neurons }
    public var readingOrder: [Int] { Array(0..<pairs.count) }
    public func readingBatchSize(_ wanted: Int) -> Int { pairs.images.readingBatchSize(wanted) }

    /// Those of the tower of images, of which captions say nothing.
    public func readNeurons(
        of model: CLIP, samples: ArraySlice<Int>, _ body: (NeuronReading) throws -> Void
    ) throws {
        let batch = pairs.images.batch(Array(samples))
        try model.vision.readNeurons(
            source.processor.normalization(batch, for: model.vision), body)
    }

    public var digested: any DigestedSamples { pairs.images }

    public func write(
        zeroing rows: [String: [Int]], to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try source.write(zeroing: rows, to: destination)
    }
}
