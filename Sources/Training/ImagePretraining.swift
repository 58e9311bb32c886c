import DataPipeline
import ModelZoo
import Torch
import TorchNN

/// Supervised pre-training of an image model: from nothing, or going on.
public struct ImagePretraining: Sendable, Codable, Equatable {
    /// Epochs over the images.
    public var epochs = 50
    /// How it trains but for the epochs.
    public var training = TrainingSettings(
        epochs: 50, learningRate: 0.01, schedule: Schedule(.constant), optimizer: .sgd(), clip: nil)
    /// Images a step.
    public var batchSize = 512
    /// Whether half of the images are mirrored, drawn anew each epoch.
    public var flips = false
    /// The type of activations and frozen weights.
    public var precision = Precision.auto
    /// Where all randomness comes from.
    public var seed = Seed(50)

    /// NeuBA's settings: SGD at a constant 0.01, 50 epochs, 512 images a step.
    public init() {}

    /// The placement of a model's parameters: everything is trained.
    public func placement(on device: Device) -> Placement {
        Placement(
            device: device, computeType: precision.computeType(on: device), trainable: .all)
    }

    /// A trainer of `model`, which has a head for the classes of `images`.
    public func trainer(
        of model: AnyImageModel, images: PreparedImages, normalization: ImageNormalization
    ) throws -> any TrainingRun<AnyImageModel> {
        var settings = training
        settings.epochs = epochs
        return try Trainer(
            model, objective: ImageClassification(normalization),
            source: SampledSource.classified(
                images, order: BatchOrder(.shuffled, batchSize: batchSize), flips: flips,
                seed: seed),
            settings: settings, watching: model.recipeWeights, plan: self, seed: seed)
    }
}
