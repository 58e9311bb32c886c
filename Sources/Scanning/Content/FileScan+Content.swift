extension FileScan {
    /// Looks into bytes of whatever kind: those of the file, or of a member.
    func examine(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        guard !bytes.isEmpty else {
            if place.depth == 0 {
                format = "empty"
                report(.formatDamaged, at: place, "the file is empty")
            }
            return
        }
        guard place.depth <= limits.maximumDepth else {
            report(
                .containerDepth, at: place,
                "lies within more than \(limits.maximumDepth) archives and was not examined")
            return
        }
        guard admits(bytes.count, at: place) else { return }
        let kinds = ContentKind.all(of: bytes)
        if place.depth == 0 { format = named(kinds, bytes, at: place) }
        reportKinds(kinds, at: place)
        for kind in kinds { examine(bytes, as: kind, at: place) }
        if !kinds.contains(where: \.isFullyExamined) { examineByName(bytes, kinds, at: place) }
    }

    private func examine(
        _ bytes: UnsafeRawBufferPointer, as kind: ContentKind, at place: Place
    ) {
        switch kind {
        case .zip: examineZip(bytes, at: place)
        case .tar: examineTar(bytes, at: place)
        case .gzip, .zlib, .zfile, .bzip2, .xz, .lzma, .zstandard:
            examineCompressed(bytes, as: kind, at: place)
        case .lz4, .sevenZip, .rar:
            report(
                .formatUnsupported, at: place,
                "a \(kind.rawValue) archive cannot be opened here; unpack it and scan again")
        case .pickle, .torchLegacy: examinePickleFile(bytes, as: kind, at: place)
        case .safetensors: examineSafetensors(bytes, at: place)
        case .numpy: examineNumpy(bytes, at: place)
        case .hdf5: examineHDF5(bytes, at: place)
        case .gguf: examineGGUF(bytes, at: place)
        case .gitPointer:
            report(
                .formatDamaged, at: place,
                "is a Git LFS pointer, not the file; fetch it with `git lfs pull`")
        case .html where !["html", "htm", "md"].contains(place.suffix):
            report(.formatDamaged, at: place, "is a web page; download the file again")
        case .elf, .windowsProgram, .machO, .webAssembly, .javaClass, .pythonBytecode:
            report(.codeNative, at: place, "is a program: \(kind.rawValue)")
        case .script: report(.codeSource, at: place, "is a script: begins with #!")
        default:
            examined += 1
            searchHidden(bytes, at: place)
        }
    }

    private func examinePickleFile(
        _ bytes: UnsafeRawBufferPointer, as kind: ContentKind, at place: Place
    ) {
        let end = examinePickles(bytes, at: place)
        guard end < bytes.count else { return }
        let rest = bytes.count - end
        // torch.save wrote the storages behind its pickles.
        if kind == .pickle, !bytes.rest(from: end).isZero {
            report(
                .pickleTrailingBytes, at: place, offset: end,
                "\(rest) bytes follow the end of the pickle")
        }
        searchPickles(bytes, from: end, at: place)
    }

    /// Says where name and content disagree, and where there are two contents.
    private func reportKinds(_ kinds: [ContentKind], at place: Place) {
        let strong = kinds.filter { $0 != .script && $0 != .html }
        if strong.count > 1 {
            let names = strong.map(\.rawValue).joined(separator: " and ")
            report(.formatTwoFormats, at: place, "is \(names) at the same time")
        }
        guard let expected = ContentKind.expected(of: place), let kind = strong.first,
            !expected.contains(kind), !kind.isNative, kind != .gitPointer
        else { return }
        report(
            .formatMismatch, kind == .pickle || kind == .torchLegacy ? .error : .warning, at: place,
            "the name says .\(place.suffix), the content is \(kind.rawValue)")
    }

    /// What the whole file is called in the report.
    private func named(
        _ kinds: [ContentKind], _ bytes: UnsafeRawBufferPointer, at place: Place
    ) -> String {
        guard let first = kinds.first else { return TextKind.named(bytes, suffix: place.suffix) }
        return kinds.count == 1 ? first.rawValue : kinds.map(\.rawValue).joined(separator: " + ")
    }
}

extension ContentKind {
    /// Whether examining it as this kind leaves nothing for a look by name.
    var isFullyExamined: Bool { self != .script && self != .html }

    /// What a file of this name must be; nothing where a name says nothing.
    static func expected(of place: Place) -> [ContentKind]? {
        switch place.suffix {
        case "safetensors": [.safetensors]
        case "npy": [.numpy]
        case "npz", "keras", "zip", "pt2", "whl", "jar", "skops", "mar": [.zip]
        case "h5", "hdf5": [.hdf5]
        case "gguf": [.gguf]
        case "tflite": [.tflite]
        case "png", "jpg", "jpeg", "gif", "webp": [.image]
        case "parquet": [.parquet]
        case "pt", "pth", "ckpt": [.zip, .torchLegacy, .pickle, .tar]
        case "pkl", "pickle", "p", "joblib", "dill", "pck":
            [
                .pickle, .torchLegacy, .zip, .gzip, .zlib, .zfile, .bzip2, .xz, .lzma, .lz4,
                .zstandard,
            ]
        case "json", "txt", "md", "yaml", "yml", "csv", "tsv", "model", "onnx", "msgpack", "jinja",
            "toml", "pb":
            []
        default: nil
        }
    }
}
