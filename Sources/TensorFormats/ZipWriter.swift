import Files
import Foundation

/// Writes a zip archive of stored entries whose data are aligned to 64 bytes, as PyTorch wants to map
/// them. Sizes and checksums are known before, so that the archive is written in one pass.
struct ZipWriter {
    private struct Entry {
        let name: [UInt8]
        let bytes: ByteRegion
        let checksum: UInt32
        let headerOffset: Int
        let localExtra: [UInt8]

        var isWide: Bool { bytes.count >= 0xFFFF_FFFF }
    }

    private static let alignment = 64
    private var entries: [Entry] = []
    private var position = 0

    /// Plans an entry.
    mutating func add(_ name: String, _ bytes: ByteRegion, for url: URL) throws {
        let nameBytes = Array(name.utf8)
        var extra: [UInt8] = []
        if bytes.count >= 0xFFFF_FFFF {
            extra += Self.field(1, of: [bytes.count, bytes.count])
        }
        let unpadded = position + 30 + nameBytes.count + extra.count + 4
        let padding = (Self.alignment - unpadded % Self.alignment) % Self.alignment
        extra += littleEndianBytes(UInt16(0x4246)) + littleEndianBytes(UInt16(padding))
        extra += [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
        let entry = Entry(
            name: nameBytes, bytes: bytes, checksum: bytes.checksum(from: 0),
            headerOffset: position, localExtra: extra)
        let (end, overflow) = (unpadded + padding).addingReportingOverflow(bytes.count)
        guard !overflow, end < Int.max / 2 else {
            throw FormatError(file: url.path, what: "would be too large for any file system")
        }
        entries.append(entry)
        position = end
    }

    /// Writes all planned entries and the directory.
    func write(to file: AtomicFile) throws {
        for entry in entries {
            try file.write(localHeader(entry))
            try file.write(entry.bytes)
        }
        let directory = entries.flatMap(record)
        try file.write(directory)
        try file.write(end(directoryCount: directory.count))
    }

    private static func field(_ kind: UInt16, of values: [Int]) -> [UInt8] {
        littleEndianBytes(kind) + littleEndianBytes(UInt16(values.count * 8))
            + values.flatMap { littleEndianBytes(UInt64($0)) }
    }

    private static func saturated(_ value: Int) -> [UInt8] {
        littleEndianBytes(UInt32(clamping: value))
    }

    private func localHeader(_ entry: Entry) -> [UInt8] {
        littleEndianBytes(ZipDirectory.localSignature) + common(entry)
            + littleEndianBytes(UInt16(entry.name.count))
            + littleEndianBytes(UInt16(entry.localExtra.count)) + entry.name + entry.localExtra
    }

    /// Version, flags (bit 11: UTF-8 name), method, time, date, checksum and sizes.
    private func common(_ entry: Entry) -> [UInt8] {
        littleEndianBytes(UInt16(entry.isWide ? 45 : 20)) + littleEndianBytes(UInt16(0x0800))
            + [UInt8](repeating: 0, count: 6) + littleEndianBytes(entry.checksum)
            + Self.saturated(entry.bytes.count) + Self.saturated(entry.bytes.count)
    }

    private func record(_ entry: Entry) -> [UInt8] {
        var wide = entry.isWide ? [entry.bytes.count, entry.bytes.count] : []
        if entry.headerOffset >= 0xFFFF_FFFF { wide.append(entry.headerOffset) }
        let extra = wide.isEmpty ? [] : Self.field(1, of: wide)
        return littleEndianBytes(ZipDirectory.entrySignature) + littleEndianBytes(UInt16(45))
            + common(entry) + littleEndianBytes(UInt16(entry.name.count))
            + littleEndianBytes(UInt16(extra.count)) + [UInt8](repeating: 0, count: 10)
            + Self.saturated(entry.headerOffset) + entry.name + extra
    }

    /// The zip64 end record, its locator and the end record; PyTorch writes all three always.
    private func end(directoryCount: Int) -> [UInt8] {
        let count = UInt64(entries.count)
        let shortCount = littleEndianBytes(UInt16(clamping: entries.count))
        let wide =
            littleEndianBytes(ZipDirectory.end64Signature) + littleEndianBytes(UInt64(44))
            + littleEndianBytes(UInt16(45)) + littleEndianBytes(UInt16(45))
            + [UInt8](repeating: 0, count: 8) + littleEndianBytes(count) + littleEndianBytes(count)
            + littleEndianBytes(UInt64(directoryCount)) + littleEndianBytes(UInt64(position))
        let locator =
            littleEndianBytes(ZipDirectory.locatorSignature) + littleEndianBytes(UInt32(0))
            + littleEndianBytes(UInt64(position + directoryCount)) + littleEndianBytes(UInt32(1))
        return wide + locator + littleEndianBytes(ZipDirectory.endSignature)
            + littleEndianBytes(UInt32(0)) + shortCount + shortCount
            + Self.saturated(directoryCount) + Self.saturated(position) + [0, 0]
    }
}
