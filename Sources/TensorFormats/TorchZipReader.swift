import Files
import Foundation

/// Reads what `torch.save` writes since PyTorch 1.6.
struct TorchZipReader {
    let file: MappedFile
    let limits: ReadLimits

    private func failure(
        _ what: String, at place: String? = nil, advice: String,
        kind: FormatError.Kind = .unsupported
    ) -> FormatError {
        FormatError(file: file.path, what: what, where: place, advice: advice, kind: kind)
    }

    func read(weights: String?) throws -> ArchiveContents {
        let directory = try ZipDirectory(file: file, limits: limits)
        let prefix = try prefix(of: directory)
        try checkNames(directory, prefix: prefix)
        if limits.verifiesChecksums { try directory.checkChecksums() }
        try checkNotes(directory, prefix: prefix)
        let document = try document(directory, prefix: prefix)
        var storages: [String: ByteRegion] = [:]
        for storage in document.storages where storages[storage.key] == nil {
            guard let entry = directory["\(prefix)/data/\(storage.key)"] else { continue }
            storages[storage.key] = try directory.bytes(of: entry)
        }
        try checkUse(of: directory, storages, prefix: prefix)
        try checkLayout(directory, document, prefix: prefix)
        var tensors = PickledTensors(
            document: document, file: file, limits: limits, storages: storages)
        // The checksums have touched every page, but the caller may want few of them.
        defer { file.releasePages() }
        return try tensors.contents(weights: weights)
    }

    /// The folder that all entries of the archive are in.
    private func prefix(of directory: ZipDirectory) throws -> String {
        let folder = directory.entries.first?.name.split(separator: "/").first.map(String.init)
        guard let folder, directory["\(folder)/data.pkl"] != nil else {
            throw failure(
                "is a zip archive, but not one of torch.save: it has no data.pkl",
                advice: "name the weights file itself")
        }
        let isScript =
            directory["\(folder)/constants.pkl"] != nil
            || directory.entries.contains { $0.name.hasPrefix("\(folder)/code/") }
        guard !isScript else {
            throw failure(
                "is a TorchScript archive: it holds a program, not a state dictionary",
                advice: "load it with torch.jit.load and save its state_dict()")
        }
        // PyTorch takes names for C strings; other tools make paths of them.
        guard folder != ".", folder != "..",
            !folder.unicodeScalars.contains(where: { $0.value < 0x20 || $0 == "\\" })
        else {
            throw failure(
                "the archive's folder \(folder.quotedForMessage) is no plain name",
                advice: "load it with PyTorch and save its state_dict again", kind: .hostile)
        }
        return folder
    }

    /// Entries beside the storages, `data/0` and so on.
    private static let names: Set<String> = [
        "data.pkl", "version", "byteorder", ".data/serialization_id", ".format_version",
        ".storage_alignment",
    ]

    /// Throws where an entry has a name that `torch.save` does not give.
    private func checkNames(_ directory: ZipDirectory, prefix: String) throws {
        for entry in directory.entries {
            let isWithin = entry.name.utf8.starts(with: "\(prefix)/".utf8)
            let name = Self.rest(of: entry.name, after: prefix.utf8.count + 1)
            guard isWithin, Self.names.contains(name) || Self.isStorage(name) else {
                throw failure(
                    "is no entry that torch.save writes",
                    at: "entry \(entry.name.quotedForMessage)",
                    advice: "load it with PyTorch and save its state_dict again", kind: .hostile)
            }
        }
    }

    private static func rest(of name: String, after count: Int) -> String {
        String(decoding: name.utf8.dropFirst(count), as: UTF8.self)
    }

