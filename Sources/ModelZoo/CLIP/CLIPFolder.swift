import Checkpoints
import Foundation
import JSON
import TensorFormats
import TextTokenizers
import Torch
import TorchNN

/// A CLIP opened for reading: a folder in Hugging Face layout or a single file of weights, under the
/// names of transformers or of OpenAI.
public struct CLIPFolder: Sendable {
    /// The files.
    public let folder: ModelFolder
    /// The sizes and constants.
    public let configuration: CLIPConfiguration
    /// The spelling of the weights' names.
    public let dialect: Dialect
    /// How images are prepared for it.
    public let processor: ImageProcessor
    /// Whether a `config.json` describes the model; otherwise its weights do.
    public let isDescribed: Bool

    /// Opens a folder or a file; `description`, a `config.json`, says of a single file what its
    /// weights cannot say: heads of unusual width, another activation.
    ///
    /// Throws `CheckpointError` or `FormatError` that name the file and what is wrong with it; also
    /// where loaders could read different models, but for an `examination`.
    public init(
        _ url: URL, description: URL? = nil, for examination: ModelFolder.Examination = .use
    ) throws {
        folder = try ImageModelFolder.open(url, description, for: examination)
        guard let dialect = CLIPDialects.dialect(of: folder.weights.names) else {
            throw CLIPDialects.refusal(of: folder)
                ?? CheckpointError(
                    folder.url, "the weights are no CLIP's: they hold no vision tower",
                    advice: "name a CLIP in transformers' or in OpenAI's layout")
        }
        self.dialect = dialect
        guard CLIPDialects.isWhole(folder.weights.names) else {
            throw CheckpointError(
                folder.url, "the weights hold a vision tower, but no text tower",
                advice: "name a whole CLIP; a vision tower alone is an image model")
        }
        let file = folder.configuration
        isDescribed = file.fields["model_type"] != nil || !file.architectures.isEmpty
        configuration =
            isDescribed
            ? try CLIPConfiguration(file)
            : try CLIPConfiguration(
                inferredFrom: dialect.shapes(of: folder.weights), dialect: dialect,
                at: folder.url)
        let names = folder.weights.names.map(dialect.canonical)
        for (tower, prefix) in [
            (configuration.text.tower, "text_model"), (configuration.vision.tower, "vision_model"),
        ] where isDescribed {
            try file.checkLayers(
                tower.layerCount, named: prefix + ".encoder.layers.", among: names)
        }
        processor = try ImageProcessor(of: folder, for: ImageConfiguration(configuration.vision))
        try folder.check(examination, spelling(of:))
    }

    /// How the names of one of the folder's state dictionaries are spelled.
    public func spelling(of state: StateDictionary) -> ModelFolder.Spelling {
        ModelFolder.Spelling(dialect(of: state), others: CLIPDialects.all(of: state.names))
    }

    // MARK: Reading

    /// The tokenizer of the folder, or of `other`, a folder or OpenAI's `.txt.gz` of merges; throws
    /// where its ids do not fit the token embeddings, or it ends a caption otherwise than the
    /// configuration says.
    public func tokenizer(from other: URL? = nil) throws -> CLIPTokenizer {
        // Of open_clip's, the folder of the weights is the model's, though it has no config.json.
        let described = folder.configuration.url
        if other == nil, described.lastPathComponent == OpenCLIPConfiguration.file {
            return try configuration.text.tokenizer(at: described.deletingLastPathComponent())
        }
        guard other != nil || !folder.isFile else {
            throw CheckpointError(
                folder.url, "is a file of weights, without a tokenizer",
                advice: "name the tokenizer's folder, or bpe_simple_vocab_16e6.txt.gz")
        }
        return try configuration.text.tokenizer(at: other ?? folder.url)
    }

    /// A model of these weights.
    ///
    /// Throws `CheckpointError` where a tensor is missing or of another shape.
    public func load(placement: Placement = Placement()) throws -> CLIP {
        let source = CheckpointSource(
            folder.weights, dialect: dialect, at: folder.url,
            describedBy: isDescribed ? "config.json" : configuration.title)
        let model = try CLIP(
            configuration, in: ParameterStore(source: source, placement: placement))
        // The weights are copied by now: their pages in the files need not stay in memory.
        for archive in folder.weights.archives { archive.releasePages() }
        return model
    }

