import Checkpoints
import DataPipeline
import Foundation
import JSON
import Randomness
import TensorFormats
import Torch
import TorchNN

/// An image model opened for reading: a folder in Hugging Face layout or a single file of weights,
/// of whichever architecture, under whichever names.
public struct ImageModelFolder: Sendable {
    /// The files.
    public let folder: ModelFolder
    /// Which model it is; without a head where the weights have none.
    public let configuration: ImageConfiguration
    /// The spelling of the weights' names.
    public let dialect: Dialect
    /// How images are prepared for it.
    public let processor: ImageProcessor
    /// Whether a `config.json` describes the model; otherwise its weights do.
    public let isDescribed: Bool

    /// Where the classification head comes from when a model is loaded.
    public enum Head: Sendable, Equatable {
        /// The checkpoint's own; none where it has none.
        case keep
        /// One linear layer on the features, drawn afresh, even where the checkpoint has a head.
        case fresh(labels: Int)
        /// None.
        case none
    }

    /// Opens a folder or a file; `description`, a `config.json`, says of a single file what its
    /// weights cannot say.
    ///
    /// Throws `CheckpointError` or `FormatError` that name the file and what is wrong with it; also
    /// where loaders could read different models, but for an `examination`.
    public init(
        _ url: URL, description: URL? = nil, for examination: ModelFolder.Examination = .use
    ) throws {
        folder = try Self.open(url, description, for: examination)
        guard let dialect = Self.dialect(of: folder.weights) else {
            throw Self.unknown(folder)
        }
        self.dialect = dialect
        let shapes = dialect.shapes(of: folder.weights)
        let file = folder.configuration
        isDescribed = file.fields["model_type"] != nil || !file.architectures.isEmpty
        if isDescribed {
            let described = try ImageConfiguration(file)
            try Self.check(described, names: shapes.keys, at: folder)
            if let layers = described.base.numberedLayers {
                try file.checkLayers(layers.count, named: layers.prefix, among: shapes.keys)
            }
            configuration = ImageConfiguration(described.base.withHead(among: shapes))
        } else {
            try Self.checkTimm(file)
            configuration = try ImageConfiguration(
                inferredFrom: shapes, dialect: dialect, at: folder.url)
        }
        processor = try ImageProcessor(of: folder, for: configuration)
        try folder.check(examination, spelling(of:))
    }

    /// How the names of one of the folder's state dictionaries are spelled.
    public func spelling(of state: StateDictionary) -> ModelFolder.Spelling {
        Self.spelling(of: state, else: dialect)
    }

    static func spelling(of state: StateDictionary, else other: Dialect) -> ModelFolder.Spelling {
        let names = state.names
        let families = Architectures.images
        let own = families.filter { $0.dialect(of: names) != nil }
        return ModelFolder.Spelling(
            dialect(of: state) ?? other,
            others: (own.isEmpty ? families : own).flatMap { $0.dialects(of: names) })
    }

    // MARK: Reading

    /// A model of these weights.
    ///
    /// A head that is drawn afresh depends on `seed`; all else must be in the checkpoint, but for
    /// the counters of batch normalization, which old files have not.
    public func load(
        placement: Placement = Placement(), head: Head = .keep, seed: Seed = Seed(50)
    ) throws -> AnyImageModel {
        let fresh = FreshSource(seed: seed.key("parameters"))
        var source: any ParameterSource = CheckpointSource(
            folder.weights, dialect: dialect, at: folder.url, fallback: fresh,
            mayBeMissing: "**.num_batches_tracked",
            describedBy: isDescribed ? "config.json" : configuration.title)
        var wanted = configuration
        switch head {
        case .keep: break
        case .none: wanted = configuration.withHead(labels: nil)
        case .fresh(let labels):
            guard labels > 0 else {
                throw CheckpointError(folder.url, "a head of \(labels) classes cannot be")
            }
            wanted = configuration.withHead(labels: labels)
            source = OverlaySource(fresh, where: wanted.architecture.headParameters, over: source)
        }
        let model = try wanted.model(in: ParameterStore(source: source, placement: placement))
        // The weights are copied by now: their pages in the files need not stay in memory.
        for archive in folder.weights.archives { archive.releasePages() }
        return model
    }

