import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct ParameterStoreTests {
    private func fill(_ store: ParameterStore) throws {
        let layer = store.root["encoder"][3]
        _ = try Linear(4, 6, weight: .normal(deviation: 0.02), at: layer["dense"])
        _ = try LayerNorm(6, epsilon: 1e-5, at: layer["norm"])
        _ = try Embedding(10, 4, weight: .ones, at: store.root["words"])
    }

    static let names = [
        "encoder.3.dense.weight", "encoder.3.dense.bias", "encoder.3.norm.weight",
        "encoder.3.norm.bias", "words.weight",
    ]

    @Test("Parameters have dotted names, in the order of their birth") func order() throws {
        let store = ParameterStore(source: FreshSource(seed: 1))
        try fill(store)
        #expect(store.parameters.map(\.name) == Self.names)
        #expect(store.parameters.map(\.tensor.shape) == [[6, 4], [6], [6], [6], [10, 4]])
        #expect(store.elementCount == 24 + 18 + 40)
        #expect(store["words.weight"] === store.parameters[4].tensor)
        #expect(store["words"] == nil && store["encoder.3.dense"] == nil)
        let weights = store.parameters(matching: "**.weight").map(\.name)
        #expect(weights == [Self.names[0], Self.names[2], Self.names[4]])
        let scope = store.root["encoder"][3]
        #expect(scope.path == "encoder.3" && scope.name("dense") == "encoder.3.dense")
        #expect(store.root.name("words") == "words")
    }

    @Test("Two layers cannot claim one name") func duplicate() throws {
        let store = ParameterStore(source: FreshSource(seed: 1))
        try fill(store)
        let error = try #require(throws: ParameterError.self) {
            try Embedding(10, 4, weight: .ones, at: store.root["words"])
        }
        #expect(error.description == "the parameter ‘words.weight’ is claimed by two layers")
        #expect(store.parameters.count == 5)
    }

    @Test("A source that gives another shape is refused") func shape() throws {
        let source = GivenSource(["words.weight": try .zeros([4, 10])])
        let store = ParameterStore(source: source)
        let error = try #require(throws: ParameterError.self) {
            try Embedding(10, 4, weight: .ones, at: store.root["words"])
        }
        #expect(error.description.contains("[4, 10]") && error.description.contains("[10, 4]"))
        #expect(error.description.contains("‘words.weight’"))
        #expect(store.parameters.isEmpty)
    }

    @Test("Only what is trained is recorded") func trainable() throws {
        let pattern: ParameterPattern = "**.dense.weight"
        let store = ParameterStore(
            source: FreshSource(seed: 1), placement: Placement(trainable: pattern))
        try fill(store)
        #expect(store.trainable.map(\.name) == [Self.names[0]])
        for parameter in store.parameters {
            #expect(parameter.tensor.requiresGradient == (parameter.name == Self.names[0]))
            #expect(parameter.tensor.dtype == .float32)
        }
        let frozen = ParameterStore(source: FreshSource(seed: 1))
        try fill(frozen)
        #expect(frozen.trainable.isEmpty)
        #expect(frozen.parameters.allSatisfy { !$0.tensor.requiresGradient })
    }

    @Test("In bfloat16, trained parameters stay float32") func bfloat16() throws {
        let source = GivenSource([
            "encoder.3.dense.weight": try .full([6, 4], 0.1, dtype: .bfloat16),
            "words.weight": try .full([10, 4], 0.3),
        ])
        let store = ParameterStore(
            source: source,
            placement: Placement(computeType: .bfloat16, trainable: "encoder.*.dense.**"))
        try fill(store)
        for parameter in store.parameters {
            let isTrained = parameter.name.contains("dense")
            #expect(parameter.tensor.dtype == (isTrained ? .float32 : .bfloat16))
            #expect(parameter.tensor.requiresGradient == isTrained)
        }
        #expect(store.sourceHolds("words.weight") && !store.sourceHolds("words.bias"))
        #expect(store.root["words"].isHeld("weight") && !store.root["words"].isHeld("bias"))
    }

    @Test("A trained float32 weight joins bfloat16 activations, and gets a float32 gradient")
    func mixedTypes() throws {
        let store = ParameterStore(
            source: FreshSource(seed: 1),
            placement: Placement(computeType: .bfloat16, trainable: "**.weight"))
        let linear = try Linear(4, 6, at: store.root["dense"])
        let norm = try LayerNorm(6, epsilon: 1e-5, at: store.root["norm"])
        let x = try RandomNumbers.uniform([2, 4], seed: 1).cast(to: .bfloat16)
        let y = try norm(linear(x))
        #expect(y.dtype == .bfloat16)
        let loss = try (y * y.magnitude()).sum()
        let gradients = try loss.gradients(for: [linear.weight, norm.weight])
        #expect(gradients.allSatisfy { $0?.dtype == .float32 })
        #expect(linear.bias?.dtype == .bfloat16)
    }

    @Test("Shapes alone take no memory") func meta() throws {
        let store = ParameterStore(
            source: ShapeSource(), placement: Placement(trainable: .all))
        let linear = try Linear(1 << 20, 1 << 20, at: store.root["huge"])
        #expect(linear.weight.device == .meta && linear.weight.shape == [1 << 20, 1 << 20])
        #expect(store.elementCount == (1 << 40) + (1 << 20))
        #expect(store.trainable.count == 2)
        let y = try linear(.empty([3, 1 << 20], device: .meta))
        #expect(y.shape == [3, 1 << 20] && y.device == .meta)
    }

    @Test("Sizes that no machine has are errors") func absurdSizes() throws {
        for source in [FreshSource(seed: 1), ShapeSource()] as [any ParameterSource] {
            let store = ParameterStore(source: source)
            #expect(throws: TorchError.self) {
                try Embedding(1 << 40, 1 << 40, weight: .ones, at: store.root["a"])
            }
            #expect(throws: TorchError.self) {
                try Linear(-4, 6, at: store.root["b"])
            }
            #expect(store.parameters.isEmpty)
        }
    }

    #if compiler(>=6.2)
        @Test("Sizes whose product overflows are errors, and not the end of the process")
        func overflowingSizes() async {
            await #expect(processExitsWith: .success) {
                for shape in [[2, 1 << 40, 1 << 40], [0, 1 << 40, 1 << 40]] {
                    _ = try? FreshSource(seed: 1).tensor(
                        named: "c", shape: shape, initializer: .kaimingUniform)
                }
            }
        }
    #endif
}
