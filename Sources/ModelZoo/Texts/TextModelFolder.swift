import Checkpoints
import DataPipeline
import Foundation
import JSON
import Randomness
import TensorFormats
import TextTokenizers
import Torch
import TorchNN

/// A text encoder's folder opened for reading: configuration, spelling, which parts it has, tokenizer.
public struct TextModelFolder: Sendable {
    /// The files.
    public let folder: ModelFolder
    /// The sizes and constants.
    public let configuration: TextConfiguration
    /// The spelling of the weights' names.
    public let dialect: Dialect
    /// The parts that the weights hold.
    public let parts: TextModelParts

    /// Where a masked-language-model head comes from when a model is loaded for pre-training.
    public enum HeadSource: Sendable, Equatable {
        /// The checkpoint's own; an error where it has none.
        case keep
        /// Drawn afresh, even where the checkpoint has one.
        case fresh
        /// That of another model of the same architecture, width and vocabulary.
        case folder(URL)
    }

    /// Opens a folder.
    ///
    /// Throws where loaders could read different models in it, but for an `examination`.
    public init(_ url: URL, for examination: ModelFolder.Examination = .use) throws {
        folder = try ModelFolder.open(url, for: examination)
        configuration = try TextConfiguration(folder.configuration)
        dialect = configuration.dialect(of: folder.weights.names)
        let architecture = configuration.architecture
        let names = Set(folder.weights.names.map(dialect.canonical))
        try folder.configuration.checkLayers(
            configuration.layerCount, named: architecture.layerPrefix, among: names)
        parts = [TextModelParts.pooler, .maskedLMHead, .classifier].filter {
            names.contains(architecture.mark(of: $0))
        }.reduce(into: []) { $0.formUnion($1) }
        try folder.check(examination, spelling(of:))
    }

    /// How the names of one of the folder's state dictionaries are spelled.
    public func spelling(of state: StateDictionary) -> ModelFolder.Spelling {
        ModelFolder.Spelling(configuration.dialect(of: state.names))
    }

    /// The tokenizer; throws where its ids do not fit the word embeddings.
    public func tokenizer() throws -> any TextTokenizer {
        let tokenizer = try configuration.architecture.tokenizer(in: folder.url)
        guard tokenizer.vocabularySize <= configuration.vocabularySize else {
            throw CheckpointError(
                folder.url,
                "the tokenizer has \(tokenizer.vocabularySize) tokens, the word embeddings "
                    + "\(configuration.vocabularySize) rows",
                advice: "vocab.txt or tokenizer.json belongs to another model")
        }
        return tokenizer
    }

    /// Throws where texts of `length` tokens are longer than the model has positions, or too short
    /// for the special tokens and a word.
    public func checkLength(_ length: Int) throws {
        guard length > 2, length <= configuration.maximumPositions else {
            throw CheckpointError(
                folder.configuration.url,
                "a maximum length of \(length) tokens does not fit: the model has "
                    + "\(configuration.maximumPositions) positions, and 3 is the least",
                advice: "choose --max-length accordingly")
        }
    }

    /// A model of the folder's weights with `parts`.
    ///
    /// Parts that the weights lack, and those `fresh` selects, are drawn from `seed`; everything
    /// else must be in the checkpoint.
    public func load(
        parts wanted: TextModelParts, placement: Placement, head: HeadSource = .keep,
        fresh: ParameterPattern = .none, labelCount: Int? = nil, seed: Seed = Seed(50)
    ) throws -> AnyTextModel {
        let configuration = labelCount.map(self.configuration.withLabels) ?? self.configuration
        let headPattern = configuration.architecture.parameters(of: .maskedLMHead)
        var source: any ParameterSource = CheckpointSource(
            folder.weights, dialect: dialect, at: folder.url,
            fallback: FreshSource(seed: seed.key("parameters")),
            mayBeMissing: configuration.architecture.parameters(of: [.pooler, .classifier]))
        var replaced = fresh.alternatives
        if wanted.contains(.maskedLMHead) {
            switch head {
            case .keep:
                guard parts.contains(.maskedLMHead) else {
                    throw CheckpointError(
                        folder.url,
                        "the model has no masked-language-model head (\(headPattern.description.replacing(".**", with: "")))",
                        advice: "graft one with --mlm-head FOLDER, or train a new one with "
                            + "`recipe pretrain --mlm-head fresh`")
                }
            case .fresh:
                replaced += headPattern.alternatives
            case .folder(let url):
                source = try grafting(url, onto: source)
            }
        }
        if !replaced.isEmpty {
            source = OverlaySource(
                FreshSource(seed: seed.key("parameters")), where: ParameterPattern(replaced),
                over: source)
        }
        let model = try configuration.model(
            parts: wanted, in: ParameterStore(source: source, placement: placement))
        // The weights are copied by now: their pages in the files need not stay in memory.
        for archive in folder.weights.archives { archive.releasePages() }
        return model
    }

    private func grafting(
        _ url: URL, onto source: any ParameterSource
    ) throws -> any ParameterSource {
        let donor = try TextModelFolder(url)
        guard donor.parts.contains(.maskedLMHead) else {
            throw CheckpointError(url, "the model has no masked-language-model head to graft")
        }
        guard donor.configuration.architecture == configuration.architecture,
            donor.configuration.hiddenSize == configuration.hiddenSize,
            donor.configuration.vocabularySize == configuration.vocabularySize,
            donor.configuration.tiesEmbeddings == configuration.tiesEmbeddings
        else {
            throw CheckpointError(
                url,
                "its head does not fit: width \(donor.configuration.hiddenSize) and vocabulary "
                    + "\(donor.configuration.vocabularySize), expected "
                    + "\(configuration.hiddenSize) and \(configuration.vocabularySize)")
        }
        return OverlaySource(
            CheckpointSource(donor.folder.weights, dialect: donor.dialect, at: url),
            where: configuration.architecture.parameters(of: .maskedLMHead), over: source)
    }

    /// Throws where the parameters that `pattern` selects could not be written back into the
    /// folder's weight files: to be asked before training.
    public func checkWritable(_ pattern: ParameterPattern) throws {
        try folder.checkWritable(pattern) { configuration.dialect(of: $0.names) }
    }

    /// Writes `changed` parameters back into a drop-in replacement of the folder.
    public func write(
        _ changed: [Parameter], to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try folder.write(changed, to: destination) { configuration.dialect(of: $0.names) }
    }

    /// Writes a drop-in replacement of the folder in which rows of parameters, by canonical name,
    /// are zero and every other byte is the same.
    public func write(
        zeroing rows: [String: [Int]], to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try folder.write(rows.mapValues(ParameterEdit.zeroRows), to: destination) {
            configuration.dialect(of: $0.names)
        }
    }

    /// Writes the whole model with parts that the folder had not.
    public func writeExtended(
        _ model: AnyTextModel, to destination: URL
    ) throws -> ModelFolder.WriteReport {
        let name = configuration.architecture.className(with: model.parts)
        return try folder.writeExtended(
            model.store.parameters, to: destination, dialect: dialect,
            configuration: ["architectures": .array([.string(name)])])
    }
}
