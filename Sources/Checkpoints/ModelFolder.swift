import Foundation
import JSON
import TensorFormats

/// A model on disk in Hugging Face layout: `config.json`, weights in one or several formats,
/// tokenizer, and whatever else its publisher put there. Or a single file of weights.
public struct ModelFolder: Sendable {
    /// The folder that holds `config.json` and the weights, or the file.
    public let url: URL
    /// `config.json`; of a single file, what was given in its place, else nothing.
    public let configuration: JSONFile
    /// The weights that are read: safetensors before PyTorch's pickles, one file before shards.
    public let weights: StateDictionary
    /// The same model once more in other formats, which an output must not leave as they are.
    public let twins: [StateDictionary]
    /// Whether the model is a file alone, and whatever lies beside it is no part of it.
    public internal(set) var isFile = false
    /// All that lies in the folder that was named; nil of a file that was named itself.
    var tree: FolderTree?
    /// The modules of sentence-transformers, where the folder lists them.
    public internal(set) var modules: SentenceModules?
    /// The folder of the model within the tree: empty, or a path with a `/` at its end.
    var place = ""
    /// Paths within the tree of the files that hold the weights, their indices included.
    var weightFiles: Set<String> = []
    /// What in the folder tells loaders to run code, or could make them read another model.
    public internal(set) var directions: [FileNote] = []
    /// Whether fields that make loaders run code are left out of what is written.
    public internal(set) var dropsCode = false

    /// What a folder is opened for.
    public enum Examination: Sendable {
        /// To be read and perhaps written: it must hold one model, whoever reads it.
        case use
        /// The same, but fields that make loaders run code are left out of what is written.
        case useWithoutCode
        /// To say what is in it, whatever that is.
        case report
    }

    /// Opens a folder and checks the structure of its weight files; no tensor is copied. A
    /// `configuration` takes the place of its `config.json`.
    ///
    /// Throws `CheckpointError` or `FormatError` that name the file and what is wrong with it. What
    /// loaders could read differently does not throw: see ``findings(_:)``.
    public static func open(
        _ url: URL, describedBy configuration: JSONFile? = nil, for examination: Examination = .use
    ) throws -> ModelFolder {
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
        let tree = try FolderTree(url)
        let modules = try SentenceModules(in: tree)
        let place = modules?.transformer ?? ""
        let folder = place.isEmpty ? url : url.appendingPathComponent(place)
        let configuration = try configuration ?? Self.configuration(in: tree, place)
        let found = try WeightFiles(in: tree, folder: place)
        guard let weights = found.forms.first(where: { !$0.isVariant }) else {
            throw CheckpointError(
                folder,
                "no weights: expected model.safetensors, pytorch_model.bin, or either's "
                    + "shards with their .index.json")
        }
        var model = ModelFolder(
            url: folder, configuration: configuration, weights: weights.state,
            twins: found.forms.filter { $0.files != weights.files }.map(\.state))
        model.tree = tree
        model.dropsCode = examination == .useWithoutCode
        model.place = place.isEmpty ? "" : place + "/"
        model.modules = modules
        model.weightFiles = Set(found.forms.flatMap(\.files))
        model.directions =
            found.problems
            + (try directions(
                in: tree, modules, reading: Set(weights.state.archives.map(\.url.lastPathComponent))
            ))
        return model
    }

    private static func configuration(in tree: FolderTree, _ place: String) throws -> JSONFile {
        let path = place.isEmpty ? "config.json" : place + "/config.json"
        let url = tree.root.appendingPathComponent(path)
        guard let entry = tree[path] else {
            if tree["adapter_config.json"] != nil { throw adapterAlone(tree) }
            return try JSONFile(reading: url)
        }
        guard entry.kind == .file else {
            throw CheckpointError(url, LeftOutReason.note(on: entry).reason)
        }
        return try JSONFile(reading: url)
    }

    /// An adapter without its model: says which model it goes with.
    private static func adapterAlone(_ tree: FolderTree) -> CheckpointError {
        let file = tree.root.appendingPathComponent("adapter_config.json")
        let base = (try? JSONFile(reading: file).string("base_model_name_or_path")) ?? nil
        return CheckpointError(
            tree.root,
            "holds an adapter, not a model" + (base.map { "; it goes on ‘\($0)’" } ?? ""),
            advice: "merge the adapter into its model, and name the folder of that")
    }

    private static func directions(
        in tree: FolderTree, _ modules: SentenceModules?, reading read: Set<String>
    ) throws -> [FileNote] {
        let folders = Set([""] + (modules?.modules.map(\.path) ?? [])).sorted()
        var notes = try LoaderDirections.found(in: tree, folders: folders, reading: read)
        notes += modules?.problems ?? []
        // sentence-transformers reads the folder that its list names, transformers the one given.
        if let place = modules?.transformer, !place.isEmpty,
            try !WeightFiles(in: tree, folder: "").forms.isEmpty
        {
            notes.append(
                FileNote(
                    SentenceModules.file, .ambiguity,
                    "names the model in \(place), but other weights lie beside it"))
        }
        return notes
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

    /// Opens a folder without `config.json` as the one file of weights in it, called `name`; all
    /// else in it is treated as what lies in a model's folder is.
    public static func open(
        _ folder: URL, weights name: String, configuration: JSONFile? = nil,
        for examination: Examination = .use
    ) throws -> ModelFolder {
        let tree = try FolderTree(folder)
        let file = folder.appendingPathComponent(name)
        if let entry = tree[name], entry.kind != .file {
            throw CheckpointError(file, LeftOutReason.note(on: entry).reason)
        }
        var model = try open(file: file, configuration: configuration)
        model.tree = tree
        model.dropsCode = examination == .useWithoutCode
        model.weightFiles = [name]
        model.directions = try LoaderDirections.found(in: tree, folders: [""], reading: [name])
        return model
    }

    /// The folder of the model in a folder: itself, or the one that sentence-transformers' list of
    /// modules names.
    public static func place(of folder: URL) throws -> URL {
        let list = folder.appendingPathComponent(SentenceModules.file)
        guard FileManager.default.fileExists(atPath: list.path),
            let place = try SentenceModules(in: FolderTree(folder))?.transformer, !place.isEmpty
        else { return folder }
        return folder.appendingPathComponent(place)
    }

    /// The folder that was named, or the file.
    public var root: URL { tree?.root ?? url }

    /// The texts in the configuration's `architectures`.
    public var architectures: [String] { configuration.architectures }
}
