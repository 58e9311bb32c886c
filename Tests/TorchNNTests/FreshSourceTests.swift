import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct FreshSourceTests {
    @Test("Values depend on the seed and the name, not on what else is drawn") func streams() throws
    {
        func draw(_ names: [String], seed: UInt64) throws -> [String: Tensor] {
            let source = FreshSource(seed: seed)
            return try Dictionary(
                uniqueKeysWithValues: names.map {
                    (
                        $0,
                        try source.tensor(
                            named: $0, shape: [30, 20], initializer: .normal(deviation: 1))
                    )
                })
        }
        let few = try draw(["a.weight", "b.weight"], seed: 3)
        let more = try draw(["b.weight", "new.weight", "a.weight"], seed: 3)
        let other = try draw(["a.weight", "b.weight"], seed: 4)
        for (name, tensor) in few {
            #expect(try tensor.isBitwiseEqual(to: #require(more[name])))
            let elsewhere = try #require(other[name])
            #expect(try relativeDifference(elsewhere, tensor) > 0.5)
        }
        let (a, b) = (try #require(few["a.weight"]), try #require(few["b.weight"]))
        #expect(try relativeDifference(a, b) > 0.5)
    }

    @Test("Zeros, ones and constants are just that") func constants() throws {
        let source = FreshSource(seed: 1)
        let zeros = try source.tensor(named: "z", shape: [3], initializer: .zeros)
        #expect(try zeros.isBitwiseEqual(to: .zeros([3])))
        let ones = try source.tensor(named: "o", shape: [3], initializer: .ones)
        #expect(try ones.isBitwiseEqual(to: .ones([3])))
        let scale = try source.tensor(named: "s", shape: [], initializer: .constant(2.5))
        #expect(try scale.isBitwiseEqual(to: .full([], 2.5)))
        #expect(!source.holds("z"))
    }

    @Test("Normal weights have the moments asked for, within five sigma") func normal() throws {
        let n = 100_000.0
        let x = try FreshSource(seed: 2).tensor(
            named: "w", shape: [1000, 100], initializer: .normal(deviation: 0.02)
        ).cast(to: .float64)
        #expect(abs(try x.mean().item()) < 5 * 0.02 / n.squareRoot())
        let variance = try (x * x).mean().item()
        #expect(abs(variance / (0.02 * 0.02) - 1) < 5 * (2 / n).squareRoot())
        #expect(x.shape == [1000, 100])
    }

    @Test("Kaiming weights fill ±√(1/inputs), for matrices and for kernels") func kaiming() throws {
        for shape in [[500, 64], [500, 16, 2, 2]] {
            let x = try FreshSource(seed: 2).tensor(
                named: "w", shape: shape, initializer: .kaimingUniform
            ).cast(to: .float64)
            let (n, bound) = (Double(x.elementCount), 0.125)
            #expect(try x.clamped(to: -bound...bound).isBitwiseEqual(to: x))
            #expect(try x.isGreater(than: 0.99 * bound).sum().item() > 0)
            #expect(try (-x).isGreater(than: 0.99 * bound).sum().item() > 0)
            #expect(abs(try x.mean().item()) < 5 * bound / (3 * n).squareRoot())
            let variance = try (x * x).mean().item()
            // The fourth moment of a uniform variable gives the deviation of its square.
            #expect(abs(variance * 3 / (bound * bound) - 1) < 5 * (0.8 / n).squareRoot())
        }
        let scalar = try FreshSource(seed: 1).tensor(
            named: "s", shape: [], initializer: .kaimingUniform)
        #expect(scalar.shape == [])
        let none = try FreshSource(seed: 1).tensor(
            named: "n", shape: [3, 0], initializer: .kaimingUniform)
        #expect(none.elementCount == 0)
    }
}
