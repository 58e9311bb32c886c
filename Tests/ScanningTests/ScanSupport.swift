import Foundation

@testable import Scanning

/// Scans bytes as a file of this name.
func scan(
    _ bytes: [UInt8], named name: String = "model.pkl", limits: ScanLimits = .default
) -> FileScan {
    let scan = FileScan(path: name, size: bytes.count, limits: limits)
    bytes.withUnsafeBytes { scan.examine($0, at: Place(file: name)) }
    scan.reportMagnitudes(at: Place(file: name))
    return scan
}

extension FileScan {
    /// The rules of what was found beyond notes.
    var rules: Set<ScanRule> { Set(findings.filter { $0.severity > .note }.map(\.rule)) }
}

/// The bytes of a text in which `\xNN` stands for a byte.
func bytes(_ text: String) -> [UInt8] {
    var out: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x"), rest.count >= 3,
            let value = UInt8(
                String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
        else {
            out.append(byte)
            continue
        }
        out.append(value)
        rest = rest.dropFirst(3)
    }
    return out
}

/// A pickle that calls `module.name` with a text.
func payload(_ module: String = "os", _ name: String = "system") -> [UInt8] {
    bytes("\\x80\\x02c\(module)\n\(name)\n(X\\x04\\x00\\x00\\x00truetR.")
}

/// A zip of stored entries.
struct ZipBuilder {
    var entries: [(name: String, data: [UInt8])] = []
    var comment: [UInt8] = []
    var centralFlags: UInt16 = 0

    func make(offsetBy base: Int = 0) -> [UInt8] {
        var (body, directory): ([UInt8], [UInt8]) = ([], [])
        for entry in entries {
            let checksum = Self.checksum(entry.data)
            var common = Self.little(UInt16(20)) + Self.little(UInt16(0)) + Self.little(UInt16(0))
            common += Self.little(UInt32(0)) + Self.little(checksum)
            common += Self.little(UInt32(entry.data.count)) + Self.little(UInt32(entry.data.count))
            common += Self.little(UInt16(entry.name.utf8.count)) + Self.little(UInt16(0))
            var central = common
            central[2] = UInt8(centralFlags & 0xFF)
            directory += [0x50, 0x4B, 1, 2, 20, 0] + central
            directory += [UInt8](repeating: 0, count: 10)
            directory += Self.little(UInt32(base + body.count)) + Array(entry.name.utf8)
            body += [0x50, 0x4B, 3, 4] + common + Array(entry.name.utf8) + entry.data
        }
        let count = Self.little(UInt16(entries.count))
        var end: [UInt8] = [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + count + count
        end += Self.little(UInt32(directory.count)) + Self.little(UInt32(base + body.count))
        return body + directory + end + Self.little(UInt16(comment.count)) + comment
    }

    static func little<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static func checksum(_ data: [UInt8]) -> UInt32 {
        var value: UInt32 = 0xFFFF_FFFF
        for byte in data {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        return ~value
    }
}

/// A safetensors file with this header, as long as it is unless told otherwise.
func safetensors(_ header: String, data: [UInt8], length: Int? = nil) -> [UInt8] {
    ZipBuilder.little(UInt64(length ?? header.utf8.count)) + Array(header.utf8) + data
}

/// A folder that is removed with the value.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "scanning-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ contents: [UInt8], to name: String) throws {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(contents).write(to: file)
    }

    func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }
}
