import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import TextTokenizers
import Torch
import Training
import TorchNN

/// Regularized continual pre-training (paper, section 4): L = L_PT + λ Σ ‖Wᵢ‖.
public struct RECIPE: Sendable, Codable, Equatable {
    /// λ, the weight of the norms; 0 is the ablation "only pre-train".
    public var weight = 1.0
    /// Whether L_PT is there; without it, the ablation "only regularization".
    public var hasPretrainingLoss = true
    /// Epochs over the auxiliary texts.
    public var epochs = 4
    /// The peak learning rate, which falls to 0 in a straight line.
    public var learningRate = 2e-5
    /// Texts a step.
    public var batchSize = 32
    /// Tokens a text is cut to, special tokens included.
    public var maximumLength = 64
    /// When masks are drawn.
    public var masks = TokenMasking.Masks.static
    /// The type of activations and frozen weights.
    public var precision = Precision.auto
    /// Where all randomness comes from.
    public var seed = Seed(50)
    /// How texts are put into batches.
    public var order = BatchOrder.Kind.bucketed
    /// Batches whose mean gradient makes one step.
    public var accumulation = 1
    /// The mean ‖W(t)‖ / ‖W(0)‖ that ends the run early; nil for a run of all epochs.
    public var stopRatio: Double?

    /// The authors' settings for BERT.
    public init() {}

    /// The weights that are made small, and all that is trained.
    public static let layers = BERT.recipeWeights

    /// The optimizer's side of the settings.
    public var training: TrainingSettings {
        TrainingSettings(
            epochs: epochs, learningRate: learningRate, accumulation: accumulation,
            stopRatio: stopRatio)
    }

    /// A trainer that purifies the model of `folder` with auxiliary `texts`.
    ///
    /// The head may come from elsewhere where the checkpoint has none; only `layers` change.
    public func trainer(
        for folder: BERTFolder, texts: [[Int32]], tokenizer: WordPieceTokenizer,
        head: BERTFolder.HeadSource = .keep, device: Device = .cpu
    ) throws -> Trainer<NormRegularized<MaskedLanguageModeling>, SampledSource<TokenBatch>> {
        let model = try folder.load(
            parts: hasPretrainingLoss ? .maskedLMHead : [],
            placement: Placement(
                device: device, computeType: precision.computeType(on: device),
                trainable: Self.layers),
            head: head, seed: seed)
        let source = SampledSource.masked(
            texts, order: BatchOrder(order, batchSize: batchSize), masking: tokenizer.masking,
            masks: masks, seed: seed)
        return try Trainer(
            model,
            objective: NormRegularized(
                hasPretrainingLoss ? MaskedLanguageModeling() : nil, layers: Self.layers,
                weight: weight),
            source: source, settings: training, watching: Self.layers, plan: self, seed: seed)
    }
}
