import Foundation
import TensorFormats

/// A model on disk in Hugging Face layout: `config.json`, weights in one or several formats,
/// tokenizer, and whatever else its publisher put there. Or a single file of weights.
public struct ModelFolder: Sendable {
    /// The folder, or the file.
    public let url: URL
    /// `config.json`; of a single file, what was given in its place, else nothing.
    public let configuration: JSONFile
    /// The weights that are read: safetensors before PyTorch's pickles, one file before shards.
    public let weights: StateDictionary
    /// The same model once more in other formats, which an output must not leave as they are.
    public let twins: [StateDictionary]
    /// Whether the model is a file alone, and whatever lies beside it is no part of it.
    public internal(set) var isFile = false

    /// Opens a folder and checks the structure of its weight files; no tensor is copied.
    ///
    /// Throws `CheckpointError` or `FormatError` that name the file and what is wrong with it.
    public static func open(_ url: URL) throws -> ModelFolder {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw CheckpointError(
                url, "no such folder", advice: "name a folder that holds config.json and weights")
        }
        guard isFolder.boolValue else {
            throw CheckpointError(
                url, "is a file; a model is a folder that holds config.json and weights",
                advice: "name the folder that the file is in")
        }
        let configuration = try JSONFile(reading: url.appendingPathComponent("config.json"))
        var copies: [StateDictionary] = []
        for candidate in ["model.safetensors", "pytorch_model.bin"] {
            if let state = try state(candidate, in: url) { copies.append(state) }
        }
        guard let weights = copies.first else {
            throw CheckpointError(
                url,
                "no weights: expected model.safetensors, pytorch_model.bin, or either's "
                    + "shards with their .index.json")
        }
        return ModelFolder(
            url: url, configuration: configuration, weights: weights,
            twins: Array(copies.dropFirst()))
    }

    /// Opens a single file of weights, which `configuration` describes where it is given.
    ///
    /// Throws `CheckpointError` or `FormatError` that name the file and what is wrong with it.
    public static func open(file: URL, configuration: JSONFile? = nil) throws -> ModelFolder {
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw CheckpointError(file, "no such file", advice: "name a weights file")
        }
        return ModelFolder(
            url: file, configuration: configuration ?? JSONFile(url: file, fields: [:]),
            weights: try StateDictionary([TensorArchive.open(file)]), twins: [], isFile: true)
    }

    private static func state(_ file: String, in folder: URL) throws -> StateDictionary? {
        let single = folder.appendingPathComponent(file)
        if FileManager.default.fileExists(atPath: single.path) {
            return try StateDictionary([TensorArchive.open(single)])
        }
        let index = folder.appendingPathComponent(file + ".index.json")
        guard FileManager.default.fileExists(atPath: index.path) else { return nil }
        let shards = try ShardIndex(contentsOf: index)
        let archives = try shards.shards.map {
            try TensorArchive.open(shards.shardURL($0))
        }
        let state = try StateDictionary(archives)
        for name in shards.weightMap.keys.sorted() where state[name] == nil {
            throw CheckpointError(
                index, "the tensor ‘\(name)’ is in none of the shards",
                advice: "a shard is missing or incomplete; download it again")
        }
        return state
    }

    /// The texts in the configuration's `architectures`.
    public var architectures: [String] { configuration.architectures }
}
