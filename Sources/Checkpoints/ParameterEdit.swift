import Foundation
import TensorFormats
import Torch

/// What becomes of a parameter when its model is written back.
public enum ParameterEdit {
    /// Other values, cast to the type it has on disk.
    case value(Tensor)
    /// Zeros in these rows; all other bytes as they are.
    case zeroRows([Int])
}

extension TensorArchive {
    /// Writes a copy of the file with what `edits` (by canonical name) make of it in place.
    func write(
        _ edits: [String: ParameterEdit], dialect: Dialect, to url: URL,
        report: inout ModelFolder.WriteReport
    ) throws {
        var replacements: [String: [UInt8]] = [:]
        for stored in tensors {
            guard let bytes = try stored.replacement(by: edits, dialect: dialect, in: self.url)
            else { continue }
            replacements[stored.name] = bytes
        }
        report.changed += replacements.keys.sorted().filter { !report.changed.contains($0) }
        if try canBePatched(Set(replacements.keys)) {
            try ArchivePatcher.rewrite(self, replacing: replacements, to: url)
        } else {
            try write(replacing: replacements, dialect: dialect, to: url)
            report.rewritten.append(self.url.lastPathComponent)
            report.omitted += dictionaries.filter { $0.role == .leftOut }
                .map {
                    let file = self.url.lastPathComponent
                    return FileNote(file, .weights, "its ‘\($0.key)’ was not chosen: left out")
                }
        }
    }

    /// Whether the bytes of the tensors called `names` can be replaced in place.
    ///
    /// They cannot where a pickled tensor is strided (as converters from TensorFlow leave it), nor
    /// where one of several dictionaries was chosen and the others are to go. Throws where the file
    /// cannot be written anew either, for it holds more than tensors.
    func canBePatched(_ names: Set<String>) throws -> Bool {
        if dictionaries.contains(where: { $0.role == .leftOut }) { return false }
        let scattered = names.sorted().flatMap { places(of: $0) }.first {
            $0.bytes.fileOffset == nil && $0.bytes.count > 0
        }
        guard let scattered else { return true }
        guard wrapper.isEmpty, otherEntries.isEmpty else {
            throw CheckpointError(
                url,
                "the tensor ‘\(scattered.name)’ is strided, so that the file would "
                    + "have to be written anew, but it holds more than tensors",
                advice: "save its state_dict alone, with torch.save or as safetensors")
        }
        return false
    }

    /// Writes all tensors anew, in their order, some with other bytes; copies of one parameter
    /// stay one storage.
    func write(
        replacing bytes: [String: [UInt8]], dialect: Dialect, to url: URL
    ) throws {
        var identities: [String: StorageIdentity] = [:]
        let replaced = try tensors.map { stored in
            guard let new = bytes[stored.name] else { return stored }
            let canonical = dialect.canonical(stored.name)
            let identity = identities[canonical] ?? StorageIdentity()
            identities[canonical] = identity
            return try StoredTensor(
                name: stored.name, scalarType: stored.scalarType, shape: stored.shape, bytes: new,
                storageIdentity: identity)
        }
        try TorchZipWriter.write(replaced, wrapper: wrapper, to: url)
    }
}

extension StoredTensor {
    /// The tensor's bytes with those of its parameters that `edits` changes, in its type; nil where
    /// that changes none.
    fileprivate func replacement(
        by edits: [String: ParameterEdit], dialect: Dialect, in url: URL
    ) throws -> [UInt8]? {
        let names = dialect.parameters(in: name)
        guard names.contains(where: { edits[$0] != nil }) else { return nil }
        let isTransposed = dialect.isTransposed(name)
        var new: [UInt8] = []
        for (index, name) in names.enumerated() {
            let part = try share(index, of: names.count, named: name)
            let bytes =
                switch edits[name] {
                case nil: part.bytes.copy()
                case .value(let tensor)?:
                    try bytes(of: tensor, for: part, isTransposed: isTransposed, in: url)
                case .zeroRows(let rows)?:
                    part.bytesZeroing(rows, ofColumns: isTransposed && part.shape.count == 2)
                }
            new = names.count == 1 ? bytes : new + bytes
        }
        return bytes.hasSameBytes(as: ByteRegion(new)) ? nil : new
    }

    /// The bytes of what was trained, as `part` of this tensor has them.
    private func bytes(
        of value: Tensor, for part: StoredTensor, isTransposed: Bool, in url: URL
    ) throws -> [UInt8] {
        let tensor = isTransposed && value.rank == 2 ? try value.transposed(0, 1) : value
        guard tensor.shape == part.shape else {
            throw CheckpointError(
                url,
                "the tensor ‘\(name)’ has shape \(part.shape) for ‘\(part.name)’; what was "
                    + "trained has \(tensor.shape)",
                advice: "write it as a new model, or leave this part out")
        }
        return try tensor.cast(to: scalarType.dtype).bytes()
    }

    /// The bytes with some rows, or columns, at zero; zero is all bits zero in every type.
    private func bytesZeroing(_ rows: [Int], ofColumns: Bool) -> [UInt8] {
        var bytes = bytes.copy()
        let size = scalarType.byteCount
        let count = shape.first ?? 0
        let width = shape.dropFirst().reduce(1, *)
        for row in rows where row >= 0 && row < (ofColumns ? width : count) {
            let places =
                ofColumns
                ? (0..<count).map { ($0 * width + row) * size..<($0 * width + row + 1) * size }
                : [row * width * size..<(row + 1) * width * size]
            for place in places {
                bytes.replaceSubrange(place, with: repeatElement(0, count: place.count))
            }
        }
        return bytes
    }
}
