import Foundation
import TensorFormats
import Torch

/// Whether one model folder can stand in for another, and what differs between their weights.
public struct FolderComparison: Sendable, Codable {
    /// How one tensor changed.
    public struct Change: Sendable, Codable {
        /// Its name on disk.
        public var name: String
        /// The file it is in.
        public var file: String
        /// ‖after − before‖ / ‖before‖, or ‖after − before‖ where before is all zeros.
        public var relativeDifference: Double
        /// ‖after‖ / ‖before‖, or ‖after‖ where before is all zeros.
        public var normRatio: Double
    }

    /// What keeps the second folder from standing in for the first; empty where nothing does.
    public var violations: [String] = []
    /// Tensors whose bytes differ.
    public var changed: [Change] = []
    /// Tensors whose bytes are the same.
    public var unchanged = 0
    /// Weights in other formats that the second folder leaves out, as purified ones do.
    public var omitted: [String] = []
    /// Files beside the weights whose bytes differ.
    public var changedFiles: [String] = []

    /// Compares two folders: files, names, shapes, types, then every byte.
    public init(before: ModelFolder, after: ModelFolder) throws {
        let states = { (folder: ModelFolder) in [folder.weights] + folder.twins }
        let old = Self.byFile(states(before))
        var new = Self.byFile(states(after))
        // Two single files may differ in name.
        if before.isFile, after.isFile, let name = old.keys.first, let file = new.values.first {
            new = [name: file]
        }
        for file in old.keys.sorted() where new[file] == nil {
            violations.append("the weight file \(file) is missing")
        }
        for file in new.keys.sorted() where old[file] == nil {
            violations.append("the weight file \(file) is new")
        }
        for (file, archive) in old.sorted(by: { $0.key < $1.key }) {
            guard let other = new[file] else { continue }
            try compare(archive, other, in: file)
        }
        guard !before.isFile, !after.isFile else { return }
        try compareFiles(before.url, after.url, except: Set(old.keys).union(new.keys))
    }

    private static func byFile(_ states: [StateDictionary]) -> [String: TensorArchive] {
        Dictionary(
            states.flatMap(\.archives).map { ($0.url.lastPathComponent, $0) },
            uniquingKeysWith: { first, _ in first })
    }

    private mutating func compare(
        _ before: TensorArchive, _ after: TensorArchive, in file: String
    ) throws {
        let names = Set(before.tensors.map(\.name))
        for tensor in after.tensors where !names.contains(tensor.name) {
            violations.append("\(file): the tensor ‘\(tensor.name)’ is new")
        }
        for old in before.tensors {
            guard let new = after[old.name] else {
                violations.append("\(file): the tensor ‘\(old.name)’ is missing")
                continue
            }
            guard new.shape == old.shape, new.scalarType == old.scalarType else {
                violations.append(
                    "\(file): ‘\(old.name)’ is \(new.scalarType.rawValue) \(new.shape), was "
                        + "\(old.scalarType.rawValue) \(old.shape)")
                continue
            }
            if old.bytes.hasSameBytes(as: new.bytes) {
                unchanged += 1
            } else if let change = try Self.change(old, new, in: file) {
                changed.append(change)
            } else {
                violations.append("\(file): ‘\(old.name)’ holds values that are not finite")
            }
        }
    }

    /// How a tensor changed; nil where that is no number.
    private static func change(
        _ old: StoredTensor, _ new: StoredTensor, in file: String
    ) throws -> Change? {
        let before = try old.tensor().cast(to: .float64)
        let after = try new.tensor().cast(to: .float64)
        guard try Tensor.areFinite([before, after]) else { return nil }
        let size = try before.norm().item()
        let norm = size == 0 ? 1 : size
        return Change(
            name: old.name, file: file,
            relativeDifference: try (after - before).norm().item() / norm,
            normRatio: try after.norm().item() / norm)
    }

    private mutating func compareFiles(_ before: URL, _ after: URL, except: Set<String>) throws {
        let manager = FileManager.default
        for name in try manager.contentsOfDirectory(atPath: before.path).sorted()
        where !except.contains(name) && !name.hasPrefix(".") {
            let old = before.appendingPathComponent(name)
            let new = after.appendingPathComponent(name)
            var isFolder: ObjCBool = false
            guard manager.fileExists(atPath: old.path, isDirectory: &isFolder), !isFolder.boolValue
            else { continue }
            let type = (name as NSString).pathExtension.lowercased()
            if !manager.fileExists(atPath: new.path) {
                if ModelFolder.foreignWeights.contains(type) {
                    omitted.append(name)
                    continue
                }
                violations.append("the file \(name) is missing")
            } else if !manager.contentsEqual(atPath: old.path, andPath: new.path) {
                changedFiles.append(name)
            }
        }
    }

    /// Whether the second folder can stand in for the first.
    public var isDropIn: Bool { violations.isEmpty }
}
