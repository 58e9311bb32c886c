import DataPipeline
import ModelZoo
import Torch
import TorchNN
import Training

/// Regularized continual pre-training of a CLIP (paper, section 4 and appendix A):
/// L = L_PT + λ Σ ‖Wᵢ‖, where L_PT is the contrastive loss of a batch of pairs, everything is trained
/// and W are fc1, fc2, query, key and value of each block of the vision tower.
public struct CLIPRECIPE: Sendable, Codable, Equatable {
    /// λ, the weight of the norms; 0 is the ablation "only pre-train".
    public var weight = 1.0
    /// Whether L_PT is there; without it, it is the ablation "only regularization".
    public var hasPretrainingLoss = true
    /// Epochs over the images; each shows one of an image's captions.
    public var epochs = 20
    /// How it trains but for the epochs.
    public var training = TrainingSettings(
        epochs: 20, learningRate: 1e-5, optimizer: CLIPPretraining.optimizer(), clip: nil)
    /// Pairs a step, which are each other's negatives.
    public var batchSize = 64
    /// Pairs whose graph is in memory at once; nil for all of a batch.
    public var chunkSize: Int?
    /// The type of activations and frozen weights.
    public var precision = Precision.auto
    /// Where all randomness comes from.
    public var seed = Seed(50)

    /// AdamW (0.9, 0.98, 1e-6) without decay at 1e-5, falling to 0, 20 epochs, 64 pairs a step, all
    /// of which the paper leaves open.
    public init() {}

    /// A trainer that purifies the model of `folder` with auxiliary `pairs`.
    ///
    /// Throws where a batch would hold a single pair, unless there is no pre-training loss.
    public func trainer(
        for folder: CLIPFolder, pairs: PreparedPairs, device: Device = .cpu
    ) throws -> any TrainingRun<CLIP> {
        if hasPretrainingLoss {
            try ContrastiveLanguageImage.check(count: pairs.count, batchSize: batchSize)
        }
        let model = try folder.load(
            placement: Placement(
                device: device, computeType: precision.computeType(on: device), trainable: .all))
        let base = ContrastiveLanguageImage(
            folder.processor.normalization, chunkSize: chunkSize)
        var settings = training
        settings.epochs = epochs
        return try Trainer(
            model,
            objective: NormRegularized(
                hasPretrainingLoss ? base : nil, layers: CLIP.recipeWeights, weight: weight),
            source: SampledSource.captioned(
                pairs.images, pairs.captions, order: BatchOrder(.shuffled, batchSize: batchSize),
                seed: seed),
            settings: settings, watching: CLIP.recipeWeights, plan: self, seed: seed)
    }
}
