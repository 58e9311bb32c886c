import Foundation
import TensorFormats
import Torch

/// Whether one model folder can stand in for another, and what differs between their weights.
public struct FolderComparison: Sendable, Codable {
    /// How one tensor changed.
    public struct Change: Sendable, Codable, Equatable {
        /// Its name on disk.
        public var name: String
        /// The file it is in.
        public var file: String
        /// ‖after − before‖ / ‖before‖, or ‖after − before‖ where before is all zeros.
        public var relativeDifference: Double
        /// ‖after‖ / ‖before‖, or ‖after‖ where before is all zeros.
        public var normRatio: Double
    }

    /// A field of a description that differs.
    public struct FieldChange: Sendable, Codable, Equatable {
        /// The file it is in.
        public var file: String
        /// Its place in the file, parts divided by dots.
        public var field: String
        /// Its value before, as JSON; nil where it was not there.
        public var before: String?
        /// Its value after; nil where it is gone.
        public var after: String?
    }

    /// Whether the second folder can stand in for the first, and nothing in it was left uncompared.
    public private(set) var dropIn = false
    /// What keeps the second folder from standing in for the first; empty where nothing does.
    public var violations: [String] = []
    /// Tensors whose bytes differ.
    public var changed: [Change] = []
    /// Tensors whose bytes are the same.
    public var unchanged = 0
    /// Files that the second folder leaves out, as purified ones do, and why.
    public var omitted: [FileNote] = []
    /// Files beside the weights whose bytes differ.
    public var changedFiles: [String] = []
    /// Files that are new and say how the model came to be.
    public var records: [String] = []
    /// Fields of descriptions that differ.
    public var changedFields: [FieldChange] = []

    /// Compares two folders: files, names, shapes, types, then every byte, of the tensors and outside
    /// of them.
    ///
    /// `spelling` is how names are spelled in a folder's state dictionaries. Throws where something
    /// cannot be examined.
    public init(
        before: ModelFolder, after: ModelFolder,
        spelling: (ModelFolder, StateDictionary) throws -> ModelFolder.Spelling = { _, _ in
            ModelFolder.Spelling(Dialect(name: "as they are", rules: []))
        }
    ) throws {
        let old = Self.byPath(before)
        var new = Self.byPath(after)
        // Two single files may differ in name.
        if before.isFile, after.isFile, let name = old.keys.first,
            let file = new.values.first
        {
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
            let count = violations.count
            try compare(archive, other, in: file)
            guard violations.count == count else { continue }
            try compareOutsideTensors(archive, other, in: file) {
                try spelling(before, StateDictionary([archive])).dialect
            }
        }
        if before.tree != nil || after.tree != nil { try compareFiles(before, after) }
        for note in try after.findings({ try spelling(after, $0) }) {
            violations.append("after: \(note)")
        }
        dropIn = violations.isEmpty
    }

    private static func byPath(_ folder: ModelFolder) -> [String: TensorArchive] {
        Dictionary(
            ([folder.weights] + folder.twins).flatMap(\.archives)
                .map { (folder.path(of: $0.url), $0) },
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
                if try !Self.isFinite(new) {
                    violations.append("\(file): ‘\(old.name)’ holds values that are not finite")
                }
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

    private static func isFinite(_ stored: StoredTensor) throws -> Bool {
        guard stored.scalarType.dtype.isFloatingPoint, stored.bytes.count > 0 else { return true }
        return try Tensor.areFinite([stored.tensor()])
    }
}
