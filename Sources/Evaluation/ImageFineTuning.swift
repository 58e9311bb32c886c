import Attacks
import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Randomness
import Torch
import TorchNN
import Training

/// How a downstream user makes a classifier of a pre-trained image model (the paper's settings for
/// VGG and ViT; optimizer and batch are those of NeuBA's scripts, which the paper does not state, nor
/// does it state those of CLIP).
public struct ImageFineTuning: Sendable, Codable, Equatable {
    /// Epochs over the training images.
    public var epochs = 10
    /// The highest learning rate.
    public var learningRate = 1e-3
    /// How it falls.
    public var schedule = Schedule.Shape.constant
    /// Which optimizer; gradients are not clipped.
    public var optimizer = OptimizerConfiguration.sgd()
    /// Images a step.
    public var batchSize = 64
    /// The type of activations and frozen weights.
    public var precision = Precision.auto

    /// The paper's settings for VGG and ViT on all data sets but one.
    public init() {}

    /// The paper's settings for a model on data of this layout.
    public static func paper(
        for configuration: ImageConfiguration, layout: ImageLayout
    ) -> ImageFineTuning {
        let paper = configuration.paperDefaults.fineTuning
        let training = paper.training(on: layout)
        var settings = ImageFineTuning()
        (settings.epochs, settings.learningRate) = (training.epochs, training.learningRate)
        (settings.schedule, settings.optimizer) = (training.schedule.shape, training.optimizer)
        settings.batchSize = paper.batchSize
        return settings
    }

    /// A trainer of a classifier on the model of `folder`, with a fresh linear head for the classes
    /// of `images`; everything is trained but neurons that were pruned for good.
    public func trainer(
        on folder: ImageModelFolder, images: PreparedImages, seed: Seed, device: Device
    ) throws -> Trainer<RowsHeldAtZero<ImageClassification>, SampledSource<ImageBatch>> {
        let model = try folder.load(
            placement: Placement(
                device: device, computeType: precision.computeType(on: device), trainable: .all),
            head: .fresh(labels: images.classNames.count), seed: seed)
        let objective = try RowsHeldAtZero(
            ImageClassification(folder.processor.normalization),
            rows: folder.folder.rowsHeldAtZero(at: model.neurons), of: model)
        return try Trainer(
            model, objective: objective,
            source: SampledSource.classified(
                images, order: BatchOrder(.shuffled, batchSize: batchSize), seed: seed),
            settings: TrainingSettings(
                epochs: epochs, learningRate: learningRate, schedule: Schedule(schedule),
                optimizer: optimizer, clip: nil), seed: seed)
    }
}

/// A fine-tuned image classifier, asked for classes.
public struct ImagePredictor {
    private let model: AnyImageModel
    private let normalization: ImageNormalization
    /// Pixels a batch holds at most, beyond which nothing is gained.
    var pixelBudget = 128 * 64 * 64

    /// A predictor over `model`, whose head knows the classes.
    public init(_ model: AnyImageModel, normalization: ImageNormalization) {
        self.model = model
        self.normalization = normalization
    }

    /// The class of each image, in the order given; with a trigger, of each with that pasted on.
    public func classes(
        of images: PreparedImages, with trigger: PatchTrigger? = nil
    ) throws -> [Int] {
        let size = max(1, pixelBudget / (images.height * images.width))
        var classes: [Int] = []
        classes.reserveCapacity(images.count)
        for start in stride(from: 0, to: images.count, by: size) {
            var batch = images.batch(Array(start..<min(start + size, images.count)))
            if let trigger { batch = batch.poisoned(by: trigger, number: trigger.index) }
            let found: [Int64] = try withInferenceMode {
                try model.classLogits(normalization(batch, for: model), in: .evaluation)
                    .argmax(-1).values()
            }
            classes += found.map(Int.init)
        }
        return classes
    }
}
