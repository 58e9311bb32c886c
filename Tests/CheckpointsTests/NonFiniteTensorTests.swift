import Foundation
import TensorFormats
import TestSupport
import Testing

@testable import Checkpoints

/// NaN and infinity are found in every floating type, and counted.
@Suite struct NonFiniteTensorTests {
    private func tensor(_ type: ScalarType, _ bytes: [[UInt8]]) throws -> StoredTensor {
        try StoredTensor(
            name: "w", scalarType: type, shape: [bytes.count], bytes: bytes.flatMap { $0 })
    }

    @Test("Each floating type") func types() throws {
        func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
            withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
        let float32 = [Float(1), .nan, -.infinity, .greatestFiniteMagnitude, -.nan, 0].map {
            bytes($0.bitPattern)
        }
        let float64 = [1, .nan, -.infinity, .greatestFiniteMagnitude, -.nan, 0].map {
            bytes(($0 as Double).bitPattern)
        }
        // One, NaN, minus infinity, the largest number, a NaN of another pattern, zero.
        let float16 = [0x3C00, 0x7E00, 0xFC00, 0x7BFF, 0xFC01, 0].map { bytes(UInt16($0)) }
        let bfloat16 = [0x3F80, 0x7FC0, 0xFF80, 0x7F7F, 0xFF81, 0].map { bytes(UInt16($0)) }
        for (type, values) in [
            (ScalarType.float32, float32), (.float64, float64), (.float16, float16),
            (.bfloat16, bfloat16),
        ] {
            let found = try #require(try tensor(type, values).nonFinite)
            #expect(found.notNumbers == 2 && found.infinite == 1 && found.elements == 6, "\(type)")
            #expect(found.description == "‘w’ holds 2 NaN and 1 infinite among 6 numbers")
            #expect(try tensor(type, [values[0], values[3], values[5]]).nonFinite == nil)
        }
        #expect(try tensor(.int32, [[255, 255, 255, 127]]).nonFinite == nil)
    }
}
