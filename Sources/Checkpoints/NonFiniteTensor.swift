import Foundation
import TensorFormats

/// A tensor that holds numbers which are none: a model of such weights computes nothing.
public struct NonFiniteTensor: Sendable, Codable, Equatable, CustomStringConvertible {
    /// The name on disk.
    public let name: String
    /// How many of its numbers are NaN.
    public let notNumbers: Int
    /// How many are infinite.
    public let infinite: Int
    /// How many numbers it has.
    public let elements: Int

    /// Name and counts in words.
    public var description: String {
        let kinds = [(notNumbers, "NaN"), (infinite, "infinite")].filter { $0.0 > 0 }
            .map { "\($0.0) \($0.1)" }.joined(separator: " and ")
        return "‘\(name)’ holds \(kinds) among \(elements) numbers"
    }
}

extension StoredTensor {
    /// What of the tensor is no finite number; nil where all is, and for whole numbers.
    public var nonFinite: NonFiniteTensor? {
        let counts: (notNumbers: Int, infinite: Int)
        switch scalarType {
        case .float64: counts = count(UInt64.self, exponent: 0x7FF0_0000_0000_0000)
        case .float32: counts = count(UInt32.self, exponent: 0x7F80_0000)
        case .float16: counts = count(UInt16.self, exponent: 0x7C00)
        case .bfloat16: counts = count(UInt16.self, exponent: 0x7F80)
        case .int64, .int32, .int16, .int8, .uint8, .bool: return nil
        }
        guard counts.notNumbers + counts.infinite > 0 else { return nil }
        return NonFiniteTensor(
            name: name, notNumbers: counts.notNumbers, infinite: counts.infinite,
            elements: elementCount)
    }

    /// Counts patterns whose exponent is all ones: infinite without a fraction, else no number.
    private func count<Pattern: FixedWidthInteger & UnsignedInteger>(
        _ type: Pattern.Type, exponent: Pattern
    ) -> (notNumbers: Int, infinite: Int) {
        bytes.withUnsafeBytes { bytes in
            let sign: Pattern = ~(Pattern.max >> 1)
            let size = MemoryLayout<Pattern>.size
            var (notNumbers, infinite) = (0, 0)
            for offset in stride(from: 0, to: bytes.count - size + 1, by: size) {
                let bits = Pattern(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
                guard bits & exponent == exponent else { continue }
                if bits & ~sign == exponent { infinite += 1 } else { notNumbers += 1 }
            }
            return (notNumbers, infinite)
        }
    }
}

extension StateDictionary {
    /// The tensors that hold NaN or infinity, in file order.
    public func nonFiniteTensors() -> [NonFiniteTensor] { tensors.compactMap(\.nonFinite) }

    /// Throws `CheckpointError` where a tensor holds NaN or infinity: `url` is the model's.
    public func checkFinite(at url: URL) throws {
        let found = nonFiniteTensors()
        guard let first = found.first else { return }
        throw CheckpointError(
            url,
            "the tensor \(first)" + (found.count > 1 ? ", and \(found.count - 1) more do" : ""),
            advice: "the weights are damaged; download them again, or ask their publisher")
    }
}
