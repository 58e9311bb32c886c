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

    /// Extensions by which loaders take a file for one of `torch.save`.
    private static let torchExtensions: Set<String> = [
        "bin", "ckpt", "pickle", "pkl", "pt", "pth", "th",
    ]

    /// The format of `file`, by its content, with which its name must agree.
    ///
    /// Loaders choose their reader by the name or by the first bytes, so a file that another
    /// reader takes for something else is refused.
    /// - Throws: `FormatError` that says what the file is.
    init(of file: MappedFile) throws {
        self = try file.withUnsafeBytes { bytes in
            let format = try Self.format(of: bytes, file: file.path)
            if format != .torchZip, ZipTail.holdsDirectory(bytes) {
                throw FormatError(
                    file: file.path, what: "is \(format.words), and a zip archive at its end",
                    advice: "two readers would find two things in it; get it from another source",
                    kind: .hostile)
            }
            return format
        }
        let type = (file.path as NSString).pathExtension.lowercased()
        let isNamed =
            self == .safetensors ? !Self.torchExtensions.contains(type) : type != "safetensors"
        guard isNamed else {
            throw FormatError(
                file: file.path, what: "is called .\(type), but is \(words)",
                advice: "loaders choose their reader by the name; give it the name of its kind",
                kind: .hostile)
        }
    }

    /// The format in words.
    private var words: String {
        switch self {
        case .safetensors: "safetensors"
        case .torchZip: "a zip file of torch.save"
        case .torchLegacy: "a file of an old torch.save"
        }
    }

    private static func format(
        of bytes: UnsafeRawBufferPointer, file: String
    ) throws -> ArchiveFormat {
        if bytes.integer(UInt32.self, at: 0) == ZipDirectory.localSignature { return .torchZip }
        // torch.load tries a tar archive before a pickle, and runs what is in it.
        guard !TarHeader.isOne(bytes) else {
            throw FormatError(
                file: file,
                what: "is a tar archive; if torch.save wrote it, it is from before PyTorch 0.1.10,"
                    + " a format that is not supported",
                advice: "load it where it can do no harm and save its state_dict again",
                kind: .hostile)
        }
        if TorchLegacyReader.hasMagic(bytes) { return .torchLegacy }
        if bytes.integer(UInt8.self, at: 8) == UInt8(ascii: "{") { return .safetensors }
        throw unknown(bytes, file: file)
    }

    private static func unknown(_ bytes: UnsafeRawBufferPointer, file: String) -> FormatError {
        let expected = "expected safetensors, or a file of torch.save"
        let (what, advice) =
            if bytes.starts(with: "version https://git-lfs".utf8) {
                ("is a Git LFS pointer, not the weights", "fetch the weights with `git lfs pull`")
            } else if bytes.first == 0x80 {
                (
                    "is a Python pickle, but not of torch.save; nothing in it was executed",
                    "save the state_dict with torch.save or as safetensors"
                )
            } else if bytes.starts(with: "<".utf8) {
                ("looks like a web page; \(expected)", "download the file again")
            } else {
                ("has an unknown format; \(expected)", "check that this is the weights file")
            }
        return FormatError(file: file, what: what, advice: advice)
    }
}

/// The first block of a tar archive, as Python's `tarfile` knows one.
enum TarHeader {
    /// Whether `bytes` start with a block that says it is of a tar archive, or whose checksum is right.
    static func isOne(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let block = bytes.part(from: 0, count: 512) else { return false }
        if block[257..<262].elementsEqual("ustar".utf8) { return true }
        let field = block[148..<156]
        let others = [block[..<148], block[156...]].joined()
        let unsigned = others.reduce(256) { $0 + Int($1) }
        let signed = others.reduce(256) { $0 + Int(Int8(bitPattern: $1)) }
        return number(field).map { [unsigned, signed].contains($0) } ?? false
    }

    /// A number of tar: octal digits up to a zero byte, or base 256 after a byte that says so.
    private static func number(_ field: Slice<UnsafeRawBufferPointer>) -> Int? {
        if field.first == 0x80 || field.first == 0xFF {
            let value = field.dropFirst().reduce(0) { $0 << 8 | Int($1) }
            return field.first == 0xFF ? value - 1 << 56 : value
        }
        let text = String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
        let digits = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return digits.isEmpty ? 0 : Int(digits, radix: 8)
    }
}

/// The end of a file, as readers of zip archives look at it, which may start anywhere.
enum ZipTail {
    /// Whether an end record in the last 64 KiB leads to a directory.
    static func holdsDirectory(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let lowest = max(0, bytes.count - 22 - 0xFFFF)
        for position in stride(from: bytes.count - 22, through: lowest, by: -1) {
            guard bytes[position] == 0x50,
                bytes.integer(UInt32.self, at: position) == ZipDirectory.endSignature
            else {
                continue
            }
            if bytes.integer(UInt32.self, at: position - 20) == ZipDirectory.locatorSignature {
                return true
            }
            // Readers count back from here, for other data may lie before the archive.
            let count = Int(bytes.integer(UInt32.self, at: position + 12) ?? 0)
            if count > 0,
                bytes.integer(UInt32.self, at: position - count) == ZipDirectory.entrySignature
            {
                return true
            }
        }
        return false
    }
}
