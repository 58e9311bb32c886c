import Foundation
import Testing

@testable import TensorFormats

/// SplitMix64: small, and the same everywhere, so that a failure can be repeated.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

@Suite("Damaged files")
struct FuzzTests {
    #if DEBUG
        private static let usual = 1_000
    #else
        private static let usual = 20_000
    #endif
    static let iterations =
        ProcessInfo.processInfo.environment["RECIPE_FUZZ_ITERATIONS"].flatMap(Int.init) ?? usual

    @Test(arguments: [
        "dtypes.safetensors", "module.pt", "zip64.pt", "dtypes.legacy",
        "strided.legacy", "wrapped.legacy", "protocol4.legacy", "view.legacy",
    ])
    func everyTruncationThrows(_ name: String) throws {
        let bytes = try Fixture.bytes(name)
        for count in 0..<bytes.count {
            #expect(throws: FormatError.self, "first \(count) bytes") {
                try open(Array(bytes.prefix(count)))
            }
        }
    }

    /// Any outcome but a crash will do, as long as what opens is consistent in itself.
    @Test(arguments: [
        "dtypes.safetensors", "wrapped.pt", "strided.pt", "wrapped.legacy",
        "strided.legacy", "protocol4.legacy",
    ])
    func mutationsOnlyThrow(_ name: String) throws {
        let original = try Fixture.bytes(name)
        let sources = ["dtypes.safetensors": 1, "wrapped.pt": 3, "strided.pt": 3]
        let iterations = Self.iterations / (sources[name] ?? 3)
        var generator = Generator(
            state: name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
        var limits = ReadLimits()
        var opened = 0
        for index in 0..<iterations {
            // Without checksums most mutations get as far as the pickle.
            limits.verifiesChecksums = index.isMultiple(of: 4)
            let mutated = Self.mutate(original, &generator)
            do {
                try check(try open(mutated, limits: limits))
                opened += 1
            } catch is FormatError {
                continue
            }
        }
        #expect(opened < iterations)
    }

    static func mutate(_ original: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let position = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2:
                bytes[position] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
            case 3: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
            case 4: bytes.remove(at: position)
            case 5:
                let count = min(8, bytes.count - position)
                let value: UInt64 =
                    [0, 1 << 31, 1 << 62, 1 << 63, .max].randomElement(
                        using: &generator) ?? 0
                bytes.replaceSubrange(
                    position..<(position + count), with: littleEndianBytes(value).prefix(count))
            default:
                let source = Int.random(in: 0..<bytes.count, using: &generator)
                let count = min(16, bytes.count - max(position, source))
                bytes.replaceSubrange(
                    position..<(position + count), with: bytes[source..<(source + count)])
            }
            if bytes.isEmpty { return original }
        }
        return bytes
    }

    private func check(_ archive: TensorArchive) throws {
        for tensor in archive.tensors {
            let count = try #require(elementCount(of: tensor.shape))
            #expect(tensor.bytes.count == count * tensor.scalarType.byteCount)
            #expect(tensor.bytes.copy().count == tensor.bytes.count)
        }
    }
}
