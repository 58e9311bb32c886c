import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Training

/// Two images that are drawn from a seed.
private struct SeededBatch: SampleBatch {
    let seed: UInt64
    let rows = 2
}

/// Images by their seed.
private struct SeededImages: BatchSource {
    let batchesPerEpoch = 3
    let samplesPerEpoch = 6

    func epoch(_ number: Int) -> [@Sendable () throws -> SeededBatch] {
        (0..<3).map { index in { SeededBatch(seed: UInt64(number * 3 + index)) } }
    }
}

/// Draws all features to one.
private struct FeaturesToOne: Objective {
    func loss(of model: AnyImageModel, on batch: SeededBatch, in pass: Pass) throws -> Loss {
        let pixels = try RandomNumbers.uniform([2, 3, 32, 32], seed: batch.seed)
        let features = try model.features(pixels, in: pass)
        let loss = try features.meanSquaredError(.ones(features.shape))
        return Loss(loss, terms: [])
    }
}

@Suite struct BufferSnapshotTests {
    private func run() throws -> Trainer<FeaturesToOne, SeededImages> {
        let model = try ImageModelFolder(Fixture("vgg-torchvision").file("vgg16_bn.pth")).load(
            placement: Placement(trainable: "features.**"))
        return try Trainer(
            model, objective: FeaturesToOne(), source: SeededImages(),
            settings: TrainingSettings(epochs: 2, learningRate: 1e-3), seed: Seed(1))
    }

    @Test("A resumed run has the running statistics of one that did not stop") func buffers() throws
    {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "snapshot.safetensors")
            let whole = try run()
            try whole.run { _ in }
            let first = try run()
            while first.stepsDone < 2, try first.next() != nil {}
            try first.save(to: file)
            let second = try run()
            try second.restore(from: file)
            try second.run { _ in }
            let (a, b) = (whole.model.store.trainedState, second.model.store.trainedState)
            #expect(a.count == b.count && !whole.model.store.buffers.isEmpty)
            for (expected, found) in zip(a, b) {
                #expect(
                    try found.tensor.detached().isBitwiseEqual(to: expected.tensor.detached()),
                    "\(found.name)")
            }
            #expect(try second.model.store["features.1.num_batches_tracked"]?.item() == 106)
        }
    }
}
