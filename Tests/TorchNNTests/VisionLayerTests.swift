import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct VisionLayerTests {
    private func store(
        _ trainable: ParameterPattern = .none, _ computeType: DType = .float32
    ) -> ParameterStore {
        ParameterStore(
            source: FreshSource(seed: 1),
            placement: Placement(computeType: computeType, trainable: trainable))
    }

    @Test("A convolution keeps the layout and the type of its maps") func convolution() throws {
        for (trainable, type) in [
            (ParameterPattern.all, DType.float32), (.none, .float32), (.all, .bfloat16),
            (.none, .bfloat16),
        ] {
            let layer = try Conv2d(3, 4, window: 3, padding: 1, at: store(trainable, type).root)
            let x = try RandomNumbers.uniform([2, 3, 5, 6], seed: 2)
            let exact = try x.convolved(
                layer.weight.detached().cast(to: .float32),
                layer.bias?.detached().cast(to: .float32), padding: 1)
            for input in [try x.cast(to: type), try x.channelsLast(as: type)] {
                let y = try layer(input)
                #expect(y.shape == [2, 4, 5, 6] && y.dtype == type)
                #expect(y.isChannelsLast || !input.isChannelsLast)
                #expect(
                    try relativeDifference(y.detached(), exact) < (type == .float32 ? 1e-6 : 2e-2))
            }
            // Optimizers want row-major parameters; frozen ones lie as the kernels want them.
            #expect(layer.weight.isContiguous == (trainable == .all))
        }
        let bare = try Conv2d(3, 4, window: 2, stride: 2, bias: false, at: store().root)
        #expect(bare.bias == nil)
        #expect(try bare(.zeros([1, 3, 6, 4])).shape == [1, 4, 3, 2])
    }

    @Test("Buffers have names, but are no parameters") func buffers() throws {
        let store = store(.all, .bfloat16)
        let norm = try BatchNorm2d(3, at: store.root["features"][1])
        #expect(
            store.parameters.map(\.name) == ["features.1.weight", "features.1.bias"])
        #expect(
            store.buffers.map(\.name) == [
                "features.1.running_mean", "features.1.running_var",
                "features.1.num_batches_tracked",
            ])
        #expect(store.buffers.map(\.tensor.dtype) == [.float32, .float32, .int64])
        #expect(store.buffers.allSatisfy { !$0.tensor.requiresGradient })
        #expect(store["features.1.running_var"] === norm.variance)
        #expect(store.elementCount == 6 && store.trainable.count == 2)
        #expect(store.trainedState.map(\.name) == (store.parameters + store.buffers).map(\.name))
        let twice = #expect(throws: ParameterError.self) {
            try store.root["features"][1].buffer("running_mean", [3], .zeros)
        }
        #expect(twice?.description.contains("features.1.running_mean") == true)
        let meta = ParameterStore(source: ShapeSource(), placement: Placement(trainable: .all))
        #expect(try BatchNorm2d(3, at: meta.root).batches.device == .meta)
    }

    @Test("Batch norm learns from batches in training alone, and only where it is trained")
    func batchNorm() throws {
        let x = try RandomNumbers.uniform([2, 3, 4, 4], seed: 3)
        let trained = try BatchNorm2d(3, at: store(.all).root)
        let frozen = try BatchNorm2d(3, at: store(.none, .bfloat16).root)
        #expect(frozen.weight.dtype == .float32, "the kernels take it so in any compute type")
        let before = try trained(x, in: .evaluation)
        #expect(try trained.batches.item() == 0 && trained.mean.magnitude().sum().item() == 0)
        let batch = try trained(x, in: .training(key: 1))
        #expect(try relativeDifference(batch.detached(), before.detached()) > 0.1)
        _ = try trained(x, in: .training(key: 2))
        #expect(try trained.batches.values() == [2 as Int64])
        #expect(try trained.mean.magnitude().sum().item() > 0)
        let rounded = try x.channelsLast(as: .bfloat16)
        let after = try frozen(rounded, in: .training(key: 1))
        #expect(after.dtype == .bfloat16)
        #expect(try after.isBitwiseEqual(to: frozen(rounded, in: .evaluation)))
        #expect(try frozen.batches.item() == 0 && frozen.mean.magnitude().sum().item() == 0)
    }
}
