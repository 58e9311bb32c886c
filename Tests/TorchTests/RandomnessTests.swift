import TestSupport
import Testing
import Torch

@Suite struct RandomnessTests {
    private func draw(seed: UInt64, _ count: Int = 1000) throws -> Tensor {
        let tensor = try Tensor.empty([count])
        try seedGenerators(seed)
        try tensor.fillNormal()
        return tensor
    }

    @Test("A seed fixes what is drawn") func seeded() throws {
        let reference = try draw(seed: 9)
        #expect(try draw(seed: 9).isBitwiseEqual(to: reference))
        #expect(try !draw(seed: 10).isBitwiseEqual(to: reference))
        let high = try draw(seed: 9 + (1 << 40))
        #expect(try !high.isBitwiseEqual(to: reference))
    }

    @Test("Threads that draw at the same time do not disturb each other") func perThread()
        async throws
    {
        await withTaskGroup(of: Bool.self) { group in
            for seed in 0..<16 {
                group.addTask {
                    guard let first = try? draw(seed: UInt64(seed), 50_000) else { return false }
                    return (0..<10).allSatisfy { _ in
                        (try? draw(seed: UInt64(seed), 50_000).isBitwiseEqual(to: first)) == true
                    }
                }
            }
            for await same in group { #expect(same) }
        }
    }

    @Test("Moments are those of the distribution, within five sigma") func moments() throws {
        let n = 200_000.0
        let x = try Tensor.empty([200_000])
        try seedGenerators(1)
        try x.fillNormal(mean: 3, deviation: 2)
        let normal = try x.cast(to: .float64)
        #expect(abs(try normal.mean().item() - 3) < 5 * 2 / n.squareRoot())
        let variance = try (normal - 3).power(2).mean().item()
        #expect(abs(variance - 4) < 5 * 4 * (2 / n).squareRoot())
        try x.fillUniform(-1...3)
        let uniform = try x.cast(to: .float64)
        #expect(abs(try uniform.mean().item() - 1) < 5 * 4 / (12 * n).squareRoot())
        #expect(try uniform.clamped(to: -1...3).isBitwiseEqual(to: uniform))
    }
}
