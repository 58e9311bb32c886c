import Files
import Foundation

/// How the tensors of a file are stored.
public enum ArchiveFormat: String, Codable, Sendable {
    /// A JSON header and the raw tensors.
    case safetensors
    /// What `torch.save` has written since PyTorch 1.6: a zip of a pickle and its storages.
    case torchZip
    /// What `torch.save` wrote before: pickles followed by the storages.
    case torchLegacy
}

/// The tensors of one weights file, read without executing anything in it.
public struct TensorArchive: Sendable {
    /// The file.
    public let url: URL
    /// How it is stored, told by its content.
    public let format: ArchiveFormat
    /// The tensors in file order.
    public let tensors: [StoredTensor]
    /// The safetensors metadata; empty for other formats.
    public let metadata: [String: String]
    /// Entries that are not tensors and were skipped, each as `path: what it is`.
    public let otherEntries: [String]
    /// Keys of the dictionaries around the state dictionary, outermost first: `["model"]`.
    public let wrapper: [String]
    /// The mapping that was read, kept so that a rewrite copies what was checked.
    let file: MappedFile
    private let positions: [String: Int]

    /// The tensor called `name`.
    public subscript(name: String) -> StoredTensor? {
        positions[name].map { tensors[$0] }
    }

    /// Lets go of the memory that tensors already used take; they are read again when touched.
    public func releasePages() {
        file.releasePages()
    }

    /// Reads the directory of the file at `url`; tensor data stay on disk until they are used.
    ///
    /// The format is decided by content, not by name.
    /// - Throws: `FormatError` naming the file, the place and what is wrong.
    public static func open(_ url: URL, limits: ReadLimits = .default) throws -> TensorArchive {
        try read(try MappedFile(url), url: url, limits: limits)
    }

    /// Reads an archive that is in memory; `url` names it in errors.
    ///
    /// - Throws: `FormatError` as `open` does.
    public static func read(
        _ contents: [UInt8], from url: URL, limits: ReadLimits = .default
    ) throws -> TensorArchive {
        try read(try MappedFile(contents: contents, path: url.path), url: url, limits: limits)
    }

    private static func read(
        _ file: MappedFile, url: URL, limits: ReadLimits
    ) throws -> TensorArchive {
        let format = try detectFormat(file)
        let contents =
            switch format {
            case .safetensors: try SafetensorsReader(file: file, limits: limits).read()
            case .torchZip: try TorchZipReader(file: file, limits: limits).read()
            case .torchLegacy: try TorchLegacyReader(file: file, limits: limits).read()
            }
        return try TensorArchive(url: url, format: format, contents: contents, file: file)
    }

    private init(
        url: URL, format: ArchiveFormat, contents: ArchiveContents, file: MappedFile
    ) throws {
        var positions: [String: Int] = [:]
        for (index, tensor) in contents.tensors.enumerated() {
            guard positions.updateValue(index, forKey: tensor.name) == nil else {
                throw FormatError(
                    file: file.path, what: "appears twice",
                    where: "tensor \(tensor.name.quotedForMessage)")
            }
        }
        self.url = url
        self.format = format
        self.file = file
        self.positions = positions
        tensors = contents.tensors
        metadata = contents.metadata
        otherEntries = contents.otherEntries
        wrapper = contents.wrapper
    }
}

/// What a reader finds in a file.
struct ArchiveContents {
    var tensors: [StoredTensor] = []
    var metadata: [String: String] = [:]
    var otherEntries: [String] = []
    var wrapper: [String] = []
}

extension TensorArchive {
    private static func detectFormat(_ file: MappedFile) throws -> ArchiveFormat {
        try file.withUnsafeBytes { bytes in
            if bytes.integer(UInt32.self, at: 0) == ZipDirectory.localSignature { return .torchZip }
            if TorchLegacyReader.hasMagic(bytes) { return .torchLegacy }
            if bytes.integer(UInt8.self, at: 8) == UInt8(ascii: "{") { return .safetensors }
            throw unknownFormat(bytes, file: file.path)
        }
    }

    private static func unknownFormat(_ bytes: UnsafeRawBufferPointer, file: String) -> FormatError
    {
        let expected = "expected safetensors, or a file of torch.save"
        let (what, advice) =
            if starts(bytes, with: "version https://git-lfs") {
                ("is a Git LFS pointer, not the weights", "fetch the weights with `git lfs pull`")
            } else if bytes.part(from: 257, count: 5).map({ starts($0, with: "ustar") }) == true {
                (
                    "is a tar archive; if torch.save wrote it, it is from before PyTorch 0.1.10,"
                        + " a format that is not supported",
                    "load it with PyTorch and save its state_dict again"
                )
            } else if bytes.first == 0x80 {
                (
                    "is a Python pickle, but not of torch.save; nothing in it was executed",
                    "save the state_dict with torch.save or as safetensors"
                )
            } else if starts(bytes, with: "<") {
                ("looks like a web page; \(expected)", "download the file again")
            } else {
                ("has an unknown format; \(expected)", "check that this is the weights file")
            }
        return FormatError(file: file, what: what, advice: advice)
    }

    private static func starts(_ bytes: UnsafeRawBufferPointer, with text: String) -> Bool {
        bytes.starts(with: text.utf8)
    }
}
