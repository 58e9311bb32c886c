import Files
import Foundation

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
    /// Every dictionary of tensors in the file, the one that is read first; none for safetensors.
    public let dictionaries: [TensorDictionary]
    /// Whether the dictionary was chosen, so that a copy of the file holds that one alone.
    public let isChosen: Bool
    /// The tensors once more, for each dictionary that holds the same.
    let copies: [[StoredTensor]]
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
    /// The format is decided by content, with which the name must agree. `weights`, or else
    /// ``WeightsChoice``, chooses one of several dictionaries of tensors by its
    /// ``TensorDictionary/key``; safetensors has only one, which is taken whatever was chosen.
    /// - Throws: `FormatError` naming the file, the place and what is wrong: that dictionaries
    ///   differ and none is chosen, for one.
    public static func open(
        _ url: URL, weights: String? = nil, limits: ReadLimits = .default
    ) throws -> TensorArchive {
        try read(try MappedFile(url), url: url, weights: weights, limits: limits)
    }

    /// Reads an archive that is in memory; `url` names it in errors.
    ///
    /// - Throws: `FormatError` as `open` does.
    public static func read(
        _ contents: [UInt8], from url: URL, weights: String? = nil, limits: ReadLimits = .default
    ) throws -> TensorArchive {
        try read(
            try MappedFile(contents: contents, path: url.path), url: url, weights: weights,
            limits: limits)
    }

    /// The tensor called `name` in each dictionary that holds it: more than one where the file has
    /// copies of the model.
    public func places(of name: String) -> [StoredTensor] {
        guard let tensor = self[name] else { return [] }
        return [tensor] + copies.compactMap { $0.first { $0.name == name } }
    }

    private static func read(
        _ file: MappedFile, url: URL, weights: String?, limits: ReadLimits
    ) throws -> TensorArchive {
        let format = try ArchiveFormat(of: file)
        let weights = weights ?? WeightsChoice.key
        let contents =
            switch format {
            case .safetensors:
                try SafetensorsReader(file: file, limits: limits).read()
            case .torchZip:
                try TorchZipReader(file: file, limits: limits).read(weights: weights)
            case .torchLegacy:
                try TorchLegacyReader(file: file, limits: limits).read(weights: weights)
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
        dictionaries = contents.dictionaries
        isChosen = contents.isChosen
        copies = contents.copies
    }
}

/// What a reader finds in a file.
struct ArchiveContents {
    var tensors: [StoredTensor] = []
    var metadata: [String: String] = [:]
    var otherEntries: [String] = []
    var wrapper: [String] = []
    var dictionaries: [TensorDictionary] = []
    var isChosen = false
    var copies: [[StoredTensor]] = []
}
