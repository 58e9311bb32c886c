import Files
import Foundation
import JSON
import TensorFormats
import Torch
import TorchNN

extension ModelFolder {
    /// What became of files that could not simply be carried over.
    public struct WriteReport: Sendable, Codable {
        /// Files left out: weights in formats that this package cannot rewrite, which would
        /// otherwise go on carrying what was removed.
        public var omitted: [String] = []
        /// Names on disk whose bytes differ from the input's, each once.
        public var changed: [String] = []
        /// Weight files written anew, for their tensors cannot be replaced in place; their tensors
        /// are the input's but for `changed`.
        public var rewritten: [String] = []
    }

    /// Writes a drop-in replacement into `folder`: every file of the input, with the bytes of
    /// `changed` parameters (by canonical name) replaced in each weight file, in the type and
    /// place they had. All other bytes stay the same. A single file keeps its name.
    public func write(
        _ changed: [Parameter], to folder: URL, dialect: (StateDictionary) throws -> Dialect
    ) throws -> WriteReport {
        let edits = changed.map { ($0.name, ParameterEdit.value($0.tensor)) }
        return try write(
            Dictionary(uniqueKeysWithValues: edits), to: folder, dialect: dialect)
    }

    /// The same with edits by canonical name. Rows that are set to zero leave all others of their
    /// parameter as they are, to the bit and in whatever type.
    public func write(
        _ edits: [String: ParameterEdit], to folder: URL,
        dialect: (StateDictionary) throws -> Dialect
    ) throws -> WriteReport {
        var report = WriteReport()
        var written: Set<String> = []
        for state in [weights] + twins {
            let dialect = try dialect(state)
            for archive in state.archives {
                let name = archive.url.lastPathComponent
                try archive.write(
                    edits, dialect: dialect, to: folder.appendingPathComponent(name),
                    report: &report)
                written.insert(name)
            }
        }
        if !isFile { report.omitted = try copyCompanions(to: folder, except: written) }
        let result = WrittenModel(folder: folder)
        try result.check([weights] + twins, edits, dialect: dialect)
        if !isFile { try result.checkCompanions(of: url, except: written) }
        return report
    }

    /// Throws where the parameters that `pattern` selects (by canonical name) could not be written
    /// back: to be asked before hours of training.
    public func checkWritable(
        _ pattern: ParameterPattern, dialect: (StateDictionary) throws -> Dialect
    ) throws {
        for state in [weights] + twins {
            let dialect = try dialect(state)
            for archive in state.archives {
                let names = archive.tensors.map(\.name)
                    .filter { dialect.parameters(in: $0).contains(where: pattern.matches) }
                _ = try archive.canBePatched(Set(names))
            }
        }
    }

    /// Writes the model anew under canonical names, with parameters that the input had not and
    /// fields of `config.json` that differ; tensors that nobody read are carried along.
    ///
    /// Parameters the input had keep their type on disk; new ones take the first's.
    public func writeExtended(
        _ parameters: [Parameter], to folder: URL, dialect: Dialect,
        configuration edits: JSONObject
    ) throws -> WriteReport {
        var report = WriteReport()
        var types: [String: ScalarType] = [:]
        var carried: [StoredTensor] = []
        var names = Set(parameters.map(\.name))
        for stored in try dialect.canonicalized(weights.tensors) {
            types[stored.name] = types[stored.name] ?? stored.scalarType
            // A parameter and its copy on disk, such as a tied decoder's bias, are one.
            if names.insert(stored.name).inserted { carried.append(stored) }
        }
        let common = weights.tensors.first { $0.scalarType.dtype.isFloatingPoint }?.scalarType
        let tensors = try parameters.map {
            try StoredTensor(name: $0.name, $0.tensor, as: types[$0.name] ?? common)
        }
        try SafetensorsWriter.write(
            tensors + carried, metadata: ["format": "pt"],
            to: folder.appendingPathComponent("model.safetensors"))
        var file = configuration
        file.fields.merge(edits)
        try atomicWrite(file.data(), to: folder.appendingPathComponent("config.json"))
        report.changed = parameters.map(\.name)
        let weightFiles = Set(
            ([weights] + twins).flatMap(\.archives).map(\.url.lastPathComponent)
                + ["model.safetensors.index.json", "pytorch_model.bin.index.json"])
        let written = weightFiles.union(["config.json", "model.safetensors"])
        report.omitted = try copyCompanions(to: folder, except: weightFiles.union(["config.json"]))
        let result = WrittenModel(folder: folder)
        try result.check("model.safetensors", holds: parameters, and: carried)
        try result.check("config.json", holds: file.data())
        try result.checkCompanions(of: url, except: written)
        return report
    }

    /// Extensions of weights that this package cannot rewrite, and of training leftovers.
    static let foreignWeights: Set<String> = [
        "bin", "ckpt", "gguf", "h5", "mlmodel", "msgpack", "npz", "onnx", "ot", "pb", "pkl", "pt",
        "pth", "safetensors", "tflite",
    ]

    /// Copies all files but the weights; returns those left out.
    private func copyCompanions(to folder: URL, except written: Set<String>) throws -> [String] {
        let manager = FileManager.default
        var omitted: [String] = []
        for name in try manager.contentsOfDirectory(atPath: url.path).sorted()
        where !written.contains(name) && !name.hasPrefix(".") {
            let source = url.appendingPathComponent(name).resolvingSymlinksInPath()
            var isFolder: ObjCBool = false
            guard manager.fileExists(atPath: source.path, isDirectory: &isFolder) else { continue }
            let type = (name as NSString).pathExtension.lowercased()
            if isFolder.boolValue || Self.foreignWeights.contains(type) {
                omitted.append(name + (isFolder.boolValue ? "/" : ""))
                continue
            }
            try manager.copyItem(at: source, to: folder.appendingPathComponent(name))
        }
        return omitted
    }

    /// Writes a new model: `config.json`, `model.safetensors` under canonical names.
    public static func create(
        _ parameters: [Parameter], configuration: JSONFile, at folder: URL
    ) throws {
        try SafetensorsWriter.write(
            parameters.map {
                try StoredTensor(
                    name: $0.name, $0.tensor, as: $0.tensor.dtype.isFloatingPoint ? .float32 : nil)
            },
            metadata: ["format": "pt"], to: folder.appendingPathComponent("model.safetensors"))
        try atomicWrite(configuration.data(), to: folder.appendingPathComponent("config.json"))
        let result = WrittenModel(folder: folder)
        try result.check("model.safetensors", holds: parameters, and: [])
        try result.check("config.json", holds: configuration.data())
    }
}
