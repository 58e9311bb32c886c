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
public struct BERT {
    /// Parts around the encoder.
    public struct Parts: OptionSet, Sendable {
        /// The bits.
        public let rawValue: Int
        /// Parts of these bits.
        public init(rawValue: Int) { self.rawValue = rawValue }
        /// The tanh layer over the first token.
        public static let pooler = Parts(rawValue: 1)
        /// The masked-language-model head.
        public static let maskedLMHead = Parts(rawValue: 2)
        /// The linear classifier over the pooled vector.
        public static let classifier = Parts(rawValue: 4)
    }

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
        _ configuration: BERTConfiguration, parts: Parts, in store: ParameterStore
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

    /// The parts that the model has.
    public var parts: Parts {
        var parts: Parts = []
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
        guard let pooler else { throw BERTError.missing("pooler") }
        return try pooler(first).tanh()
    }

    /// Scores of the vocabulary at the tokens numbered `positions`: [positions, vocabulary].
    public func maskedLMLogits(
        _ input: BERTInput, at positions: Tensor, in pass: Pass
    ) throws -> Tensor {
        guard let maskedLMHead else { throw BERTError.missing("masked-language-model head") }
        return try maskedLMHead(encoder(input, selection: positions, in: pass))
    }

    /// Scores of the classes [rows, labels].
    public func classLogits(_ input: BERTInput, in pass: Pass) throws -> Tensor {
        guard let classifier else { throw BERTError.missing("classifier") }
        let first = try encoder(input, selection: input.firstTokens, in: pass)
        return try classifier(pass.dropout(pooled(first), configuration.classifierDropout))
    }
}

/// A model lacks a part that was asked of it.
public enum BERTError: Error, CustomStringConvertible {
    /// The part is not there.
    case missing(String)

    /// What is missing.
    public var description: String {
        switch self {
        case .missing(let part): "the model has no \(part)"
        }
    }
}
