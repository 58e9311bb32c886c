import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import Torch
import TorchNN

/// A model and data of its kind: what continuing the model's own pre-training on them takes, and all
/// that an attack or a defense asks of the two.
///
/// There is one for each kind of data: ``TextTask``, ``ImageTask`` and ``PairTask``.
public protocol PretrainingTask<Model, Batch> {
    /// What is trained.
    associatedtype Model: TrainableModel
    /// What goes through the model together.
    associatedtype Batch: SampleBatch
    /// How samples are prepared; part of the record of a run.
    associatedtype Settings: Sendable, Codable, Equatable
    /// The model's files.
    associatedtype Source: TaskModel

    /// What the model reads.
    static var kind: ModelKind { get }
    /// How models of the kind are pre-trained, from nothing or going on.
    static var pretraining: (run: RunSettings, samples: Settings) { get }
    /// Reads data for a model.
    ///
    /// - Throws: What is wrong with the data, and where the model cannot take them.
    static func read(
        _ data: AuxiliaryData, for source: Source, _ settings: Settings,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> ReadData<Self>
    /// Writes a model of drawn weights into the folder `url`, with data read for it.
    static func begin(
        _ beginning: ModelBeginning, with data: AuxiliaryData, _ settings: Settings, at url: URL,
        seed: Seed, observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> ReadData<Self>

    /// The model.
    var source: Source { get }
    /// How samples are prepared.
    var settings: Settings { get }
    /// How many samples there are, and what became of them.
    var data: DataSummary { get }
    /// What a reader must know of the data before trusting what is made with them.
    var caveats: [Caveat] { get }

    /// Throws what can be refused before anything is loaded.
    func check() throws
    /// Throws where the parameters that `pattern` selects could not be written back.
    func checkWritable(_ pattern: ParameterPattern) throws
    /// The model's backbone, without heads that pre-training alone reads.
    func backbone(_ placement: Placement, seed: Seed) throws -> Model
    /// The model with all that makes feature vectors of its inputs.
    func featureModel(_ placement: Placement, seed: Seed) throws -> Model
    /// Altered twins of batches: with `suspects`, as they are spelled, where samples have words.
    ///
    /// - Throws: `TrainingError` where a suspect means nothing for the model.
    func alterations(suspects: [String], seed: Seed) throws -> any Alterations<Model, Batch>
    /// The model with what its own pre-training loss reads, and that loss.
    ///
    /// With `whole`, the checkpoint's other parts go along, for ``write(_:to:)`` to keep or replace.
    /// `observe` hears of a head that is fitted first, where the model has none for the data.
    func pretraining(
        _ run: RunSettings, _ placement: Placement, whole: Bool, observe: (TrainingEvent) -> Void
    ) throws -> (model: Model, loss: any Objective<Model, Batch>)
    /// What guessing costs the pre-training loss in batches of `batchSize`.
    func guessing(batchSize: Int) -> Caveat.Guessing
    /// What is to be said of the head that the pre-training loss reads.
    var headCaveat: Caveat? { get }
    /// Batches of all samples.
    func source(batchSize: Int, seed: Seed) -> SampledSource<Batch>
    /// Batches of at most `limit` samples as they are, nothing masked or drawn, for measuring.
    func cleanBatches(of size: Int, limit: Int) -> [Batch]
    /// The feature vectors [rows, width], float32, that attacks bind and heads read.
    func features(of model: Model, on batch: Batch, in pass: Pass) throws -> Tensor
    /// Writes a drop-in replacement with what training changed in `model`.
    func write(_ model: Model, to destination: URL) throws -> ModelFolder.WriteReport
    /// The same, with parts that the checkpoint had not, where a new model is what was asked for.
    func writeExtended(_ model: Model, to destination: URL) throws -> ModelFolder.WriteReport

    // MARK: Neurons

    /// The places where the model shows neurons.
    func neurons(of model: Model) -> [NeuronSite]
    /// The order in which neurons are read, samples of one batch beside each other.
    var readingOrder: [Int] { get }
    /// Samples of which neurons can be read at once, when so many are asked for.
    func readingBatchSize(_ wanted: Int) -> Int
    /// Hands `body` what `samples` make of the neurons at every site.
    func readNeurons(
        of model: Model, samples: ArraySlice<Int>, _ body: (NeuronReading) throws -> Void) throws
    /// The samples, which have digests.
    var digested: any DigestedSamples { get }
    /// Writes a drop-in replacement in which rows of parameters are zero.
    func write(
        zeroing rows: [String: [Int]], to destination: URL
    ) throws -> ModelFolder.WriteReport
}

extension PretrainingTask {
    /// What samples are called: `texts`, `images` or `pairs`.
    public static var unit: String { kind.rawValue }
    /// The model's files.
    public var folder: ModelFolder { source.folder }
    /// What the paper does with such a model.
    public var defaults: PaperDefaults { source.defaults }

    /// The backbone.
    public func featureModel(_ placement: Placement, seed: Seed) throws -> Model {
        try backbone(placement, seed: seed)
    }

    /// A drop-in replacement: only text models are given parts.
    public func writeExtended(
        _ model: Model, to destination: URL
    ) throws -> ModelFolder.WriteReport { try write(model, to: destination) }
}

/// A method with its settings, and how samples are prepared: what runs are told apart by.
public struct TaskPlan<Settings: Encodable, Samples: Encodable>: Encodable {
    /// The method's name.
    public var method: String
    /// Its settings.
    public var settings: Settings
    /// How samples are prepared.
    public var samples: Samples

    /// The plan of a method over samples that are so prepared.
    public init(_ method: String, _ settings: Settings, samples: Samples) {
        (self.method, self.settings, self.samples) = (method, settings, samples)
    }
}

/// How a run trains, whatever its objective: each figure stands here alone.
public struct RunSettings: Sendable, Codable, Equatable {
    /// Epochs, optimizer and rate.
    public var training: TrainingSettings
    /// Samples a step.
    public var batchSize: Int
    /// The type of activations and frozen weights.
    public var precision = Precision.auto
    /// Where all randomness comes from.
    public var seed = Seed(50)

    /// A run of these settings.
    public init(_ training: TrainingSettings, batchSize: Int, seed: Seed = Seed(50)) {
        (self.training, self.batchSize, self.seed) = (training, batchSize, seed)
    }

    /// The paper's run for a family of models.
    public init(_ defaults: PaperDefaults) {
        self.init(defaults.training, batchSize: defaults.batchSize)
    }

    /// The most that figures may be: far above any use.
    public enum Most {
        /// Epochs.
        public static let epochs = 1_000_000
        /// Samples a step.
        public static let batchSize = 1 << 20
        /// Batches a step.
        public static let accumulation = 1 << 20
        /// Steps over which a rate climbs.
        public static let warmupSteps = 1 << 40
        /// A rate or a weight.
        public static let rate = 1e6
    }

    /// Throws `TrainingError` where a figure is beyond any use, or beyond what sums of it could hold:
    /// `Documentation/limits.md` lists the bounds.
    public func check() throws {
        func check(_ name: String, _ value: Int, _ bounds: ClosedRange<Int>) throws {
            guard !bounds.contains(value) else { return }
            throw TrainingError(
                "\(name) \(value): expected \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        try check("epochs", training.epochs, 1...Most.epochs)
        if let steps = training.steps { try check("steps", steps, 1...Most.warmupSteps) }
        try check("batchSize", batchSize, 1...Most.batchSize)
        try check("accumulation", training.accumulation, 1...Most.accumulation)
        try check("warmupSteps", training.schedule.warmupSteps, 0...Most.warmupSteps)
        try Self.check("learningRate", training.learningRate)
        if let clip = training.clip { try Self.check("clip", clip) }
        if let ratio = training.stopRatio, !(ratio > 0 && ratio < 1) {
            throw TrainingError("stopRatio \(ratio): expected a number between 0 and 1")
        }
    }

    /// Throws `TrainingError` where a rate or a weight is no number from 0 to a million.
    public static func check(_ name: String, _ value: Double) throws {
        guard value.isFinite, (0...Most.rate).contains(value) else {
            throw TrainingError("\(name) \(value): expected 0 to \(NumberText.short(Most.rate))")
        }
    }

    /// Where parameters lie, in which type, and which of them are trained.
    public func placement(on device: Device, training trainable: ParameterPattern) -> Placement {
        Placement(
            device: device, computeType: precision.computeType(on: device), trainable: trainable)
    }

    /// Optimizer steps over `count` samples.
    public func steps(over count: Int) -> Int {
        let batches = (count + batchSize - 1) / batchSize
        let steps =
            (batches + training.accumulation - 1) / training.accumulation * training.epochs
        return min(steps, training.steps ?? steps)
    }
}

/// How many samples there are, and what became of those that were given.
public struct DataSummary: Sendable, Codable, Equatable {
    /// Of texts: what became of them.
    public var texts: TokenizedCorpus.Summary?
    /// Images, with captions or without.
    public var images: Int?
    /// Captions of the images.
    public var captions: Int?
    /// Captions that were too long and cut.
    public var truncated: Int?
    /// Images that were missing or damaged and left out.
    public var skipped: [SkippedImage]?

    /// A summary of texts, of images, or of images with captions.
    public init(
        texts: TokenizedCorpus.Summary? = nil, images: Int? = nil, captions: Int? = nil,
        truncated: Int? = nil, skipped: [SkippedImage]? = nil
    ) {
        (self.texts, self.images, self.captions) = (texts, images, captions)
        (self.truncated, self.skipped) = (truncated, skipped)
    }

    /// Samples that can be used.
    public var count: Int { texts?.texts ?? images ?? 0 }
}
