import Foundation

/// Where the fixtures of these tests are, and the digests that `Oracle/wordpiece.py` uses.
enum Fixtures {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures")

    static func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    static func decode<Value: Decodable>(_ type: Value.Type, from name: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(contentsOf: url(name)))
    }
}

/// The folder of real data, which need not be there.
enum RealData {
    static let folder: URL? = {
        let root = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
        let candidates = [
            ProcessInfo.processInfo.environment["RECIPE_DATA"].map { URL(fileURLWithPath: $0) },
            root.appendingPathComponent(".data"),
            root.deletingLastPathComponent().appendingPathComponent("shared/data"),
        ]
        return candidates.compactMap { $0 }.first {
            FileManager.default.fileExists(
                atPath: $0.appendingPathComponent("text-downstream/sst2/train.tsv").path)
        }
    }()
}

/// FNV-1a over whole words.
struct Digest {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ word: UInt64) { value = (value ^ word) &* 0x100_0000_01B3 }

    var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
