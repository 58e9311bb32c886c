import Foundation
import TensorFormats
import Torch
import TorchNN

extension ModelFolder {
    /// What became of files that could not simply be carried over.
    public struct WriteReport: Sendable, Codable {
        /// Files left out: weights in formats that this package cannot rewrite, which would
        /// otherwise go on carrying what was removed.
        public var omitted: [String] = []
        /// Names on disk whose bytes differ from the input's.
        public var changed: [String] = []
    }

    /// Writes a drop-in replacement into `folder`: every file of the input, with the bytes of
    /// `changed` parameters (by canonical name) replaced in each weight file, in the type and
    /// place they had. All other bytes stay the same.
    public func write(
        _ changed: [Parameter], to folder: URL, dialect: (StateDictionary) throws -> Dialect
    ) throws -> WriteReport {
        var report = WriteReport()
        let values = Dictionary(uniqueKeysWithValues: changed.map { ($0.name, $0.tensor) })
        var written: Set<String> = []
        for state in [weights] + twins {
            let dialect = try dialect(state)
            for archive in state.archives {
                var replacements: [String: [UInt8]] = [:]
                for stored in archive.tensors {
                    guard let tensor = values[dialect.canonical(stored.name)] else { continue }
                    replacements[stored.name] =
                        try tensor.cast(to: stored.scalarType.dtype).bytes()
                }
                report.changed += replacements.keys.sorted()
                let name = archive.url.lastPathComponent
                try ArchivePatcher.rewrite(
                    archive, replacing: replacements, to: folder.appendingPathComponent(name))
                written.insert(name)
            }
        }
        report.omitted = try copyCompanions(to: folder, except: written)
        return report
    }

    /// Writes the model anew under canonical names, with parameters that the input had not and
    /// fields of `config.json` that differ; tensors that nobody read are carried along.
    ///
    /// Parameters the input had keep their type on disk; new ones take the first's.
    public func writeExtended(
        _ parameters: [Parameter], to folder: URL, dialect: Dialect,
        configuration edits: [String: JSONValue]
    ) throws -> WriteReport {
        var report = WriteReport()
        var types: [String: ScalarType] = [:]
        var carried: [StoredTensor] = []
        let names = Set(parameters.map(\.name))
        for stored in weights.tensors {
            let canonical = dialect.canonical(stored.name)
            types[canonical] = types[canonical] ?? stored.scalarType
            if !names.contains(canonical) { carried.append(stored.renamed(canonical)) }
        }
        let common = weights.tensors.first { $0.scalarType.dtype.isFloatingPoint }?.scalarType
        let tensors = try parameters.map {
            try StoredTensor(name: $0.name, $0.tensor, as: types[$0.name] ?? common)
        }
        try SafetensorsWriter.write(
            tensors + carried, metadata: ["format": "pt"],
            to: folder.appendingPathComponent("model.safetensors"))
        var file = configuration
        file.fields.merge(edits) { $1 }
        try file.data().write(to: folder.appendingPathComponent("config.json"))
        report.changed = parameters.map(\.name)
        let weightFiles = Set(
            ([weights] + twins).flatMap(\.archives).map(\.url.lastPathComponent)
                + ["model.safetensors.index.json", "pytorch_model.bin.index.json"])
        report.omitted = try copyCompanions(to: folder, except: weightFiles.union(["config.json"]))
        return report
    }

    /// Extensions of weights that this package cannot rewrite, and of training leftovers.
    private static let foreignWeights: Set<String> = [
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
            parameters.map { try StoredTensor(name: $0.name, $0.tensor, as: .float32) },
            metadata: ["format": "pt"], to: folder.appendingPathComponent("model.safetensors"))
        try configuration.data().write(to: folder.appendingPathComponent("config.json"))
    }
}
