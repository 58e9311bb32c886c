import Testing

@testable import Scanning

/// Whatever bytes there are, the scan ends, and says something that can be written down.
@Suite struct MutationTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }
    }

    private static let seeds: [(String, [UInt8])] = [
        ("m.pkl", payload()), ("m.pt", ZipBuilder(entries: [("a/data.pkl", payload())]).make()),
        (
            "m.pkl",
            bytes("\\x80\\x04\\x8c\\x02os\\x94\\x8c\\x06system\\x94\\x93(K\\x01K\\x02t\\x81}b.")
        ),
        (
            "m.safetensors",
            safetensors(
                #"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#,
                data: [UInt8](repeating: 7, count: 16))
        ),
        (
            "a.npy",
            bytes(
                "\\x93NUMPY\\x01\\x00\\x30\\x00{'descr': '<f4', 'shape': (2,), 'x': 1234567890}\n1234"
            )
        ),
        (
            "c.json",
            Array(#"{"auto_map": {"a": "b.C"}, "n": [1, 2.5e3, "\u00e9"], "x": null}"#.utf8)
        ),
        ("m.onnx", [0x3A, 6, 0x2A, 4, 0x6A, 2, 0x0A, 0]),
        ("m.gguf", bytes("GGUF\\x03\\x00\\x00\\x00") + [UInt8](repeating: 1, count: 60)),
        (
            "m.gz",
            [
                0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x4B, 0x4C, 0x4A, 6, 0, 0xC2, 0x41, 0x24, 0x35,
                3, 0, 0, 0,
            ]
        ),
    ]

    @Test(arguments: 0..<8)
    func endsWhateverTheBytes(_ round: UInt64) {
        var random = Generator(state: round)
        for (name, seed) in Self.seeds {
            for _ in 0..<150 {
                var changed = seed
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    let place = Int.random(in: 0..<changed.count, using: &random)
                    switch Int.random(in: 0..<5, using: &random) {
                    case 0: changed[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    case 2: changed.insert(UInt8.random(in: 0...255, using: &random), at: place)
                    case 3: if changed.count > 1 { changed.remove(at: place) }
                    default: changed += changed[place...].prefix(64)
                    }
                }
                let found = scan(changed, named: name)
                #expect(found.liveBytes == 0)
                #expect(found.findings.allSatisfy { ($0.offset ?? 0) >= 0 })
            }
        }
    }

    /// Inputs that are made to cost: deep, wide, self-similar.
    @Test func staysWithinBounds() {
        let costly: [[UInt8]] = [
            [0x80, 2] + [UInt8](repeating: UInt8(ascii: "("), count: 100_000),
            [0x80, 4] + [UInt8](repeating: 0x29, count: 2)
                + [UInt8](repeating: 0x94, count: 100_000),
            [UInt8](repeating: UInt8(ascii: "["), count: 100_000),
            Array(repeating: [0x80, 2] as [UInt8], count: 40_000).flatMap(\.self),
            [0] + Array(repeating: Array("cos\nab\n".utf8), count: 10_000).flatMap(\.self),
        ]
        for bytes in costly {
            #expect(
                scan(bytes, named: "m.bin").findings.count <= ScanLimits.default.maximumFindings)
            _ = scan(bytes, named: "c.json")
        }
    }
}
