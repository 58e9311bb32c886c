import Checkpoints
import Foundation
import JSON
import TextTokenizers
import TorchNN

/// A family of text encoders: what else is to be known of one to read, build, attack and purify it.
public protocol TextArchitecture: Architecture {
    /// The `model_type` of a `config.json`.
    static var modelType: String { get }
    /// The encoder's parameters with the pooler's, by canonical name; all others are heads.
    static var backbone: ParameterPattern { get }
    /// A part's parameters, by canonical name.
    static func parameters(of part: TextModelParts) -> ParameterPattern
    /// A parameter that weights hold if they hold the part, by canonical name.
    static func mark(of part: TextModelParts) -> String
    /// The tables of words, of positions and, where there is one, of segments.
    static var embeddings: (words: String, positions: String, segments: String?) { get }
    /// The class among `architectures` of a `config.json` for a model with these parts.
    static func className(with parts: TextModelParts) -> String
    /// How weights of these names are spelled.
    static func dialect(of names: [String], tiesEmbeddings: Bool) -> Dialect
    /// The tokenizer in a model's folder.
    static func tokenizer(in folder: URL) throws -> any TextTokenizer
    /// A tokenizer of at most `size` tokens for texts like these.
    static func tokenizer(trainedOn texts: [String], size: Int) throws -> any TextTokenizer

    /// Rows of the word embeddings.
    var vocabularySize: Int { get }
    /// Width of a token's state.
    var hiddenSize: Int { get }
    /// Transformer blocks.
    var layerCount: Int { get }
    /// Attention heads a block.
    var headCount: Int { get }
    /// Neurons of a block's feed-forward part.
    var intermediateSize: Int { get }
    /// The most tokens of a text.
    var maximumPositions: Int { get }
    /// Whether the masked-language-model decoder is the word embeddings.
    var tiesEmbeddings: Bool { get }
    /// Classes of a classifier.
    var labelCount: Int { get set }
    /// What the numbered names of its blocks begin with, by canonical name.
    static var layerPrefix: String { get }
    /// The model with `parts`, its parameters from the source of `store`.
    func model(parts: TextModelParts, in store: ParameterStore) throws -> any TextModel
}

extension TextArchitecture {
    /// Texts.
    public static var kind: ModelKind { .texts }
}

/// A text encoder's sizes and constants, of whichever architecture.
public struct TextConfiguration: Sendable, Equatable {
    /// Those of its own architecture.
    public var base: any TextArchitecture

    /// Hides which architecture `base` is of.
    public init(_ base: any TextArchitecture) { self.base = base }

    /// Reads a `config.json`.
    ///
    /// Throws `CheckpointError` for another architecture and for what the model cannot honour.
    public init(_ file: JSONFile) throws { self.init(try Self.architecture(of: file).init(file)) }

    /// The architecture that a `config.json` names.
    ///
    /// Throws `CheckpointError` where it is none of those there are.
    public static func architecture(of file: JSONFile) throws -> any TextArchitecture.Type {
        let names = try file.string("model_type").map { [$0] } ?? file.architectures
        guard let found = Architectures.texts.first(where: { $0.isDescribed(by: names) }) else {
            let known = Architectures.texts.map { "‘\($0.modelType)’" }
            throw CheckpointError(
                file.url,
                "the architecture is ‘\(names.first ?? "not named")’; expected "
                    + known.formatted(.list(type: .or).locale(Locale(identifier: "en"))),
                advice: "this version reads "
                    + Architectures.texts.map { $0.family }.joined(separator: ", ") + " models")
        }
        return found
    }

    /// The model with `parts`, its parameters from the source of `store`.
    public func model(
        parts: TextModelParts, in store: ParameterStore
    ) throws -> AnyTextModel { AnyTextModel(try base.model(parts: parts, in: store)) }

    /// What people call it.
    public var title: String { base.title }
    /// What the paper does with it.
    public var paperDefaults: PaperDefaults { base.paperDefaults }
    /// Which architecture it is of.
    public var architecture: any TextArchitecture.Type { type(of: base) }
    /// Rows of the word embeddings.
    public var vocabularySize: Int { base.vocabularySize }
    /// Width of a token's state.
    public var hiddenSize: Int { base.hiddenSize }
    /// Transformer blocks.
    public var layerCount: Int { base.layerCount }
    /// Attention heads a block.
    public var headCount: Int { base.headCount }
    /// Neurons of a block's feed-forward part.
    public var intermediateSize: Int { base.intermediateSize }
    /// The most tokens of a text.
    public var maximumPositions: Int { base.maximumPositions }
    /// Whether the masked-language-model decoder is the word embeddings.
    public var tiesEmbeddings: Bool { base.tiesEmbeddings }
    /// Classes of a classifier.
    public var labelCount: Int { base.labelCount }
    /// How weights of these names are spelled.
    public func dialect(of names: [String]) -> Dialect {
        architecture.dialect(of: names, tiesEmbeddings: base.tiesEmbeddings)
    }

    /// The same with a classifier of so many classes.
    public func withLabels(_ count: Int) -> TextConfiguration {
        var other = self
        other.base.labelCount = count
        return other
    }

    /// Whether both are of one architecture and alike.
    public static func == (one: TextConfiguration, other: TextConfiguration) -> Bool {
        one.base.isEqual(to: other.base)
    }
}
