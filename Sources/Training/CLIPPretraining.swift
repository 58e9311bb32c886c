import DataPipeline
import ModelZoo
import Torch
import TorchNN

/// Contrastive pre-training of a CLIP over images and captions: from nothing, or going on.
public struct CLIPPretraining: Sendable, Codable, Equatable {
    /// Epochs over the images; each shows one of an image's captions.
    public var epochs = 10
    /// How it trains but for the epochs.
    public var training = TrainingSettings(
        epochs: 10, learningRate: 1e-5, optimizer: CLIP.optimizer(), clip: nil)
    /// Pairs a step, which are each other's negatives.
    public var batchSize = 64
    /// Pairs whose graph is in memory at once; nil for all of a batch.
    public var chunkSize: Int?
    /// Whether half of the images are mirrored, drawn anew each epoch.
    public var flips = false
    /// What is trained.
    public var trainable = ParameterPattern.all
    /// The type of activations and frozen weights.
    public var precision = Precision.auto
    /// Where all randomness comes from.
    public var seed = Seed(50)

    /// Settings to go on with: AdamW at 1e-5, falling to 0, 64 pairs a step.
    public init() {}

    /// What weight decay spares, as CLIP's authors have it: gains, biases and the logits' scale.
    public static let undecayed = ParameterPattern([
        "**.bias", "**.layer_norm*.weight", "**.pre_layrnorm.weight", "**.post_layernorm.weight",
        "**.final_layer_norm.weight", "**.class_embedding", "logit_scale",
    ])

    /// The placement of a model's parameters.
    public func placement(on device: Device) -> Placement {
        Placement(
            device: device, computeType: precision.computeType(on: device), trainable: trainable)
    }

    /// A trainer of `model` over `pairs`; throws where a batch would hold a single pair.
    public func trainer(
        of model: CLIP, pairs: PreparedPairs, normalization: ImageNormalization
    ) throws -> any TrainingRun<CLIP> {
        try ContrastiveLanguageImage.check(count: pairs.count, batchSize: batchSize)
        var settings = training
        settings.epochs = epochs
        return try Trainer(
            model, objective: ContrastiveLanguageImage(normalization, chunkSize: chunkSize),
            source: SampledSource.captioned(
                pairs.images, pairs.captions, order: BatchOrder(.shuffled, batchSize: batchSize),
                flips: flips, seed: seed),
            settings: settings, watching: CLIP.recipeWeights, plan: self, seed: seed)
    }
}
