import Torch
import TorchNN

/// The masked-language-model head: transform, normalization, decoder onto the vocabulary.
public struct BERTMaskedLMHead {
    let transform: Linear
    let norm: LayerNorm
    let activation: Activation
    let decoder: Linear

    init(_ configuration: BERTConfiguration, words: Embedding, at scope: Scope) throws {
        let width = configuration.hiddenSize
        let initial = Initializer.normal(deviation: configuration.initializerRange)
        let transformScope = scope["transform"]
        transform = try Linear(width, width, weight: initial, at: transformScope["dense"])
        norm = try LayerNorm(
            width, epsilon: configuration.layerNormEpsilon, at: transformScope["LayerNorm"])
        activation = configuration.activation
        if configuration.tiesEmbeddings {
            let bias = try scope.parameter("bias", [configuration.vocabularySize], .zeros)
            decoder = try Linear(weight: words.weight, bias: bias).packed()
        } else {
            decoder = try Linear(
                width, configuration.vocabularySize, weight: initial, at: scope["decoder"])
        }
    }

    /// Scores over the vocabulary [n, vocabulary] for hidden vectors [n, hidden].
    public func callAsFunction(_ hidden: Tensor) throws -> Tensor {
        try decoder(norm(activation(transform(hidden))))
    }
}

/// A BERT with the parts that a task needs.
public struct BERT: TextModel {
    /// The sizes and constants.
    public let configuration: BERTConfiguration
    /// All parameters.
    public let store: ParameterStore
    /// Embeddings and blocks.
    public let encoder: BERTEncoder
    /// The tanh layer over the first token, where the model has one.
    public let pooler: Linear?
    /// The masked-language-model head, where the model has one.
    public let maskedLMHead: BERTMaskedLMHead?
    /// The classifier over the pooled vector, where the model has one.
    public let classifier: Linear?

    /// A model whose parameters come from `store`'s source.
    public init(
        _ configuration: BERTConfiguration, parts: TextModelParts, in store: ParameterStore
    ) throws {
        let root = store.root
        let initial = Initializer.normal(deviation: configuration.initializerRange)
        let width = configuration.hiddenSize
        self.configuration = configuration
        self.store = store
        encoder = try BERTEncoder(configuration, at: root["bert"])
        pooler =
            parts.contains(.pooler)
            ? try Linear(width, width, weight: initial, at: root["bert"]["pooler"]["dense"]) : nil
        maskedLMHead =
            parts.contains(.maskedLMHead)
            ? try BERTMaskedLMHead(
                configuration, words: encoder.embeddings.words, at: root["cls"]["predictions"])
            : nil
        classifier =
            parts.contains(.classifier)
            ? try Linear(width, configuration.labelCount, weight: initial, at: root["classifier"])
            : nil
    }

    /// Which model it is, in which shape.
    public var textConfiguration: TextConfiguration { TextConfiguration(configuration) }
    /// The feed-forward neurons of every block.
    public var neurons: [NeuronSite] { encoder.layers.map(\.neurons) }

    /// The parts that the model has.
    public var parts: TextModelParts {
        var parts: TextModelParts = []
        if pooler != nil { parts.insert(.pooler) }
        if maskedLMHead != nil { parts.insert(.maskedLMHead) }
        if classifier != nil { parts.insert(.classifier) }
        return parts
    }

    /// The weights RECIPE shrinks, and all it trains: the input side of every feed-forward part
    /// (paper, appendix A).
    public static let recipeWeights: ParameterPattern =
        "bert.encoder.layer.*.intermediate.dense.weight"

    /// The pooled vectors [n, hidden] of first-token vectors [n, hidden].
    ///
    /// Throws where the model has no pooler.
    public func pooled(_ first: Tensor) throws -> Tensor {
        try unpooled(first).tanh()
    }

    /// What the pooler makes of first-token vectors [n, hidden] before tanh.
    public func unpooled(_ first: Tensor) throws -> Tensor {
        guard let pooler else { throw TextModelError.missing("pooler") }
        return try pooler(first)
    }

    /// The last hidden state [tokens, hidden]; with `selection`, indices of tokens, only theirs
    /// [selected, hidden].
    public func hiddenStates(
        _ input: TokenInput, selection: Tensor?, in pass: Pass
    ) throws -> Tensor { try encoder(input, selection: selection, in: pass) }

    /// Scores of the vocabulary [n, vocabulary] of hidden states [n, hidden].
    public func vocabularyLogits(_ hidden: Tensor) throws -> Tensor {
        guard let maskedLMHead else { throw TextModelError.missing("masked-language-model head") }
        return try maskedLMHead(hidden)
    }

    /// Scores of the classes [n, labels] of first-token states [n, hidden].
    public func classLogits(ofFirst first: Tensor, in pass: Pass) throws -> Tensor {
        guard let classifier else { throw TextModelError.missing("classifier") }
        return try classifier(pass.dropout(pooled(first), configuration.classifierDropout))
    }
}