    /// Names in the weights that the model does not read, as on disk; they are carried along.
    public func unreadNames() throws -> [String] {
        let model = try configuration.model(in: ParameterStore(source: ShapeSource()))
        return folder.weights.names.filter { name in
            dialect.parameters(in: name).contains { model.store[$0] == nil }
        }
    }

    // MARK: Writing

    /// Throws where the parameters that `pattern` selects could not be written back into the weight
    /// files: to be asked before training.
    public func checkWritable(_ pattern: ParameterPattern) throws {
        try folder.checkWritable(pattern) { Self.dialect(of: $0) ?? dialect }
    }

    /// Writes a drop-in replacement into `destination`, a folder that is there: all files of the
    /// input folder, or the single file under its name, with the bytes of `changed` in place.
    ///
    /// What the input has no tensor for, such as a head that was drawn afresh, is left out.
    public func write(
        _ changed: [Parameter], to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try folder.write(changed, to: destination) { Self.dialect(of: $0) ?? dialect }
    }

    /// Writes a drop-in replacement in which rows of parameters, by canonical name, are zero and
    /// every other byte is the same.
    public func write(
        zeroing rows: [String: [Int]], to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try folder.write(rows.mapValues(ParameterEdit.zeroRows), to: destination) {
            Self.dialect(of: $0) ?? dialect
        }
    }

    /// Writes `model` as a new folder under canonical names: `config.json`, `model.safetensors`,
    /// `preprocessor_config.json`. `labels` names the classes.
    public static func create(
        _ model: AnyImageModel, processor: ImageProcessor, labels: [String]? = nil,
        at destination: URL
    ) throws {
        let file = destination.appendingPathComponent("config.json")
        let fields = model.imageConfiguration.fields(labels: labels)
        try ModelFolder.create(
            model.store.parameters + model.store.buffers,
            configuration: JSONFile(url: file, fields: fields), at: destination)
        let description = destination.appendingPathComponent(preprocessorFile)
        try JSONFile(url: description, fields: processor.fields).data().write(
            to: description)
    }
}

// MARK: Opening

extension ImageModelFolder {
    static let preprocessorFile = "preprocessor_config.json"
    private static let weightTypes: Set<String> = ["bin", "pkl", "pt", "pth", "safetensors"]

