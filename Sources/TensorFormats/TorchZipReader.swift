import Files

/// Reads what `torch.save` writes since PyTorch 1.6.
struct TorchZipReader {
    let file: MappedFile
    let limits: ReadLimits

    private func failure(_ what: String, advice: String) -> FormatError {
        FormatError(file: file.path, what: what, advice: advice)
    }

    func read() throws -> ArchiveContents {
        let directory = try ZipDirectory(file: file, limits: limits)
        var zip = ZipContents(directory: directory, limits: limits)
        let prefix = try prefix(of: directory)
        try checkByteOrder(&zip, prefix: prefix)
        let document = try document(&zip, prefix: prefix)
        var storages: [String: ByteRegion] = [:]
        for storage in document.storages where storages[storage.key] == nil {
            guard let entry = directory["\(prefix)/data/\(storage.key)"] else { continue }
            storages[storage.key] = try zip.bytes(of: entry)
        }
        var tensors = PickledTensors(
            document: document, file: file, limits: limits, storages: storages)
        // The checksums have touched every page, but the caller may want few of them.
        defer { file.releasePages() }
        return try tensors.contents()
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
        return folder
    }

    private func checkByteOrder(_ zip: inout ZipContents, prefix: String) throws {
        guard let entry = zip.directory["\(prefix)/byteorder"], entry.count <= 16 else { return }
        let order = try zip.bytes(of: entry).copy()
        guard order.elementsEqual("little".utf8) else {
            throw failure(
                "its byte order is \(String(decoding: order, as: UTF8.self).quotedForMessage);"
                    + " only little-endian files are supported",
                advice: "load it with PyTorch on a little-endian machine and save it again")
        }
    }

    private func document(_ zip: inout ZipContents, prefix: String) throws -> PickleDocument {
        let name = "\(prefix)/data.pkl"
        guard let entry = zip.directory[name], entry.count <= limits.maximumPickleBytes else {
            throw failure(
                "data.pkl is larger than \(limits.maximumPickleBytes) bytes",
                advice: "check that it holds only a state dictionary")
        }
        return try zip.bytes(of: entry).withUnsafeBytes { bytes in
            try PickleMachine.run(bytes, file: file.path, label: name, limits: limits)
        }
    }
}
