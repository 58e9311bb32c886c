import Files
import Foundation
import Testing

@testable import TensorFormats

/// Files under `Tests/Fixtures/formats`, and what the script that made them says is in them.
enum Fixture {
    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/formats")

    /// Every fixture that has an expectation beside it.
    static let readable = [
        "dtypes.safetensors", "dtypes.pt", "dtypes.legacy", "strided.pt", "strided.legacy",
        "tied.pt",
        "tied.legacy", "module.pt", "module.legacy", "wrapped.pt", "wrapped.legacy", "protocol3.pt",
        "protocol4.pt", "protocol5.pt", "protocol3.legacy", "protocol4.legacy", "protocol5.legacy",
        "view.legacy", "zip64.pt",
    ]

    struct Expectation: Decodable {
        struct Tensor: Decodable {
            let name: String
            let dtype: ScalarType
            let shape: [Int]
            let hex: String
            let storage: Int
        }

        let wrapper: [String]
        let tensors: [Tensor]
    }

    static func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: url(name)))
    }

    static func archive(_ name: String) throws -> TensorArchive {
        try TensorArchive.open(url(name))
    }

    static func expectation(_ name: String) throws -> Expectation {
        try JSONDecoder().decode(
            Expectation.self, from: try Data(contentsOf: url(name + ".json")))
    }
}

/// A folder that goes away with the test.
final class TemporaryFolder {
    let url = FileManager.default.temporaryDirectory
        .appendingPathComponent("formats-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    func file(_ name: String, holding bytes: [UInt8]) throws -> URL {
        try Data(bytes).write(to: file(name))
        return file(name)
    }

    var names: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: url.path))?.sorted() ?? []
    }
}

/// Opens a file made of `bytes`.
func open(_ bytes: [UInt8], limits: ReadLimits = .default) throws -> TensorArchive {
    try TensorArchive.read(bytes, from: URL(fileURLWithPath: "/memory/file"), limits: limits)
}

/// The message of opening a file made of `bytes`, which must fail.
func message(opening bytes: [UInt8], limits: ReadLimits = .default) -> String {
    do {
        let archive = try open(bytes, limits: limits)
        Issue.record("opened with \(archive.tensors.map(\.name))")
        return ""
    } catch let error as FormatError {
        return error.description
    } catch {
        Issue.record("not a FormatError: \(error)")
        return ""
    }
}

func repeated(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
    Array(repeatElement(bytes, count: count).joined())
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

/// Files put together by hand.
enum Handmade {
    static func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
        littleEndianBytes(UInt64(header.utf8.count)) + Array(header.utf8) + data
    }

    /// A legacy file around `pickle`, with one storage `0` of `storage` bytes; persistent identifiers
    /// of zip files get the `None` that legacy ones end in.
    static func legacy(_ pickle: [UInt8], keys: [String] = [], storage: [UInt8] = []) -> [UInt8] {
        let magic: [UInt8] = [
            0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
        ]
        let version: [UInt8] = [0x80, 2, 0x4D, 0xE9, 3, 0x2E]
        let system = [0x80, 2, 0x7D] + unicode("little_endian") + [0x88, 0x73, 0x2E]
        var keyList: [UInt8] = [0x80, 2, 0x5D]
        for key in keys { keyList += unicode(key) + [0x61] }
        keyList.append(0x2E)
        let storages = keys.flatMap { _ in littleEndianBytes(Int64(storage.count / 4)) + storage }
        let isZip: [UInt8] = [0x74, 0x51]
        var legacy = pickle
        if !keys.isEmpty,
            let end = pickle.indices.dropLast().first(where: { Array(pickle[$0...$0 + 1]) == isZip }
            )
        {
            legacy.insert(0x4E, at: end)
        }
        return magic + version + system + legacy + keyList + storages
    }

    static func unicode(_ text: String) -> [UInt8] {
        [0x58] + littleEndianBytes(UInt32(text.utf8.count)) + Array(text.utf8)
    }

    static func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// Pickle of a dictionary with one float tensor `x` over storage `0` of `count` elements.
    static func pickle(count: Int, offset: Int, shape: [Int], strides: [Int]) -> [UInt8] {
        func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + littleEndianBytes(Int64(value)) }
        func tuple(_ values: [Int]) -> [UInt8] { [0x28] + values.flatMap(integer) + [0x74] }
        var pickle: [UInt8] = [0x80, 2, 0x7D] + unicode("x")
        pickle += ascii("ctorch._utils\n_rebuild_tensor_v2\n((") + unicode("storage")
        pickle += ascii("ctorch\nFloatStorage\n") + unicode("0") + unicode("cpu") + integer(count)
        pickle += [0x74, 0x51] + integer(offset) + tuple(shape) + tuple(strides)
        return pickle + [0x89, 0x7D, 0x74, 0x52, 0x73, 0x2E]
    }

    /// A torch zip around `pickle`.
    static func zip(_ pickle: [UInt8], entries: [(String, [UInt8])] = []) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let url = folder.file("made.zip")
        var zip = ZipWriter()
        try zip.add("archive/data.pkl", ByteRegion(pickle), for: url)
        for (name, bytes) in entries { try zip.add("archive/" + name, ByteRegion(bytes), for: url) }
        try AtomicFile.write(to: url) { try zip.write(to: $0) }
        return Array(try Data(contentsOf: url))
    }
}