    static func open(
        _ url: URL, _ description: URL?, for examination: ModelFolder.Examination = .use
    ) throws -> ModelFolder {
        let manager = FileManager.default
        var isFolder: ObjCBool = false
        guard manager.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw CheckpointError(
                url, "no such file or folder",
                advice: "name a weights file, or a folder that holds config.json and weights")
        }
        let described = try description.map(JSONFile.init(reading:))
        guard isFolder.boolValue else {
            let isOpenCLIP = url.lastPathComponent.hasPrefix("open_clip")
            let beside =
                described == nil && isOpenCLIP
                ? try OpenCLIPConfiguration.described(in: url.deletingLastPathComponent()) : nil
            return try ModelFolder.open(file: url, configuration: described ?? beside)
        }
        let own = try ModelFolder.place(of: url).appendingPathComponent("config.json")
        if manager.fileExists(atPath: own.path) {
            guard description == nil else {
                throw CheckpointError(own, "describes the model already; no other can be given")
            }
            let folder = try ModelFolder.open(url, for: examination)
            try OpenCLIPConfiguration.check(folder)
            return folder
        }
        if described == nil, let openCLIP = try OpenCLIPConfiguration.described(in: url) {
            return try ModelFolder.open(url, describedBy: openCLIP, for: examination)
        }
        // What is written for a single file is a folder with that file.
        let files = try manager.contentsOfDirectory(atPath: url.path).sorted().filter {
            weightTypes.contains(($0 as NSString).pathExtension.lowercased())
        }
        guard files.count == 1 else {
            throw CheckpointError(
                url,
                files.isEmpty
                    ? "holds neither config.json nor a weights file"
                    : "holds no config.json and several weights files: "
                        + files.prefix(5).joined(separator: ", "),
                advice: "name the weights file itself")
        }
        return try ModelFolder.open(
            url, weights: files[0], configuration: described, for: examination)
    }

    private static func dialect(of state: StateDictionary) -> Dialect? {
        let names = state.names
        return Architectures.images.lazy.compactMap { $0.dialect(of: names) }.first
    }

    private static func unknown(_ folder: ModelFolder) -> CheckpointError {
        let names = folder.weights.names
        guard !names.isEmpty else {
            return CheckpointError(folder.url, "the weights hold no tensor")
        }
        if let error = CLIPDialects.refusal(of: folder) { return error }
        let parts = Set(names.flatMap { $0.split(separator: ".").map(String.init) })
        let found = names.prefix(4).map { "‘\($0)’" }.joined(separator: ", ")
        let kinds: [(String, Bool)] = [
            ("a ResNet", parts.isSuperset(of: ["layer1", "conv1"])),
            ("a DenseNet", parts.contains("denseblock1")),
            ("CLIP's text tower", parts.contains("text_model")),
            ("a BERT", parts.contains("word_embeddings")),
        ]
        let looks = kinds.first { $0.1 }.map { "looks like \($0.0): " } ?? ""
        return CheckpointError(
            folder.url,
            "is none of \(ImageConfiguration.families), but \(looks)its tensors are called \(found)"
                + (names.count > 4 ? " and so on" : ""),
            advice: "this version reads such models of images alone")
    }

    /// Throws where the configuration describes another architecture than the weights have.
    private static func check(
        _ configuration: ImageConfiguration, names: some Collection<String>, at folder: ModelFolder
    ) throws {
        let found = ImageConfiguration.architecture(of: names)
        guard configuration.architecture == found else {
            throw CheckpointError(
                folder.configuration.url,
                "the architecture is ‘\(configuration.architecture.modelType)’, but the weights are a "
                    + "\(found.modelType)'s",
                advice: "the weights and config.json do not belong together")
        }
    }

    /// Throws where timm's `config.json` asks for features that are not the class token's.
    private static func checkTimm(_ file: JSONFile) throws {
        guard let name = try file.string("architecture") else { return }
        let pool = try file.string("global_pool") ?? "token"
        guard !name.hasPrefix("vit_") || pool == "token" else {
            throw CheckpointError(
                file.url, "‘global_pool’ is ‘\(pool)’; only the class token, ‘token’, is supported")
        }
    }
}

extension Dialect {
    /// The shapes of the parameters in `state`, by canonical name.
    func shapes(of state: StateDictionary) -> [String: [Int]] {
        var shapes: [String: [Int]] = [:]
        for tensor in state.tensors {
            let names = parameters(in: tensor.name)
            for name in names {
                var shape = isTransposed(tensor.name) ? tensor.shape.reversed() : tensor.shape
                if names.count > 1, let rows = shape.first { shape[0] = rows / names.count }
                shapes[name] = shape
            }
        }
        return shapes
    }
}

extension ImageConfiguration {
    /// Reads the model off its weights, by canonical name.
    ///
    /// Throws where they are not a VGG's or a ViT's, or hold more than this model reads: computing
    /// without that would be another model.
    init(inferredFrom shapes: [String: [Int]], dialect: Dialect, at url: URL) throws {
        let architecture = Self.architecture(of: shapes.keys)
        self.init(try architecture.init(inferredFrom: shapes, dialect: dialect, at: url))
        let store = ParameterStore(source: ShapeSource())
        _ = try model(in: store)
        let beside = ParameterPattern(architecture.beside)
        let strange = shapes.keys.filter { store[$0] == nil && !beside.matches($0) }
        if let name = strange.min() {
            throw CheckpointError(
                url,
                "the tensor ‘\(dialect.onDisk(name))’ has no place in a \(title) as its other "
                    + "tensors describe it",
                advice: "variants of the architecture are not supported; if this one is none, "
                    + "describe it in a config.json")
        }
    }

    /// Which of the architectures weights of these canonical names are of.
    static func architecture(
        of names: some Collection<String>
    ) -> any ImageArchitecture.Type {
        Architectures.images.first { family in names.contains { $0.hasPrefix(family.prefix) } }
            ?? ViTConfiguration.self
    }
}
