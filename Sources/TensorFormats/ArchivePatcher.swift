import Files
import Foundation

/// New bytes for one tensor of an archive.
public struct TensorPatch: Sendable {
    /// Name of the tensor.
    public let name: String
    /// The elements: contiguous, row-major, little-endian, of the dtype that the file has.
    public let bytes: ByteRegion

    /// A patch with bytes of a file or of memory.
    public init(name: String, bytes: ByteRegion) {
        self.name = name
        self.bytes = bytes
    }

    /// A patch with bytes of memory.
    public init(name: String, bytes: [UInt8]) {
        self.init(name: name, bytes: ByteRegion(bytes))
    }
}

/// Writes a copy of an archive in which only the payload of some tensors differs.
///
/// Everything else (other tensors, names, order, metadata, other pickled values, padding) is copied
/// byte for byte, so that a purified model is a drop-in replacement by construction.
public enum ArchivePatcher {
    /// Copies the file of `archive` to `url` with the tensors of `patches` replaced.
    ///
    /// - Returns: names of tensors that were not named but share bytes with one that was, and so
    ///   follow it (tied weights).
    /// - Throws: `FormatError` when a tensor is unknown, its size differs, its bytes do not lie in
    ///   the file as they are (strided), two patches contradict each other, or the
    ///   file cannot be written; nothing is left then.
    @discardableResult
    public static func rewrite(
        _ archive: TensorArchive, replacing patches: [TensorPatch], to url: URL
    ) throws -> [String] {
        var edits = try patches.flatMap { try Self.edits(for: $0, in: archive) }
        edits.sort { ($0.offset, $0.bytes.count) < ($1.offset, $1.bytes.count) }
        edits = try merged(edits, file: archive.file.path)
        let payload = edits
        if archive.format == .torchZip {
            edits += try ZipChecksums(file: archive.file).edits(after: payload)
            edits.sort { $0.offset < $1.offset }
        }
        try write(archive.file, edits, to: url)
        return try followers(of: patches, payload, in: archive)
    }

    /// Copies the file of `archive` to `url` with the named tensors replaced.
    @discardableResult
    public static func rewrite(
        _ archive: TensorArchive, replacing bytes: [String: ByteRegion], to url: URL
    ) throws -> [String] {
        let patches = bytes.sorted { $0.key < $1.key }
        return try rewrite(
            archive, replacing: patches.map { TensorPatch(name: $0.key, bytes: $0.value) }, to: url)
    }

    /// Copies the file of `archive` to `url` with the named tensors replaced.
    @discardableResult
    public static func rewrite(
        _ archive: TensorArchive, replacing bytes: [String: [UInt8]], to url: URL
    ) throws -> [String] {
        try rewrite(archive, replacing: bytes.mapValues { ByteRegion($0) }, to: url)
    }

    /// An edit for each dictionary that has the tensor.
    private static func edits(
        for patch: TensorPatch, in archive: TensorArchive
    ) throws -> [FileEdit] {
        let place = "tensor \(patch.name.quotedForMessage)"
        func failure(_ what: String, advice: String? = nil) -> FormatError {
            FormatError(file: archive.file.path, what: what, where: place, advice: advice)
        }
        let places = archive.places(of: patch.name)
        guard let tensor = places.first else {
            throw failure("is not in the file, so it cannot be replaced")
        }
        guard tensor.bytes.count == patch.bytes.count else {
            throw failure(
                "takes \(tensor.bytes.count) bytes as \(tensor.scalarType.rawValue)"
                    + " \(tensor.shape), but \(patch.bytes.count) were given",
                advice: "convert to the dtype of the file first")
        }
        return try places.map { place in
            guard let offset = place.bytes.fileOffset ?? (patch.bytes.count == 0 ? 0 : nil) else {
                throw failure(
                    "is strided, so it cannot be replaced in place",
                    advice: "write a new file with TorchZipWriter or SafetensorsWriter")
            }
            return FileEdit(offset: offset, bytes: patch.bytes, name: patch.name)
        }
    }

