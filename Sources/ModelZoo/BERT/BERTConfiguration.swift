import Checkpoints
import Foundation
import JSON
import TorchNN

/// The sizes and constants of a BERT, from its `config.json`.
public struct BERTConfiguration: Sendable, Equatable {
    /// Rows of the word embeddings.
    public var vocabularySize: Int
    /// Width of a token's vector.
    public var hiddenSize: Int
    /// Transformer blocks.
    public var layerCount: Int
    /// Attention heads a block.
    public var headCount: Int
    /// Neurons of a block's feed-forward part.
    public var intermediateSize: Int
    /// The longest sequence.
    public var maximumPositions: Int
    /// Kinds of segment.
    public var segmentTypeCount: Int
    /// The feed-forward activation, also the MLM head's.
    public var activation: Activation
    /// Dropout on hidden vectors.
    public var hiddenDropout: Double
    /// Dropout on attention probabilities.
    public var attentionDropout: Double
    /// Dropout before the classifier.
    public var classifierDropout: Double
    /// Added to the variance in layer normalization.
    public var layerNormEpsilon: Double
    /// Deviation of fresh weights.
    public var initializerRange: Double
    /// The padding token.
    public var paddingID: Int
    /// Whether the MLM decoder is the word embeddings.
    public var tiesEmbeddings: Bool
    /// Classes of a sequence classifier.
    public var labelCount: Int

    /// Width of one head.
    public var headSize: Int { hiddenSize / headCount }

    /// Reads `config.json`.
    ///
    /// Throws `CheckpointError` for another architecture, for a field that is missing or of another
    /// kind, and for a setting that changes the computation in a way this model cannot honour.
    public init(_ file: JSONFile) throws {
        try Self.checkArchitecture(file)
        try Self.checkUnsupported(file)
        vocabularySize = try file.count("vocab_size", to: ConfigurationBounds.vocabulary)
        hiddenSize = try file.count("hidden_size", to: ConfigurationBounds.width)
        layerCount = try file.count("num_hidden_layers", to: ConfigurationBounds.layers)
        headCount = try file.count("num_attention_heads", to: ConfigurationBounds.heads)
        intermediateSize = try file.count("intermediate_size", to: ConfigurationBounds.innerWidth)
        maximumPositions = try file.count(
            "max_position_embeddings", to: ConfigurationBounds.positions, default: 512)
        segmentTypeCount = try file.count(
            "type_vocab_size", to: ConfigurationBounds.segments, default: 2)
        hiddenDropout = try file.probability("hidden_dropout_prob", default: 0.1)
        attentionDropout = try file.probability("attention_probs_dropout_prob", default: 0.1)
        classifierDropout = try file.probability("classifier_dropout", default: hiddenDropout)
        layerNormEpsilon = try file.constant("layer_norm_eps", default: 1e-12)
        initializerRange = try file.constant("initializer_range", default: 0.02)
        paddingID = try file.integer("pad_token_id", default: 0)
        tiesEmbeddings = try file.bool("tie_word_embeddings", default: true)
        labelCount = try file.labelCount() ?? 2
        activation = try file.activation("hidden_act", default: .gelu)
        guard hiddenSize % headCount == 0 else {
            throw CheckpointError(
                file.url,
                "‘hidden_size’ \(hiddenSize) is not a multiple of ‘num_attention_heads’ \(headCount)"
            )
        }
        guard paddingID < vocabularySize else {
            throw CheckpointError(
                file.url, "‘pad_token_id’ \(paddingID) is outside ‘vocab_size’ \(vocabularySize)")
        }
    }

    private static func checkArchitecture(_ file: JSONFile) throws {
        let type = try file.string("model_type")
        let names = file.architectures
        let isBERT = type.map { $0 == "bert" } ?? names.contains { $0.hasPrefix("Bert") }
        guard isBERT else {
            let found = type ?? names.first ?? "not named"
            throw CheckpointError(
                file.url, "the architecture is ‘\(found)’; expected ‘bert’",
                advice: "this version reads BERT models")
        }
    }

    /// Settings under which the same weights mean another computation.
    private static func checkUnsupported(_ file: JSONFile) throws {
        let positions = try file.string("position_embedding_type") ?? "absolute"
        guard positions == "absolute" else {
            throw CheckpointError(
                file.url,
                "‘position_embedding_type’ is ‘\(positions)’; only ‘absolute’ is supported")
        }
        for flag in ["is_decoder", "add_cross_attention"] where try file.bool(flag, default: false)
        {
            throw CheckpointError(file.url, "‘\(flag)’ is true; only encoders are supported")
        }
        if case .object(let heads)? = file.fields["pruned_heads"], !heads.isEmpty {
            throw CheckpointError(
                file.url, "‘pruned_heads’ is not empty; pruned heads are not supported")
        }
        try file.checkUnquantized()
    }
}
