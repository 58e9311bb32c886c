import TestSupport
import Testing
import Torch

/// A body failed on purpose.
private struct Interruption: Error {}

@Suite struct GradientTests {
    private func leaf(_ values: [Float]) throws -> Tensor {
        let tensor = try Tensor(values)
        try tensor.setRequiresGradient(true)
        return tensor
    }

    @Test("Gradients that cannot be had are errors") func refusals() throws {
        let x = try leaf([1, 2])
        #expect(throws: TorchError.self) { try (x * 2).gradients(for: [x]) }
        #expect(throws: TorchError.self) { try Tensor.ones([]).gradients(for: [x]) }
        #expect(throws: TorchError.self) { try x.sum().gradients(for: [.ones([2])]) }
        let integers = try Tensor.arange(0..<2)
        #expect(throws: TorchError.self) { try integers.sum().gradients(for: [x]) }
    }

    @Test("A graph serves one backward pass") func twice() throws {
        let x = try leaf([1, 2])
        let loss = try (x * x).sum()
        #expect(try loss.gradients(for: [x])[0]?.values() == [2, 4] as [Float])
        let error = try #require(throws: TorchError.self) { try loss.gradients(for: [x]) }
        #expect(error.message.contains("second time"))
        expectNoBacktrace(error)
    }

    @Test("An input that the loss does not use has no gradient") func unused() throws {
        let x = try leaf([1, 2])
        let y = try leaf([3])
        let gradients = try (x * 3).sum().gradients(for: [y, x, y])
        #expect(gradients[0] == nil && gradients[2] == nil)
        #expect(try gradients[1]?.values() == [3, 3] as [Float])
    }

    @Test("The pass goes no lower than the inputs asked for") func stopsAtInputs() throws {
        let below = try leaf([2, 3])
        // Its backward formula needs this tensor as it was: an update in place makes it fail.
        let factor = try Tensor([5, 7] as [Float])
        let middle = try below * factor
        let loss = try (middle * middle).sum()
        try factor.zero()
        #expect(try loss.gradients(for: [middle])[0]?.values() == [20, 42] as [Float])

        let other = try Tensor([5, 7] as [Float])
        let whole = try (below * other).sum()
        try other.zero()
        #expect(throws: TorchError.self) { try whole.gradients(for: [below]) }
    }

    @Test("What is not recorded gets no gradient") func frozen() throws {
        let x = try leaf([1, 2])
        let frozen = try Tensor([3, 4] as [Float])
        #expect(x.requiresGradient && !frozen.requiresGradient)
        let product = try x * frozen
        #expect(product.requiresGradient)
        #expect(throws: TorchError.self) { try product.sum().gradients(for: [frozen]) }
        let detached = try product.detached()
        #expect(!detached.requiresGradient)
        #expect(throws: TorchError.self) { try detached.sum().gradients(for: [x]) }
        #expect(try !(frozen * frozen).requiresGradient)
    }

    @Test("Each gradient has memory of its own, in row-major order") func gradientsAreOwned() throws
    {
        let a = try leaf([1, 2])
        let b = try leaf([3, 4])
        let gradients = try (a + b).power(2).sum().gradients(for: [a, b]).compactMap { $0 }
        try gradients[0].zero()
        #expect(try gradients[1].values() == [8, 12] as [Float])

        // Parts of one tensor.
        let joined = try (Tensor.concatenated([a, b], along: 0) * Tensor([1, 2, 3, 4] as [Float]))
        let parts = try joined.sum().gradients(for: [joined, a, b]).compactMap { $0 }
        try parts[0].zero()
        #expect(try parts[1].values() == [1, 2] as [Float])
        #expect(try parts[2].values() == [3, 4] as [Float])

        // One number spread over a shape, and a transposed one.
        let matrix = try Tensor.ones([2, 3])
        try matrix.setRequiresGradient(true)
        let spread = try #require(try matrix.sum().gradients(for: [matrix])[0])
        #expect(spread.isContiguous)
        try spread.scale(by: 2)
        #expect(try spread.values() == [Float](repeating: 2, count: 6))
        let weight = try Tensor((0..<6).map(Float.init), shape: [3, 2])
        let turned = try #require(
            try (matrix.transposed(0, 1) * weight).sum().gradients(for: [matrix])[0])
        #expect(turned.isContiguous)
        #expect(try turned.values() == [0, 2, 4, 1, 3, 5] as [Float])
    }

    @Test("Updates in place of recorded leaves are refused outside of withoutGradients")
    func inPlace() throws {
        let x = try leaf([1, 2])
        #expect(throws: TorchError.self) { try x.zero() }
        try withoutGradients { try x.scale(by: 3) }
        #expect(try x.values() == [3, 6] as [Float])
        #expect(x.requiresGradient)
    }

    @Test("withoutGradients nests and ends, however it ends") func withoutGradientsRestores() throws
    {
        let x = try leaf([1])
        func records() throws -> Bool { try (x * 2).requiresGradient }
        #expect(try records())
        try withoutGradients {
            #expect(try !records())
            try withoutGradients { () throws in #expect(try !records()) }
            #expect(try !records())
            #expect(throws: Interruption.self) { try withoutGradients { throw Interruption() } }
            #expect(try !records())
        }
        #expect(try records())
        #expect(throws: Interruption.self) { try withoutGradients { throw Interruption() } }
        #expect(try records())
    }

    @Test("Inference mode nests and ends, however it ends") func inferenceMode() throws {
        let x = try leaf([1])
        func records() throws -> Bool { try (x * 2).requiresGradient }
        let made = try withInferenceMode {
            #expect(try !records())
            try withInferenceMode { () throws in #expect(try !records()) }
            try withoutGradients { () throws in #expect(try !records()) }
            #expect(try !records())
            return try x * 2
        }
        #expect(try records())
        #expect(try made.item() == 2)
        #expect(throws: TorchError.self) { try made.setRequiresGradient(true) }
        #expect(throws: TorchError.self) { try made * x }
        #expect(throws: Interruption.self) { try withInferenceMode { throw Interruption() } }
        #expect(try records())
    }

    @Test("The modes are the thread's own") func modesArePerThread() async throws {
        // No suspension within the mode: the other task runs on another thread or before or after.
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<32 {
                group.addTask {
                    guard let x = try? Tensor.ones([64]) else { return false }
                    guard (try? x.setRequiresGradient(true)) != nil else { return false }
                    let body = {
                        (0..<50).allSatisfy { _ in
                            (try? x * 2)?.requiresGradient == (index % 2 == 0)
                        }
                    }
                    return index % 2 == 0 ? body() : withoutGradients(body)
                }
            }
            for await right in group { #expect(right) }
        }
    }

    @Test("The norm's gradient is a unit vector, and zero at zero") func norm() throws {
        var numbers = RandomNumbers(seed: 3)
        let x = try numbers.tensor([7, 5])
        try x.setRequiresGradient(true)
        let norm = try x.norm()
        let gradient = try #require(try norm.gradients(for: [x])[0])
        #expect(try relativeDifference(gradient, withoutGradients { try x / norm }) < 1e-6)
        #expect(abs(try gradient.norm().item() - 1) < 1e-6)

        let zero = try Tensor.zeros([4, 4])
        try zero.setRequiresGradient(true)
        let atZero = try #require(try zero.norm().gradients(for: [zero])[0])
        #expect(try atZero.values() == [Float](repeating: 0, count: 16))
    }
}
