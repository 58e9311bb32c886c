import Files
import Foundation
import JSON
import TensorFormats
import Torch
import TorchNN

extension ModelFolder {
    /// What became of files that could not simply be carried over.
    public struct WriteReport: Sendable, Codable {
        /// Files that were left out, and why.
        public var omitted: [FileNote] = []
        /// Files that were carried though there is something to say of them.
        public var remarks: [FileNote] = []
        /// Names on disk whose bytes differ from the input's, each once.
        public var changed: [String] = []
        /// Weight files written anew, for their tensors cannot be replaced in place; their tensors
        /// are the input's but for `changed`.
        public var rewritten: [String] = []
    }

    /// Writes a drop-in replacement into `folder`: the input's weight files with the bytes of
    /// `changed` parameters (by canonical name) replaced, in the type and place they had, and what
    /// else is on the list of files that a model needs. All other bytes stay the same. A single
    /// file keeps its name.
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
        for state in [weights] + twins {
            let dialect = try dialect(state)
            for archive in state.archives {
                try archive.write(
                    edits, dialect: dialect, to: try locate(path(of: archive.url), in: folder),
                    report: &report)
            }
        }
        try copyCompanions(to: folder, report: &report, indices: true)
        let result = WrittenModel(folder: folder, path: path(of:))
        try result.check([weights] + twins, edits, dialect: dialect)
        try checkCompanions(result, except: [])
        return report
    }

    /// Where a file of the tree goes within `folder`, whose folders are made.
    private func locate(_ path: String, in folder: URL) throws -> URL {
        let url = folder.appendingPathComponent(path)
        if path.contains("/") {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        }
        return url
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
            to: try locate(place + "model.safetensors", in: folder))
        try copyCompanions(to: folder, report: &report, indices: false)
        var file = configuration
        file.fields.merge(edits)
        if dropsCode { file.fields = LoaderDirections.withoutCode(file.fields) }
        let description = place + "config.json"
        try atomicWrite(file.data(), to: locate(description, in: folder))
        report.changed = parameters.map(\.name)
        let result = WrittenModel(folder: folder, path: path(of:))
        try result.check(place + "model.safetensors", holds: parameters, and: carried)
        try result.check(description, holds: file.data())
        try checkCompanions(result, except: [description, place + "model.safetensors"])
        return report
    }

    /// Compares the companions that were written with the input's, but for those that were edited.
    private func checkCompanions(_ result: WrittenModel, except edited: Set<String>) throws {
        guard let tree else { return }
        let cleaned = dropsCode ? directions.filter { $0.kind == .code }.map(\.file) : []
        let weights = weightFiles.filter { !$0.hasSuffix(".index.json") }
        try result.checkCompanions(
            of: tree.root, except: edited.union(cleaned).union(weights))
    }

    /// Copies what is on the list of companions, and the indices of shards where they are kept.
    private func copyCompanions(
        to folder: URL, report: inout WriteReport, indices: Bool
    ) throws {
        guard let tree else { return }
        for entry in tree.entries {
            if weightFiles.contains(entry.path) {
                guard indices, entry.name.hasSuffix(".index.json") else { continue }
                let rule = Companions.Rule(.object, limit: 64 << 20)
                guard let data = try? Companions.read(entry, as: rule) else {
                    throw CheckpointError(entry.url, "is no index of shards")
                }
                try atomicWrite(data, to: locate(entry.path, in: folder))
                continue
            }
            let companion: Companion
            do throws(FileNote.Failure) {
                companion = try self.companion(entry)
            } catch {
                report.omitted.append(error.note)
                continue
            }
            if let remark = companion.remark {
                report.remarks.append(FileNote(entry.path, .weights, remark))
            }
            let url = try locate(entry.path, in: folder)
            if let data = companion.data {
                try atomicWrite(dropsCode ? withoutCode(data, entry) : data, to: url)
            } else {
                // Weights: as they are, byte for byte.
                try ArchivePatcher.rewrite(
                    TensorArchive.open(entry.url), replacing: [TensorPatch](), to: url)
            }
        }
    }

    /// A description without the fields that make loaders run code; as it is where it has none.
    private func withoutCode(_ data: Data, _ entry: FolderTree.Entry) throws -> Data {
        let isCoded = directions.contains {
            $0.file == entry.path && $0.kind == .code && $0.field != nil
        }
        guard isCoded, let fields = try JSONValue(parsing: data).object else { return data }
        return try JSONFile(url: entry.url, fields: LoaderDirections.withoutCode(fields)).data()
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