    private static func isStorage(_ name: String) -> Bool {
        let digits = name.utf8.dropFirst(5)
        return name.utf8.starts(with: "data/".utf8) && !digits.isEmpty
            && digits.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Throws where the short texts beside pickle and storages are not what `torch.save` writes.
    private func checkNotes(_ directory: ZipDirectory, prefix: String) throws {
        for name in Self.names.subtracting(["data.pkl"]).sorted() {
            guard let entry = directory["\(prefix)/\(name)"] else { continue }
            let region = try directory.bytes(of: entry)
            let text = region.withUnsafeBytes { Array($0.prefix(65)) }
            if name == "byteorder" {
                guard text.elementsEqual("little".utf8) else {
                    let found = String(decoding: text, as: UTF8.self).quotedForMessage
                    throw failure(
                        "its byte order is \(found); only little-endian files are supported",
                        advice: "load it with PyTorch on a little-endian machine and save it again")
                }
                continue
            }
            let digits = text.last == 0x0A ? text.dropLast() : text[...]
            guard entry.count <= 64, !digits.isEmpty,
                digits.allSatisfy({ (0x30...0x39).contains($0) })
            else {
                throw failure(
                    "holds something else than a number",
                    at: "entry \(entry.name.quotedForMessage)",
                    advice: "load it with PyTorch and save its state_dict again", kind: .hostile)
            }
        }
    }

    private func document(_ directory: ZipDirectory, prefix: String) throws -> PickleDocument {
        let name = "\(prefix)/data.pkl"
        guard let entry = directory[name], entry.count <= limits.maximumPickleBytes else {
            throw failure(
                "data.pkl is larger than \(limits.maximumPickleBytes) bytes",
                advice: "check that it holds only a state dictionary")
        }
        return try directory.bytes(of: entry).withUnsafeBytes { bytes in
            let document = try PickleMachine.run(
                bytes, file: file.path, label: name, limits: limits, storages: .whole)
            guard document.end == bytes.count else {
                throw failure(
                    "bytes follow the pickle", at: "byte \(document.end) of \(name)",
                    advice: "load it with PyTorch and save its state_dict again", kind: .hostile)
            }
            return document
        }
    }

    /// Throws where a storage is in the archive that no tensor has.
    private func checkUse(
        of directory: ZipDirectory, _ storages: [String: ByteRegion], prefix: String
    ) throws {
        for entry in directory.entries {
            let name = Self.rest(of: entry.name, after: prefix.utf8.count + 1)
            guard !Self.isStorage(name) || storages[Self.rest(of: name, after: 5)] != nil else {
                throw failure(
                    "is a storage that nothing in data.pkl refers to",
                    at: "entry \(entry.name.quotedForMessage)",
                    advice: "load it with PyTorch and save its state_dict again", kind: .hostile)
            }
        }
    }

    /// The number that a note of the archive is, nil where there is no such note.
    private func number(_ note: String, _ directory: ZipDirectory, prefix: String) throws -> Int? {
        guard let entry = directory["\(prefix)/\(note)"] else { return nil }
        let text = String(decoding: try directory.bytes(of: entry).copy(), as: UTF8.self)
        return Int(text.trimmingCharacters(in: .newlines))
    }

    /// Throws where storages do not lie where PyTorch, asked to, works it out that they must, without
    /// looking (`calculate_storage_offsets`): one after the other as they are loaded, each aligned.
    private func checkLayout(
        _ directory: ZipDirectory, _ document: PickleDocument, prefix: String
    ) throws {
        guard let version = try number(".format_version", directory, prefix: prefix), version > 0
        else { return }
        let alignment = try number(".storage_alignment", directory, prefix: prefix) ?? 64
        var seen = Set<String>()
        var next: Int?
        for storage in document.storages where seen.insert(storage.key).inserted {
            guard let entry = directory["\(prefix)/data/\(storage.key)"], alignment > 0 else {
                continue
            }
            let header = next ?? entry.headerOffset
            let isWide = [entry.count >= 0xFFFF_FFFF, header >= 0xFFFF_FFFF]
            if next != nil {
                var start = header + 30 + entry.name.utf8.count + 4
                if isWide.contains(true) { start += 4 + (isWide[0] ? 16 : 0) + (isWide[1] ? 8 : 0) }
                let rest = start % alignment
                guard entry.dataOffset == (rest == 0 ? start : start + alignment - rest) else {
                    throw failure(
                        "does not lie where its format version says",
                        at: "entry \(entry.name.quotedForMessage)",
                        advice: "load it with PyTorch and save its state_dict again",
                        kind: .hostile)
                }
            }
            // It counts on a descriptor behind all data there are.
            let descriptor = entry.count == 0 ? 0 : isWide.contains(true) ? 24 : 16
            next = entry.dataEnd + descriptor
        }
    }
}
