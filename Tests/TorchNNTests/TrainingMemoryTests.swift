import TestSupport
import Testing
import Torch
import TorchNN

/// A model small enough that a step takes a fraction of a millisecond.
private struct TinyClassifier {
    let store: ParameterStore
    let hidden: Linear
    let norm: LayerNorm
    let output: Linear

    init() throws {
        store = ParameterStore(
            source: FreshSource(seed: 1), placement: Placement(trainable: .all))
        hidden = try Linear(4, 8, at: store.root["hidden"])
        norm = try LayerNorm(8, epsilon: 1e-5, at: store.root["norm"])
        output = try Linear(8, 3, at: store.root["output"])
    }

    func loss(_ x: Tensor, _ labels: Tensor, _ pass: Pass) throws -> Tensor {
        let y = try norm(pass.dropout(hidden(x).gelu(), 0.1))
        return try output(y).crossEntropy(labels)
    }
}

@Suite struct TrainingMemoryTests {
    /// What an allocator may keep more of after another 9,000 steps. The least that could leak at
    /// each step, an empty tensor with its handle, takes more than twice this.
    static let allowance = 1 << 20

    #if compiler(>=6.2)
        @Test("Ten thousand training steps take no more memory than a thousand")
        func steadyMemory() async {
            // In a process of its own, where no other test takes memory at the same time.
            await #expect(processExitsWith: .success) { try TrainingMemoryTests.trainAndMeasure() }
        }
    #else
        @Test("Ten thousand training steps take no more memory than a thousand", .serialized)
        func steadyMemory() throws { try Self.trainAndMeasure() }
    #endif

    static func trainAndMeasure() throws {
        try Hardware.setThreadCount(1)
        let model = try TinyClassifier()
        let parameters = model.store.trainable
        let optimizer = Optimizer(.adamW(weightDecay: 0.01), of: parameters)
        let x = try RandomNumbers.uniform([6, 4], seed: 1)
        let labels = try Tensor([0, 1, 2, -100, 0, 1] as [Int64])
        var early = 0
        var losses: [Double] = []
        for step in 0..<10_000 {
            if step == 1000 { early = try #require(residentMemory()) }
            let loss = try model.loss(x, labels, .training(key: UInt64(step)))
            let gradients = try loss.gradients(for: parameters.map(\.tensor))
            try GradientClipping.clip(gradients.compactMap { $0 }, to: 1)
            try optimizer.step(gradients, learningRate: 1e-3)
            if step % 1000 == 0 {
                losses.append(try loss.item())
                // An error leaves nothing behind either.
                #expect(throws: TorchError.self) { try loss.gradients(for: [x]) }
            }
        }
        let growth = try #require(residentMemory()) - early
        #expect(growth < allowance, "resident memory grew by \(growth) bytes")
        #expect(try #require(losses.last) < 0.5 * (losses.first ?? 0))
    }
}