    /// Names in the weights that the model does not read, as on disk, such as `position_ids`; they
    /// are carried along.
    public func unreadNames() throws -> [String] {
        let model = try CLIP(configuration, in: ParameterStore(source: ShapeSource()))
        return folder.weights.names.filter { name in
            dialect.parameters(in: name).contains { model.store[$0] == nil }
        }
    }

    // MARK: Writing

    /// Throws where the parameters that `pattern` selects could not be written back into the weight
    /// files: to be asked before training.
    public func checkWritable(_ pattern: ParameterPattern) throws {
        try folder.checkWritable(pattern, dialect: dialect(of:))
    }

    /// Writes a drop-in replacement into `destination`, a folder that is there: all files of the
    /// input folder, or the single file under its name, with the bytes of `changed` in place.
    public func write(
        _ changed: [Parameter], to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try folder.write(changed, to: destination, dialect: dialect(of:))
    }

    /// Writes a drop-in replacement in which rows of parameters, by canonical name, are zero and
    /// every other byte is the same.
    public func write(
        zeroing rows: [String: [Int]], to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try folder.write(
            rows.mapValues(ParameterEdit.zeroRows), to: destination, dialect: dialect(of:))
    }

    private func dialect(of state: StateDictionary) -> Dialect {
        CLIPDialects.dialect(of: state.names) ?? dialect
    }

    /// Writes `model` as a new folder in transformers' layout: `config.json`, `model.safetensors`,
    /// `preprocessor_config.json` and, where it is given, the tokenizer's files.
    public static func create(
        _ model: CLIP, processor: ImageProcessor, tokenizer: CLIPTokenizer? = nil,
        at destination: URL
    ) throws {
        let file = destination.appendingPathComponent("config.json")
        var fields = model.configuration.fields
        if let tokenizer, case .object(var text)? = fields["text_config"] {
            // transformers warns of its own where they are beyond the vocabulary.
            text["bos_token_id"] = .integer(Int(tokenizer.startID))
            text["pad_token_id"] = .integer(Int(tokenizer.paddingID))
            fields["text_config"] = .object(text)
        }
        try ModelFolder.create(
            model.store.parameters, configuration: JSONFile(url: file, fields: fields),
            at: destination)
        let description = destination.appendingPathComponent(ImageModelFolder.preprocessorFile)
        try JSONFile(url: description, fields: processor.fields).data().write(to: description)
        try tokenizer?.save(to: destination)
    }
}

extension CLIPConfiguration.Text {
    /// The tokenizer at `url`, a folder or OpenAI's `.txt.gz` of merges; throws where its ids do not
    /// fit the token embeddings, or it ends a caption otherwise than the configuration says.
    public func tokenizer(at url: URL) throws -> CLIPTokenizer {
        let tokenizer = try CLIPTokenizer(at: url)
        guard tokenizer.vocabularySize <= vocabularySize else {
            throw CheckpointError(
                url,
                "the tokenizer has \(tokenizer.vocabularySize) tokens, the token embeddings "
                    + "\(vocabularySize) rows", advice: "it belongs to another model")
        }
        if case .firstEnd(let id) = pooling, id != Int(tokenizer.endID) {
            throw CheckpointError(
                url,
                "the tokenizer ends captions with token \(tokenizer.endID), config.json says "
                    + "\(id) (‘eos_token_id’)", advice: "they do not belong together")
        }
        return tokenizer
    }
}

extension CLIPTokenizer {
    /// The tokenizer at `url`, a folder or OpenAI's `.txt.gz` of merges.
    public init(at url: URL) throws {
        let isFile = url.pathExtension == "gz" || url.pathExtension == "txt"
        self = try isFile ? CLIPTokenizer(openAIMerges: url) : CLIPTokenizer(folder: url)
    }
}