    /// The edits without overlap: where two overlap they must agree, and the second is cut.
    private static func merged(_ edits: [FileEdit], file: String) throws -> [FileEdit] {
        var merged: [FileEdit] = []
        for edit in edits where edit.bytes.count > 0 {
            guard let last = merged.last, edit.offset < last.end else {
                merged.append(edit)
                continue
            }
            let common = min(edit.end, last.end) - edit.offset
            guard let left = last.bytes.slice(from: edit.offset - last.offset, count: common),
                let right = edit.bytes.slice(from: 0, count: common), left.hasSameBytes(as: right)
            else {
                throw FormatError(
                    file: file,
                    what: "shares its storage with \(last.name.quotedForMessage), but the two are"
                        + " replaced with different bytes",
                    where: "tensor \(edit.name.quotedForMessage)",
                    advice: "tied weights must stay equal")
            }
            let rest = edit.bytes.slice(from: common, count: edit.bytes.count - common)
            if let rest, rest.count > 0 {
                merged.append(FileEdit(offset: last.end, bytes: rest, name: edit.name))
            }
        }
        return merged
    }

    private static func write(_ file: MappedFile, _ edits: [FileEdit], to url: URL) throws {
        try AtomicFile.write(to: url) { output in
            try file.withUnsafeBytes { original in
                var position = 0
                for edit in edits {
                    try output.write(
                        UnsafeRawBufferPointer(rebasing: original[position..<edit.offset]))
                    try output.write(edit.bytes)
                    position = edit.end
                }
                try output.write(UnsafeRawBufferPointer(rebasing: original[position...]))
            }
        }
    }

    private static func followers(
        of patches: [TensorPatch], _ payload: [FileEdit], in archive: TensorArchive
    ) throws -> [String] {
        let named = Set(patches.map(\.name))
        let touched = Set(named.compactMap { archive[$0]?.storageIdentity })
        return archive.tensors.filter { tensor in
            guard !named.contains(tensor.name), touched.contains(tensor.storageIdentity) else {
                return false
            }
            guard let offset = tensor.bytes.fileOffset else { return tensor.bytes.count > 0 }
            return payload.contains { $0.offset < offset + tensor.bytes.count && offset < $0.end }
        }.map(\.name)
    }
}

/// Bytes that replace those of a file at `offset`.
struct FileEdit {
    let offset: Int
    let bytes: ByteRegion
    /// The tensor or zip entry concerned, for messages.
    let name: String

    var end: Int { offset + bytes.count }
}

/// Works out the checksums of zip entries whose data are edited.
struct ZipChecksums {
    let file: MappedFile

    /// The edits of headers, descriptors and directory that `payload` makes necessary; `payload` is
    /// sorted and does not overlap.
    func edits(after payload: [FileEdit]) throws -> [FileEdit] {
        let directory = try ZipDirectory(file: file, limits: .default)
        var edits: [FileEdit] = []
        for entry in directory.entries {
            let inside = payload.filter { $0.offset < entry.dataEnd && $0.end > entry.dataOffset }
            guard !inside.isEmpty else { continue }
            let checksum = try checksum(of: entry, after: inside)
            let bytes = ByteRegion(littleEndianBytes(checksum))
            edits += checksumPositions(of: entry).map {
                FileEdit(offset: $0, bytes: bytes, name: entry.name)
            }
        }
        return edits
    }

    private func failure(_ entry: ZipEntry) -> FormatError {
        FormatError(
            file: file.path, what: "is not where its tensors are",
            where: "entry \(entry.name.quotedForMessage)",
            advice: "write a new file with TorchZipWriter")
    }

    private func checksum(of entry: ZipEntry, after edits: [FileEdit]) throws -> UInt32 {
        let whole = ByteRegion(file)
        var checksum: UInt32 = 0
        var position = entry.dataOffset
        for edit in edits {
            guard let kept = whole.slice(from: position, count: edit.offset - position),
                edit.end <= entry.dataEnd
            else {
                throw failure(entry)
            }
            checksum = edit.bytes.checksum(from: kept.checksum(from: checksum))
            position = edit.end
        }
        guard let rest = whole.slice(from: position, count: entry.dataEnd - position) else {
            throw failure(entry)
        }
        return rest.checksum(from: checksum)
    }

    /// Where the file repeats the entry's checksum.
    private func checksumPositions(of entry: ZipEntry) -> [Int] {
        var positions = [entry.directoryOffset + 16]
        file.withUnsafeBytes { bytes in
            let local = bytes.integer(UInt32.self, at: entry.headerOffset + 14)
            if local == entry.checksum { positions.append(entry.headerOffset + 14) }
        }
        if entry.hasDescriptor { positions.append(entry.dataEnd + 4) }
        return positions
    }
}
