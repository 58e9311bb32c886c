import Checkpoints
import TorchNN

extension BERTConfiguration: Architecture {
    /// BERT.
    public static let family = "BERT"
    /// Texts.
    public static let kind = ModelKind.texts
    /// `bert`, `BertModel` and so on.
    public static let describedAs = ["bert"]
    /// What the paper does with it.
    public static let defaults = BERT.paperDefaults
    /// What people call it.
    public var title: String { "BERT of \(layerCount) layers" }

    /// The spelling of weights that hold word embeddings as a BERT does.
    public static func dialect(of names: [String]) -> Dialect? {
        guard names.contains(where: { $0.hasSuffix("embeddings.word_embeddings.weight") }) else {
            return nil
        }
        return BERTDialects.dialect(of: names, tiesEmbeddings: true)
    }
}

extension BERT {
    /// The feed-forward input weights alone, AdamW at 2e-5 falling to 0, four epochs.
    public static let paperDefaults = PaperDefaults(
        regularized: recipeWeights, trained: recipeWeights,
        training: TrainingSettings(epochs: 4, learningRate: 2e-5), batchSize: 32,
        pruning: .init(moderate: .init(1, of: 3), aggressive: .init(1, of: 2)),
        fineTuning: .init(
            training: TrainingSettings(epochs: 3, learningRate: 2e-5), batchSize: 32))
}
