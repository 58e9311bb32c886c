import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import TextTokenizers
import Torch
import TorchNN

/// Masked-language-model pre-training of a BERT: continual, or from nothing.
public struct Pretraining: Sendable, Codable, Equatable {
    /// Epochs over the texts.
    public var epochs = 1
    /// The peak learning rate.
    public var learningRate = 5e-5
    /// How the rate moves.
    public var schedule = Schedule(.linear)
    /// Decoupled weight decay, which spares biases and normalization.
    public var weightDecay = 0.0
    /// Texts a step.
    public var batchSize = 32
    /// Batches whose mean gradient makes one step.
    public var accumulation = 1
    /// Tokens a text is cut to, special tokens included.
    public var maximumLength = 128
    /// When masks are drawn.
    public var masks = TokenMasking.Masks.dynamic
    /// What is trained.
    public var trainable = ParameterPattern.all
    /// The type of activations and frozen weights.
    public var precision = Precision.auto
    /// Where all randomness comes from.
    public var seed = Seed(50)

    /// Continual pre-training with BERT's usual constants.
    public init() {}

    /// The placement of a model's parameters for this training.
    public func placement(on device: Device) -> Placement {
        Placement(
            device: device, computeType: precision.computeType(on: device), trainable: trainable)
    }

    /// A trainer of `model` on tokenized `texts`.
    public func trainer(
        of model: BERT, texts: [[Int32]], tokenizer: WordPieceTokenizer
    ) throws -> Trainer<MaskedLanguageModeling, SampledSource<TokenBatch>> {
        let source = SampledSource.masked(
            texts, order: BatchOrder(.bucketed, batchSize: batchSize), masking: tokenizer.masking,
            masks: masks, seed: seed)
        return try Trainer(
            model, objective: MaskedLanguageModeling(), source: source,
            settings: TrainingSettings(
                epochs: epochs, learningRate: learningRate, schedule: schedule,
                optimizer: .adamW(weightDecay: weightDecay),
                undecayed: ParameterPattern(["**.bias", "**.LayerNorm.weight"]),
                accumulation: accumulation),
            watching: BERT.recipeWeights, plan: self, seed: seed)
    }
}
