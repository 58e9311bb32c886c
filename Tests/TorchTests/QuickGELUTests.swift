import TestSupport
import Testing
import Torch

/// Quick GELU in one pass beside its three steps in float64.
@Suite struct QuickGELUTests {
    private func reference(_ x: Tensor) throws -> Tensor { try x * (x * 1.702).sigmoid() }

    private func parameter(_ values: Tensor, _ dtype: DType) throws -> Tensor {
        let tensor = try values.cast(to: dtype)
        try tensor.setRequiresGradient(true)
        return tensor
    }

    @Test(
        "It is x · sigmoid(1.702 x), with the gradient of that",
        arguments: [[1], [7], [3, 16], [5, 3, 1, 11], [40, 3072]],
        [(DType.float32, 1e-6), (.bfloat16, 8e-3), (.float64, 1e-15)])
    func parity(_ shape: [Int], _ type: (dtype: DType, tolerance: Double)) throws {
        let x = try parameter(RandomNumbers.uniform(shape, seed: 1) * 8, type.dtype)
        let exact = try parameter(x.detached(), .float64)
        let upstream = try RandomNumbers.uniform(shape, seed: 2).cast(to: type.dtype)
        let (found, expected) = (try x.quickGELU(), try reference(exact))
        #expect(found.dtype == type.dtype && found.shape == shape)
        #expect(try relativeDifference(found.detached(), expected.detached()) < type.tolerance)
        let gradient = try #require(try (found * upstream).sum().gradients(for: [x])[0])
        let wanted = try #require(
            try (expected * upstream.cast(to: .float64)).sum().gradients(for: [exact])[0])
        #expect(try relativeDifference(gradient, wanted) < type.tolerance)
    }

    @Test("It holds where sigmoid is 0 or 1", arguments: [DType.float32, .bfloat16])
    func ends(_ dtype: DType) throws {
        let x = try parameter(
            Tensor([0, -0.0, 60, -60, 1e4, -1e4, 1e30, -1e30] as [Float]), dtype)
        let found = try x.quickGELU()
        let wanted = try reference(x.detached().cast(to: .float64))
        for (value, expected) in zip(
            try found.detached().values(as: Double.self), try wanted.values(as: Double.self))
        {
            #expect(abs(value - expected) <= 1e-6 * abs(expected) + 1e-6)
        }
        let grads = try #require(try found.sum().gradients(for: [x])[0])
        #expect(
            try grads.values(as: Double.self).map { ($0 * 1e4).rounded() / 1e4 }
                == [0.5, 0.5, 1, 0, 1, 0, 1, 0])
        let none = try Tensor([Float.nan, .infinity]).quickGELU().values(as: Float.self)
        #expect(none[0].isNaN && none[1] == .infinity)
    }

    @Test("A tensor that does not lie in order, or holds nothing, is served") func layouts() throws
    {
        let x = try parameter(RandomNumbers.uniform([9, 21], seed: 3), .float32)
        let found = try x.transposed(0, 1).quickGELU()
        #expect(found.shape == [21, 9])
        let expected = try reference(x).transposed(0, 1)
        #expect(try relativeDifference(found.detached(), expected.detached()) < 1e-6)
        let upstream = try RandomNumbers.uniform([9, 21], seed: 4).transposed(0, 1)
        let gradients = try [found, expected].map {
            try #require(try ($0 * upstream).sum().gradients(for: [x])[0])
        }
        #expect(try relativeDifference(gradients[0], gradients[1]) < 1e-6)
        #expect(try Tensor.zeros([0, 4]).quickGELU().shape == [0, 4])
    }

    @Test("Results do not depend on threads") func threads() throws {
        let before = Hardware.threadCount
        defer { try? Hardware.setThreadCount(before) }
        let x = try parameter(RandomNumbers.uniform([100_003], seed: 5), .float32)
        func run() throws -> [Tensor] {
            let result = try x.quickGELU()
            return [result, try #require(try result.sum().gradients(for: [x])[0])]
        }
        try Hardware.setThreadCount(1)
        let reference = try run()
        for threads in [2, 5] {
            try Hardware.setThreadCount(threads)
            for (found, expected) in try zip(run(), reference) {
                #expect(try found.isBitwiseEqual(to: expected))
            }
        }
    }
}
