import Checkpoints
import Foundation
import TextTokenizers
import TorchNN

extension BERTConfiguration: TextArchitecture {
    /// BERT.
    public static let family = "BERT"
    /// `bert`, `BertModel` and so on.
    public static let describedAs = ["bert"]
    /// `bert`.
    public static let modelType = "bert"
    /// What the paper does with it.
    public static let defaults = BERT.paperDefaults
    /// What people call it.
    public var title: String { "BERT of \(layerCount) layers" }

    /// The encoder and the pooler.
    public static let backbone: ParameterPattern = "bert.**"
    /// The three tables.
    public static let embeddings: (words: String, positions: String, segments: String?) = (
        "bert.embeddings.word_embeddings.weight", "bert.embeddings.position_embeddings.weight",
        "bert.embeddings.token_type_embeddings.weight"
    )
    /// Blocks.
    public static let layerPrefix = "bert.encoder.layer."

    /// A part's parameters.
    public static func parameters(of part: TextModelParts) -> ParameterPattern {
        let patterns: [(TextModelParts, String)] = [
            (.pooler, "bert.pooler.**"), (.maskedLMHead, "cls.predictions.**"),
            (.classifier, "classifier.**"),
        ]
        return ParameterPattern(patterns.filter { part.contains($0.0) }.map(\.1))
    }

    /// A part's first weight; a tied decoder says nothing of the head.
    public static func mark(of part: TextModelParts) -> String {
        switch part {
        case .pooler: "bert.pooler.dense.weight"
        case .maskedLMHead: "cls.predictions.transform.dense.weight"
        default: "classifier.weight"
        }
    }

    /// transformers' class.
    public static func className(with parts: TextModelParts) -> String {
        parts.contains(.maskedLMHead) ? "BertForMaskedLM" : "BertModel"
    }

    /// The spelling of weights that hold word embeddings as a BERT does.
    public static func dialect(of names: [String]) -> Dialect? {
        guard names.contains(where: { $0.hasSuffix("embeddings.word_embeddings.weight") }) else {
            return nil
        }
        return dialect(of: names, tiesEmbeddings: true)
    }

    /// How weights of these names are spelled.
    public static func dialect(of names: [String], tiesEmbeddings: Bool) -> Dialect {
        BERTDialects.dialect(of: names, tiesEmbeddings: tiesEmbeddings)
    }

    /// WordPiece.
    public static func tokenizer(in folder: URL) throws -> any TextTokenizer {
        try WordPieceTokenizer(folder: folder)
    }

    /// WordPiece.
    public static func tokenizer(
        trainedOn texts: [String], size: Int
    ) throws -> any TextTokenizer {
        try WordPieceTokenizer(
            vocabulary: WordPieceTokenizer.trainVocabulary(from: texts, size: size))
    }

    /// The model with `parts`.
    public func model(
        parts: TextModelParts, in store: ParameterStore
    ) throws -> any TextModel { try BERT(self, parts: parts, in: store) }
}

extension BERT {
    /// The feed-forward input weights alone, AdamW at 2e-5 falling to 0, four epochs.
    public static let paperDefaults = PaperDefaults(
        regularized: recipeWeights, trained: recipeWeights,
        training: TrainingSettings(epochs: 4, learningRate: 2e-5), batchSize: 32,
        pruning: .init(moderate: .init(1, of: 3), aggressive: .init(1, of: 2)),
        fineTuning: .init(
            training: TrainingSettings(epochs: 3, learningRate: 2e-5), batchSize: 32),
        encoder: ParameterPattern(["bert.encoder.**", "bert.pooler.**"]), unlearning: .texts)
}
