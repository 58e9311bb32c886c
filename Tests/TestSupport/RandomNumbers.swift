import Foundation
import Torch

/// SplitMix64: the same numbers from the same seed on every machine.
public struct RandomNumbers: RandomNumberGenerator {
    private var state: UInt64

    /// Starts at `seed`.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A float32 tensor on the host with elements drawn uniformly from `range`.
    public mutating func tensor(
        _ shape: [Int], in range: ClosedRange<Float> = -1...1
    ) throws -> Tensor {
        let count = shape.reduce(1, *)
        return try Tensor(
            (0..<count).map { _ in Float.random(in: range, using: &self) }, shape: shape)
    }

    /// A tensor of `shape` with 64-bit integers drawn uniformly from `range`.
    public mutating func integers(_ shape: [Int], in range: Range<Int64>) throws -> Tensor {
        let count = shape.reduce(1, *)
        return try Tensor(
            (0..<count).map { _ in Int64.random(in: range, using: &self) }, shape: shape)
    }

    /// A float32 tensor on the host with elements between -1 and 1, the same for the same seed.
    public static func uniform(_ shape: [Int], seed: UInt64) throws -> Tensor {
        var numbers = RandomNumbers(seed: seed)
        return try numbers.tensor(shape)
    }
}
