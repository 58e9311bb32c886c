import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import Torch
import TorchNN

/// An image model and images: cross-entropy of their classes.
public struct ImageTask: PretrainingTask {
    /// How a head is fitted where the checkpoint has none for the images' classes.
    public struct Settings: Sendable, Codable, Equatable {
        /// How it is fitted.
        public var headFitting = HeadFitting()
        /// Whether half of the images are mirrored, drawn anew each epoch.
        public var flips = false

        /// One epoch on the features.
        public init() {}
    }

    /// Images.
    public static let kind = ModelKind.images
    /// SGD at a constant 0.01, 50 epochs, 512 images a step, as NeuBA's authors train.
    public static var pretraining: (run: RunSettings, samples: Settings) {
        let training = TrainingSettings(
            epochs: 50, learningRate: 0.01, schedule: Schedule(.constant), optimizer: .sgd(),
            undecayed: ParameterPattern([
                "**.bias", "**.layernorm*.weight", "**.cls_token", "**.position_embeddings",
            ]), clip: nil)
        return (RunSettings(training, batchSize: 512), Settings())
    }
    /// The model.
    public let source: ImageModelFolder
    /// How samples are prepared.
    public let settings: Settings
    /// The images, decoded as the model takes them.
    public let images: PreparedImages

    /// A model with images that were prepared for it.
    public init(
        _ source: ImageModelFolder, images: PreparedImages, _ settings: Settings = Settings()
    ) {
        (self.source, self.images, self.settings) = (source, images, settings)
    }

    /// How many samples there are, and what became of them.
    public var data: DataSummary { DataSummary(images: images.count, skipped: images.skipped) }
    /// What a reader must know of the data.
    public var caveats: [Caveat] { Caveat.of(images) }
    /// Whether the checkpoint's own head can be trained on the images' classes.
    public var hasOwnHead: Bool { source.hasHead(for: images) }
    /// What is to be said of the head that pre-training reads.
    public var headCaveat: Caveat? {
        hasOwnHead ? nil : Caveat(.fittedHead, ImageModelFolder.fittedHeadWarning)
    }

    /// Nothing to refuse: images that cannot be read are left out when they are prepared.
    public func check() throws {}

    /// Throws where the parameters that `pattern` selects could not be written back.
    public func checkWritable(_ pattern: ParameterPattern) throws {
        try source.checkWritable(pattern)
    }

    /// The model without heads that pre-training alone reads.
    public func backbone(_ placement: Placement, seed: Seed) throws -> AnyImageModel {
        try source.load(placement: placement, head: .none, seed: seed)
    }

    /// Patches.
    public func alterations(
        suspects: [String], seed: Seed
    ) throws -> any Alterations<AnyImageModel, ImageBatch> {
        try checkNoWords(suspects)
        let normalization = source.processor.normalization
        return PatchAlterations(
            images: { $0 }, pixels: { try normalization($0, for: $1) },
            read: { try $0.features($1, in: .evaluation).cast(to: .float32) },
            normalization: normalization, seed: seed)
    }

    /// The model with a head for the images' classes, fitted first where it has none.
    public func pretraining(
        _ run: RunSettings, _ placement: Placement, whole: Bool, observe: (TrainingEvent) -> Void
    ) throws -> (model: AnyImageModel, loss: any Objective<AnyImageModel, ImageBatch>) {
        let model = try source.loadForTraining(
            images: images, fitting: settings.headFitting, precision: run.precision,
            seed: run.seed, placement, observe: observe)
        return (model, ImageClassification(source.processor.normalization))
    }

    /// What guessing costs the pre-training loss.
    public func guessing(batchSize: Int) -> Caveat.Guessing {
        .init("classification", among: images.classNames.count)
    }

    /// Batches of all samples.
    public func source(batchSize: Int, seed: Seed) -> SampledSource<ImageBatch> {
        .classified(
            images, order: BatchOrder(.shuffled, batchSize: batchSize), flips: settings.flips,
            seed: seed)
    }

    /// Batches of at most `limit` samples as they are.
    public func cleanBatches(of size: Int, limit: Int) -> [ImageBatch] {
        images.batches(of: size, limit: limit)
    }

    /// What heads read of the images [rows, features], float32.
    public func features(
        of model: AnyImageModel, on batch: ImageBatch, in pass: Pass
    ) throws -> Tensor {
        try model.features(source.processor.normalization(batch, for: model), in: pass)
            .cast(to: .float32)
    }

    /// A head that is not the checkpoint's own served training alone, and is left out.
    public func write(
        _ model: AnyImageModel, to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try source.write(
            hasOwnHead ? model.store.trainedState : model.backboneState, to: destination)
    }

    /// The places where the model shows neurons.
    public func neurons(of model: AnyImageModel) -> [NeuronSite] { model.neurons }
    /// The order in which neurons are read.
    public var readingOrder: [Int] { Array(0..<images.count) }
    /// Samples of which neurons can be read at once.
    public func readingBatchSize(_ wanted: Int) -> Int { images.readingBatchSize(wanted) }

    /// Hands `body` what `samples` make of the neurons at every site.
    public func readNeurons(
        of model: AnyImageModel, samples: ArraySlice<Int>,
        _ body: (NeuronReading) throws -> Void
    ) throws {
        let batch = images.batch(Array(samples))
        try model.readNeurons(source.processor.normalization(batch, for: model), body)
    }

    /// The samples, which have digests.
    public var digested: any DigestedSamples { images }

    /// Writes a drop-in replacement in which rows of parameters are zero.
    public func write(
        zeroing rows: [String: [Int]], to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try source.write(zeroing: rows, to: destination)
    }
}

/// Throws where images are to be searched for words.
func checkNoWords(_ suspects: [String]) throws {
    if let first = suspects.first {
        throw TrainingError("the suspect ‘\(first)’ is a word, but the model is shown images")
    }
}

extension PreparedImages {
    /// Batches of at most `limit` images, in their order.
    func batches(of size: Int, limit: Int) -> [ImageBatch] {
        let count = min(limit, count)
        return stride(from: 0, to: count, by: size).map {
            batch(Array($0..<min($0 + size, count)))
        }
    }

    /// Images of which neurons are read at once: all places of a VGG's maps are.
    func readingBatchSize(_ wanted: Int) -> Int {
        min(wanted, 256 * 64 * 64 / (height * width))
    }
}
