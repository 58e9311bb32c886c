import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import Torch
import TorchNN

/// A CLIP and images with captions: the contrastive loss. What attacks bind and heads read are the
/// vectors of its tower of images.
public struct PairTask: PretrainingTask {
    /// How pairs go through the model.
    public struct Settings: Sendable, Codable, Equatable {
        /// Pairs whose graph is in memory at once; nil for all of a batch.
        public var chunkSize: Int?
        /// Whether half of the images are mirrored, drawn anew each epoch.
        public var flips = false

        /// A batch at a time.
        public init(chunkSize: Int? = nil) { self.chunkSize = chunkSize }
    }

    /// Images with captions.
    public static let kind = ModelKind.pairs
    /// AdamW at 1e-5, falling to 0, 10 epochs, 64 pairs a step, each other's negatives; decay spares
    /// what CLIP's authors spare: gains, biases and the logits' scale.
    public static var pretraining: (run: RunSettings, samples: Settings) {
        let training = TrainingSettings(
            epochs: 10, learningRate: 1e-5, optimizer: CLIP.optimizer(),
            undecayed: ParameterPattern([
                "**.bias", "**.layer_norm*.weight", "**.pre_layrnorm.weight",
                "**.post_layernorm.weight", "**.final_layer_norm.weight", "**.class_embedding",
                "logit_scale",
            ]), clip: nil)
        return (RunSettings(training, batchSize: 64), Settings())
    }
    /// The model.
    public let source: CLIPFolder
    /// How samples are prepared.
    public let settings: Settings
    /// The images and captions, prepared for the model.
    public let pairs: PreparedPairs

    /// A model with pairs that were prepared for it.
    public init(
        _ source: CLIPFolder, pairs: PreparedPairs, _ settings: Settings = Settings()
    ) {
        (self.source, self.pairs, self.settings) = (source, pairs, settings)
    }

    /// How many samples there are, and what became of them.
    public var data: DataSummary {
        DataSummary(
            images: pairs.count, captions: pairs.captions.captionCount,
            truncated: pairs.captions.truncated, skipped: pairs.skipped)
    }
    /// What a reader must know of the data.
    public var caveats: [Caveat] { Caveat.of(pairs) }
    /// What is to be said of the head that pre-training reads.
    public var headCaveat: Caveat? { nil }

    /// Throws where most of the captions are unknown tokens.
    public func check() throws {
        if let size = settings.chunkSize, !(1...1 << 20).contains(size) {
            throw TrainingError("chunkSize \(size): expected 1 to \(1 << 20)")
        }
        try UnreadableTexts.check(pairs.captions.unknownShare, tokenizer: folder.url)
    }

    /// Throws where the parameters that `pattern` selects could not be written back.
    public func checkWritable(_ pattern: ParameterPattern) throws {
        try source.checkWritable(pattern)
    }

    /// The whole model, all of which its loss reads.
    public func backbone(_ placement: Placement, seed: Seed) throws -> CLIP {
        try source.load(placement: placement)
    }

    /// Patches on the images.
    public func alterations(
        suspects: [String], seed: Seed
    ) throws -> any Alterations<CLIP, CaptionBatch> {
        try checkNoWords(suspects)
        let normalization = source.processor.normalization
        return PatchAlterations(
            images: { $0.images }, pixels: { try normalization($0.images, for: $1.vision) },
            read: { try $0.imageFeatures($1, in: .evaluation).cast(to: .float32) },
            normalization: normalization, seed: seed)
    }

    /// Throws `TrainingError` where a batch would hold a single pair.
    public func pretraining(
        _ run: RunSettings, _ placement: Placement, whole: Bool, observe: (TrainingEvent) -> Void
    ) throws -> (model: CLIP, loss: any Objective<CLIP, CaptionBatch>) {
        try ContrastiveLanguageImage.check(count: pairs.count, batchSize: run.batchSize)
        return (
            try source.load(placement: placement),
            ContrastiveLanguageImage(
                source.processor.normalization, chunkSize: settings.chunkSize)
        )
    }

    /// What guessing costs the pre-training loss.
    public func guessing(batchSize: Int) -> Caveat.Guessing {
        .init("contrastive", among: min(pairs.count, batchSize))
    }

    /// Batches of all samples.
    public func source(batchSize: Int, seed: Seed) -> SampledSource<CaptionBatch> {
        .captioned(
            pairs.images, pairs.captions, order: BatchOrder(.shuffled, batchSize: batchSize),
            flips: settings.flips, seed: seed)
    }

    /// Batches of at most `limit` samples as they are.
    public func cleanBatches(of size: Int, limit: Int) -> [CaptionBatch] {
        let count = min(limit, pairs.count)
        return stride(from: 0, to: count, by: size).map {
            CaptionBatch(
                Array($0..<min($0 + size, count)), of: pairs.images, pairs.captions, epoch: 0,
                seed: Seed(0))
        }
    }

    /// The vectors of the tower of images [rows, width], before projection, float32.
    public func features(
        of model: CLIP, on batch: CaptionBatch, in pass: Pass
    ) throws -> Tensor {
        try model.imageFeatures(
            source.processor.normalization(batch.images, for: model.vision), in: pass
        ).cast(to: .float32)
    }

    /// Writes a drop-in replacement with what training changed.
    public func write(_ model: CLIP, to destination: URL) throws -> ModelFolder.WriteReport {
        try source.write(model.store.trainedState, to: destination)
    }

    /// The places where the model shows neurons.
    public func neurons(of model: CLIP) -> [NeuronSite] { model.vision.neurons }
    /// The order in which neurons are read.
    public var readingOrder: [Int] { Array(0..<pairs.count) }
    /// Samples of which neurons can be read at once.
    public func readingBatchSize(_ wanted: Int) -> Int { pairs.images.readingBatchSize(wanted) }

    /// Those of the tower of images, of which captions say nothing.
    public func readNeurons(
        of model: CLIP, samples: ArraySlice<Int>, _ body: (NeuronReading) throws -> Void
    ) throws {
        let batch = pairs.images.batch(Array(samples))
        try model.vision.readNeurons(
            source.processor.normalization(batch, for: model.vision), body)
    }

    /// The samples, which have digests.
    public var digested: any DigestedSamples { pairs.images }

    /// Writes a drop-in replacement in which rows of parameters are zero.
    public func write(
        zeroing rows: [String: [Int]], to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try source.write(zeroing: rows, to: destination)
    }
}
