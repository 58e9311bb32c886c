import CZlib
import Files

/// One file in a zip archive; positions count from the start of the archive.
struct ZipEntry: Sendable {
    let name: String
    let flags: UInt16
    /// MS-DOS time and date, the date in the upper half.
    let time: UInt32
    let checksum: UInt32
    let count: Int
    /// Where the entry's record in the central directory starts.
    let directoryOffset: Int
    /// Where the entry's local header starts.
    let headerOffset: Int
    /// Where the entry's data start.
    var dataOffset = 0
    /// Length of the data descriptor that follows the data, 0 where there is none.
    var descriptorCount = 0

    var hasDescriptor: Bool { flags & 0x8 != 0 }
    var dataEnd: Int { dataOffset + count }
    /// The first byte after the entry.
    var end: Int { dataEnd + descriptorCount }
}

/// The central directory of a zip archive as `torch.save` writes it.
///
/// Readers of zip differ in which of two records they believe, where they look for the end, how
/// they compare names, and whether they expand. So nothing that could be read in two ways is let
/// through: one end record at the very end, no comments, no compression, local headers that say
/// what the directory says, and no byte that belongs to none of them.
struct ZipDirectory: Sendable {
    static let localSignature: UInt32 = 0x0403_4B50
    static let entrySignature: UInt32 = 0x0201_4B50
    static let endSignature: UInt32 = 0x0605_4B50
    static let end64Signature: UInt32 = 0x0606_4B50
    static let locatorSignature: UInt32 = 0x0706_4B50
    static let descriptorSignature: UInt32 = 0x0807_4B50

    let file: MappedFile
    /// The entries in the order of the directory.
    let entries: [ZipEntry]
    private let positions: [String: Int]

    subscript(name: String) -> ZipEntry? { positions[name].map { entries[$0] } }

    init(file: MappedFile, limits: ReadLimits) throws {
        self.file = file
        let entries = try file.withUnsafeBytes { bytes in
            let scanner = ZipScanner(bytes: bytes, file: file.path, limits: limits)
            return try scanner.located(try scanner.scan())
        }
        var positions: [String: Int] = [:]
        for (index, entry) in entries.enumerated() {
            // PyTorch looks names up without regard to case.
            guard positions.updateValue(index, forKey: entry.name.lowercased()) == nil else {
                throw FormatError(
                    file: file.path, what: "appears twice, but for upper and lower case",
                    where: "entry \(entry.name.quotedForMessage)", kind: .hostile)
            }
        }
        self.entries = entries
        self.positions = Dictionary(
            uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
    }

    /// The bytes of `entry`, a slice of the file.
    func bytes(of entry: ZipEntry) throws -> ByteRegion {
        let bytes = ByteRegion(file).slice(from: entry.dataOffset, count: entry.count)
        guard let bytes else { throw failure("data are not within the file", entry) }
        return bytes
    }

    /// Throws where the data of an entry, of whatever kind, do not have their checksum.
    func checkChecksums() throws {
        for entry in entries where try bytes(of: entry).checksum(from: 0) != entry.checksum {
            throw failure("CRC-32 does not match: the data are damaged", entry)
        }
    }

    private func failure(_ what: String, _ entry: ZipEntry) -> FormatError {
        FormatError(
            file: file.path, what: what, where: "entry \(entry.name.quotedForMessage)",
            advice: "download or copy the file again")
    }
}

extension ByteRegion {
    /// CRC-32 of the bytes, carried on from `checksum`.
    func checksum(from checksum: UInt32) -> UInt32 {
        withUnsafeBytes { bytes in
            guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return checksum }
            return UInt32(truncatingIfNeeded: crc32_z(UInt(checksum), start, bytes.count))
        }
    }
}
