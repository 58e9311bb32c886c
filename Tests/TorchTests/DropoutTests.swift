import TestSupport
import Testing
import Torch

@Suite struct DropoutTests {
    /// Enough elements that several threads share the work, and not a multiple of four.
    static let count = (1 << 19) + 3

    @Test("The mask depends on the key alone, not on the threads") func keyed() throws {
        let before = Hardware.threadCount
        defer { try? Hardware.setThreadCount(before) }
        let x = try Tensor.ones([Self.count])
        let reference = try x.dropout(0.1, key: 42)
        for threads in [1, 2, 5] {
            try Hardware.setThreadCount(threads)
            try seedGenerators(UInt64(threads))
            #expect(try x.dropout(0.1, key: 42).isBitwiseEqual(to: reference))
        }
        #expect(try !x.dropout(0.1, key: 43).isBitwiseEqual(to: reference))
        // A shorter tensor has the beginning of the same mask.
        let short = try Tensor.ones([1001]).dropout(0.1, key: 42)
        let start = try reference.narrowed(0, from: 0, length: 1001)
        #expect(try short.isBitwiseEqual(to: start))
    }

    @Test("Rate and mean are as expected, within five sigma", arguments: [0.02, 0.1, 0.5, 0.9])
    func statistics(p: Double) throws {
        let count = Double(Self.count)
        let dropped = try Tensor.ones([Self.count]).dropout(p, key: 7)
        // Elements are 0 or 1/(1-p), with p in steps of 2⁻¹⁶.
        let kept = try dropped.isGreater(than: 0).cast(to: .float32)
        let rate = 1 - (try kept.sum().item()) / count
        let sigma = (p * (1 - p) / count).squareRoot()
        #expect(abs(rate - p) < 5 * sigma + 1.0 / 65536)
        let mean = try dropped.cast(to: .float64).mean().item()
        #expect(abs(mean - 1) < 5 * (p / (1 - p) / count).squareRoot())
        let values = Set(try dropped.values(as: Float.self))
        #expect(values.count == 2 && values.contains(0))
        let scale = Double(values.max() ?? 0)
        #expect(abs(scale * (1 - p) - 1) < 1.0 / 65536 / (1 - p))
    }

    @Test("Neighbours, and masks of neighbouring keys, are uncorrelated") func independence() throws
    {
        let n = 1 << 18
        let masks = try (0..<4).map { key in
            try Tensor.ones([n]).dropout(0.5, key: UInt64(key)).cast(to: .float64) - 1
        }
        // Each product of two ±1 has mean 0 and deviation 1.
        let limit = 5 / Double(n).squareRoot()
        for (index, mask) in masks.enumerated() {
            for other in masks[..<index] { #expect(abs(try (mask * other).mean().item()) < limit) }
            for shift in [1, 2, 3, 4, 64, 1024] {
                let a = try mask.narrowed(0, from: 0, length: n - shift)
                let b = try mask.narrowed(0, from: shift, length: n - shift)
                #expect(abs(try (a * b).mean().item()) < limit * 1.01)
            }
        }
    }

    @Test("The gradient is the mask") func gradient() throws {
        let x = try RandomNumbers.uniform([50, 21], seed: 1)
        try x.setRequiresGradient(true)
        let gradient = try #require(
            try x.dropout(0.3, key: 5).sum().gradients(for: [x])[0])
        #expect(try gradient.isBitwiseEqual(to: Tensor.ones([50, 21]).dropout(0.3, key: 5)))
    }

    @Test("Probability 0 gives the tensor itself") func zero() throws {
        let x = try Tensor.ones([4])
        #expect(try x.dropout(0, key: 1) === x)
    }

    @Test("Type and shape stay", arguments: [DType.float32, .float64, .bfloat16, .float16])
    func types(dtype: DType) throws {
        let dropped = try Tensor.ones([3, 1, 5], dtype: dtype).dropout(0.5, key: 1)
        #expect(dropped.dtype == dtype)
        #expect(dropped.shape == [3, 1, 5])
        // A view with gaps has the mask of its row-major order.
        let transposed = try Tensor.ones([5, 3], dtype: dtype).transposed(0, 1).dropout(0.5, key: 1)
        #expect(try transposed.isBitwiseEqual(to: dropped.reshaped([3, 5])))
    }
}
