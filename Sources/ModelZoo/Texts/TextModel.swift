import Torch
import TorchNN

/// Parts around a text encoder.
public struct TextModelParts: OptionSet, Sendable {
    /// The bits.
    public let rawValue: Int
    /// Parts of these bits.
    public init(rawValue: Int) { self.rawValue = rawValue }
    /// What makes a text's vector of the first token's state.
    public static let pooler = TextModelParts(rawValue: 1)
    /// The masked-language-model head.
    public static let maskedLMHead = TextModelParts(rawValue: 2)
    /// The linear classifier over the pooled vector.
    public static let classifier = TextModelParts(rawValue: 4)
}

/// A network over tokens, with the parts that a task needs: what attacks bind and heads read is the
/// first token's state, or the vector that a pooler makes of it.
public protocol TextModel {
    /// All parameters.
    var store: ParameterStore { get }
    /// Which model it is, in which shape.
    var textConfiguration: TextConfiguration { get }
    /// The parts that it has.
    var parts: TextModelParts { get }
    /// The places where a pass shows neurons, in their order.
    var neurons: [NeuronSite] { get }

    /// The last hidden state [tokens, hidden]; with `selection`, indices of tokens, only theirs
    /// [selected, hidden].
    func hiddenStates(
        _ input: TokenInput, selection: Tensor?, in pass: Pass
    ) throws -> Tensor
    /// The pooled vectors [n, hidden] of first-token states [n, hidden]; throws where there is no
    /// pooler.
    func pooled(_ first: Tensor) throws -> Tensor
    /// What the pooler makes of first-token states [n, hidden] before its activation; throws where
    /// there is no pooler.
    func unpooled(_ first: Tensor) throws -> Tensor
    /// Scores of the vocabulary [n, vocabulary] of hidden states [n, hidden]; throws where there is no
    /// masked-language-model head.
    func vocabularyLogits(_ hidden: Tensor) throws -> Tensor
    /// Scores of the classes [n, labels] of first-token states [n, hidden]; throws where there is no
    /// classifier.
    func classLogits(ofFirst first: Tensor, in pass: Pass) throws -> Tensor
}

extension TextModel {
    /// Width of a token's state.
    public var hiddenSize: Int { textConfiguration.hiddenSize }

    /// The table of words [vocabulary, hidden].
    ///
    /// Throws where the model has none of that name.
    public var wordEmbeddings: Tensor {
        get throws {
            let name = textConfiguration.architecture.embeddings.words
            guard let table = store[name] else { throw TextModelError.missing("tensor \(name)") }
            return table
        }
    }

    /// The last hidden state of all tokens [tokens, hidden].
    public func hiddenStates(_ input: TokenInput, in pass: Pass) throws -> Tensor {
        try hiddenStates(input, selection: nil, in: pass)
    }

    /// Scores of the vocabulary at the tokens numbered `positions`: [positions, vocabulary].
    public func maskedLMLogits(
        _ input: TokenInput, at positions: Tensor, in pass: Pass
    ) throws -> Tensor {
        try vocabularyLogits(hiddenStates(input, selection: positions, in: pass))
    }

    /// Scores of the classes [rows, labels].
    public func classLogits(_ input: TokenInput, in pass: Pass) throws -> Tensor {
        try classLogits(
            ofFirst: hiddenStates(input, selection: input.firstTokens, in: pass), in: pass)
    }
}

/// A text model of whichever architecture.
public struct AnyTextModel: TextModel {
    /// The model itself.
    public let base: any TextModel

    /// Hides which model `base` is.
    public init(_ base: any TextModel) { self.base = base }

    /// All parameters.
    public var store: ParameterStore { base.store }
    /// Which model it is, in which shape.
    public var textConfiguration: TextConfiguration { base.textConfiguration }
    /// The parts that it has.
    public var parts: TextModelParts { base.parts }
    /// The places where a pass shows neurons, in their order.
    public var neurons: [NeuronSite] { base.neurons }

    /// The last hidden state [tokens, hidden], or that of `selection` [selected, hidden].
    public func hiddenStates(
        _ input: TokenInput, selection: Tensor?, in pass: Pass
    ) throws -> Tensor { try base.hiddenStates(input, selection: selection, in: pass) }
    /// The pooled vectors [n, hidden] of first-token states [n, hidden].
    public func pooled(_ first: Tensor) throws -> Tensor { try base.pooled(first) }
    /// What the pooler makes of first-token states [n, hidden] before its activation.
    public func unpooled(_ first: Tensor) throws -> Tensor { try base.unpooled(first) }
    /// Scores of the vocabulary [n, vocabulary] of hidden states [n, hidden].
    public func vocabularyLogits(_ hidden: Tensor) throws -> Tensor {
        try base.vocabularyLogits(hidden)
    }
    /// Scores of the classes [n, labels] of first-token states [n, hidden].
    public func classLogits(ofFirst first: Tensor, in pass: Pass) throws -> Tensor {
        try base.classLogits(ofFirst: first, in: pass)
    }
}

/// A model lacks a part that was asked of it.
public enum TextModelError: Error, CustomStringConvertible {
    /// The part is not there.
    case missing(String)

    /// What is missing.
    public var description: String {
        switch self {
        case .missing(let part): "the model has no \(part)"
        }
    }
}
