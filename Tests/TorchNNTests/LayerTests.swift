import Foundation
import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct LayerTests {
    static let formulas: [(Activation, @Sendable (Double) -> Double)] = [
        (.gelu, { $0 * 0.5 * (1 + erf($0 / 2.squareRoot())) }),
        (
            .geluNew,
            { 0.5 * $0 * (1 + tanh((2 / .pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
        ),
        (
            .geluTanh,
            { 0.5 * $0 * (1 + tanh((2 / .pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
        ),
        (.relu, { max(0, $0) }),
        (.quickGELU, { $0 / (1 + exp(-1.702 * $0)) }),
        (.silu, { $0 / (1 + exp(-$0)) }),
        (.tanh, { tanh($0) }),
    ]

    @Test("Every activation equals its formula") func activations() throws {
        #expect(Set(Self.formulas.map(\.0)) == Set(Activation.allCases))
        let points = stride(from: -6.0, through: 6, by: 0.125).map { $0 }
        for (activation, formula) in Self.formulas {
            let found = try activation(Tensor(points)).values(as: Double.self)
            #expect(relativeDifference(found, points.map(formula)) < 1e-12, "\(activation)")
        }
    }

    @Test("Activations have the names of model configurations") func names() {
        let names = Activation.allCases.map(\.rawValue)
        #expect(
            names == [
                "gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "quick_gelu", "silu", "tanh",
            ])
        #expect(Activation(rawValue: "swishy") == nil)
    }

    @Test("Layers apply their parameters") func layers() throws {
        let store = ParameterStore(source: FreshSource(seed: 1))
        let linear = try Linear(3, 2, at: store.root["linear"])
        let x = try RandomNumbers.uniform([2, 5, 3], seed: 1)
        #expect(try linear(x).shape == [2, 5, 2])
        let bias = try #require(linear.bias)
        let product = try x.matmul(linear.weight.transposed(0, 1)) + bias
        #expect(try relativeDifference(linear(x), product) < 1e-6)
        let bare = try Linear(3, 2, bias: false, at: store.root["bare"])
        #expect(bare.bias == nil && store["bare.bias"] == nil)
        let tied = Linear(weight: linear.weight, bias: nil)
        #expect(try relativeDifference(tied(x), product - bias) < 1e-6)

        let norm = try LayerNorm(3, epsilon: 1e-12, at: store.root["norm"])
        let normalized = try norm(x)
        #expect(try relativeDifference(normalized.mean(over: [-1]), .zeros([2, 5])) < 1e-6)
        #expect(
            try relativeDifference((normalized * normalized).mean(over: [-1]), .ones([2, 5])) < 1e-5
        )

        let table = try Embedding(
            4, 3, padding: 0, weight: .normal(deviation: 1), at: store.root["words"])
        let rows = try table(Tensor([2, 0] as [Int64]))
        #expect(try rows.selected(0, 0).isBitwiseEqual(to: table.weight.selected(0, 2)))
    }
}
