import Checkpoints
import DataPipeline
import Foundation
import JSON
import Randomness
import TensorFormats
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

/// An image model of a fixture: a file of it, or the folder itself.
struct ImageFixture: Sendable, CustomTestStringConvertible {
    let fixture: String
    var file: String?
    var description: String?

    var testDescription: String { fixture + (file.map { "/" + $0 } ?? "") }

    /// Every image model among the fixtures but `vgg-all`.
    static let all: [ImageFixture] =
        VGGParityTests.neubaFiles.map { ImageFixture(fixture: "vgg-neuba", file: $0) }
        + [ImageFixture(fixture: "vgg-torchvision", file: "vgg16_bn.pth")]
        + ViTParityTests.files.keys.sorted().map {
            ImageFixture(fixture: "vit-names", file: $0, description: "description.json")
        }
        + [ImageFixture(fixture: "vit-classifier"), ImageFixture(fixture: "vit-bare")]
        + ["openai.pt", "module.safetensors"].map {
            ImageFixture(fixture: "clip-names", file: $0, description: "description.json")
        }
        + ["clip-tiny", "clip-legacy", "clip-vision"].map { ImageFixture(fixture: $0) }

    /// A copy in `folder`, opened.
    func copied(to folder: URL) throws -> ImageModelFolder {
        let source = Fixture(fixture)
        guard let file else {
            return try ImageModelFolder(source.copyModel(to: folder.appending(path: "model")))
        }
        let copy = folder.appending(path: file)
        try FileManager.default.copyItem(at: source.file(file), to: copy)
        return try ImageModelFolder(copy, description: description.map(source.file))
    }

    /// What stands in `folder` after the model was written there.
    func reopened(in folder: URL) throws -> ImageModelFolder {
        try ImageModelFolder(folder, description: description.map(Fixture(fixture).file))
    }
}

@Suite struct ImageWriteBackTests {
    private func output(_ scratch: URL) throws -> URL {
        let output = scratch.appending(path: "out")
        try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
        return output
    }

    @Test("Only what was trained has other bytes, in its place", arguments: ImageFixture.all)
    func onlyTheTrained(_ fixture: ImageFixture) throws {
        try withTemporaryFolder { scratch in
            let folder = try fixture.copied(to: scratch)
            let pattern = folder.configuration.paperDefaults.regularized
            try folder.checkWritable(pattern)
            let model = try folder.load(placement: Placement(trainable: pattern))
            try withoutGradients { for p in model.store.trainable { try p.tensor.scale(by: 3) } }
            let output = try output(scratch)
            let report = try folder.write(model.store.trainedState, to: output)
            #expect(report.rewritten == [] && report.omitted == [])
            let expected = folder.folder.weights.names.filter {
                folder.dialect.parameters(in: $0).contains(where: pattern.matches)
            }
            #expect(!expected.isEmpty && Set(report.changed) == Set(expected))

            let again = try fixture.reopened(in: output)
            let (before, after) = (folder.folder.weights, again.folder.weights)
            #expect(before.names == after.names)
            for (old, new) in zip(before.tensors, after.tensors) {
                #expect(old.shape == new.shape && old.scalarType == new.scalarType)
                #expect(old.bytes.hasSameBytes(as: new.bytes) == !expected.contains(old.name))
            }
            let (a, b) = (before.archives[0], after.archives[0])
            #expect(a.format == b.format && a.wrapper == b.wrapper)
            #expect(a.otherEntries == b.otherEntries)
            let comparison = try FolderComparison(before: folder.folder, after: again.folder)
            #expect(comparison.dropIn && comparison.changedFiles == [])
            #expect(Set(comparison.changed.map(\.name)) == Set(expected))
            // Read again, it is the model that was written.
            let reread = try again.load()
            #expect(reread.store.parameters.map(\.name) == model.store.parameters.map(\.name))
            for (old, new) in zip(model.store.parameters, reread.store.parameters) {
                #expect(try old.tensor.detached().isBitwiseEqual(to: new.tensor), "\(old.name)")
            }
        }
    }

    @Test("A share of a fused tensor is changed alone") func fused() throws {
        try withTemporaryFolder { scratch in
            let fixture = ImageFixture(
                fixture: "vit-names", file: "timm.safetensors", description: "description.json")
            let folder = try fixture.copied(to: scratch)
            let key: ParameterPattern = "vit.encoder.layer.1.attention.attention.key.weight"
            let model = try folder.load(placement: Placement(trainable: key))
            try withoutGradients { try #require(model.store.trainable.first).tensor.zero() }
            let report = try folder.write(model.store.trainedState, to: output(scratch))
            #expect(report.changed == ["blocks.1.attn.qkv.weight"])
            let after = try fixture.reopened(in: scratch.appending(path: "out")).folder.weights
            let old = try #require(folder.folder.weights["blocks.1.attn.qkv.weight"]).tensor()
            let new = try #require(after["blocks.1.attn.qkv.weight"]).tensor()
            for share in 0..<3 {
                let (a, b) = (
                    try old.narrowed(0, from: share * 8, length: 8),
                    try new.narrowed(0, from: share * 8, length: 8)
                )
                #expect(try b.isBitwiseEqual(to: share == 1 ? .zeros([8, 8]) : a))
            }
        }
    }

    @Test("Running statistics that moved are written back, integers too") func buffers() throws {
        try withTemporaryFolder { scratch in
            let fixture = ImageFixture(fixture: "vgg-torchvision", file: "vgg16_bn.pth")
            let folder = try fixture.copied(to: scratch)
            let model = try folder.load(placement: Placement(trainable: .all))
            let pixels = try RandomNumbers.uniform([2, 3, 32, 32], seed: 1)
            _ = try model.features(pixels, in: .training(key: 1))
            let report = try folder.write(model.backboneState, to: output(scratch))
            #expect(Set(report.changed) == Set(model.store.buffers.map(\.name)))
            let reread = try fixture.reopened(in: scratch.appending(path: "out")).load()
            for (old, new) in zip(model.store.buffers, reread.store.buffers) {
                #expect(old.tensor.dtype == new.tensor.dtype)
                #expect(try old.tensor.isBitwiseEqual(to: new.tensor))
            }
            #expect(try reread.store["features.1.num_batches_tracked"]?.item() == 101)
        }
    }

    @Test("A frozen model comes out of training as it was") func frozen() throws {
        try withTemporaryFolder { scratch in
            let folder = try ImageFixture(fixture: "vgg-torchvision", file: "vgg16_bn.pth")
                .copied(to: scratch)
            let model = try folder.load(
                placement: Placement(computeType: .bfloat16, trainable: "classifier.**"))
            _ = try model.features(
                RandomNumbers.uniform([2, 3, 32, 32], seed: 1), in: .training(key: 1))
            #expect(try folder.write(model.backboneState, to: output(scratch)).changed == [])
            #expect(
                FileManager.default.contentsEqual(
                    atPath: folder.folder.url.path,
                    andPath: scratch.appending(path: "out/vgg16_bn.pth").path))
        }
    }

    @Test("A fresh head stands beside the file, which keeps its own", arguments: ImageFixture.all)
    func freshHead(_ fixture: ImageFixture) throws {
        try withTemporaryFolder { scratch in
            let folder = try fixture.copied(to: scratch)
            func load(_ seed: UInt64) throws -> AnyImageModel {
                try folder.load(
                    placement: Placement(trainable: .all), head: .fresh(labels: 7), seed: Seed(seed)
                )
            }
            let model = try load(1)
            #expect(model.labelCount == 7)
            let head = model.store.parameters(matching: model.headParameters)
            #expect(head.map(\.tensor.shape) == [[7, model.featureSize], [7]])
            let weight = try #require(head.first)
            #expect(try weight.tensor.detached().magnitude().sum().item() > 0)
            for seed: UInt64 in [1, 2] {
                let other = try #require(load(seed).store[weight.name])
                let isSame = try other.detached().isBitwiseEqual(to: weight.tensor.detached())
                #expect(isSame == (seed == 1))
            }
            let output = try output(scratch)
            #expect(try folder.write(model.backboneState, to: output).changed == [])
            // The head does not fit a file that has another one in its place.
            if head.contains(where: { folder.folder.weights[folder.dialect.onDisk($0.name)] != nil }
            ) {
                let error = #expect(throws: CheckpointError.self) {
                    try folder.write(model.store.trainedState, to: output)
                }
                #expect(error?.problem.contains("has shape [5") == true)
            }
            #expect(try folder.load(head: .none).labelCount == nil)
            #expect(throws: CheckpointError.self) { try folder.load(head: .fresh(labels: 0)) }
        }
    }

    @Test("A new folder says all there is to know") func created() throws {
        let processor = ImageProcessor(
            resize: .shorterSide(72), filter: .bicubic, crop: PixelSize(64, 64),
            normalization: ImageNormalization(mean: [0.1, 0.2, 0.3], deviation: [1, 2, 3]))
        for fixture in [
            ImageFixture(fixture: "vgg-torchvision", file: "vgg16_bn.pth"),
            ImageFixture(fixture: "vit-classifier"), ImageFixture(fixture: "vit-bare"),
        ] {
            try withTemporaryFolder { scratch in
                let model = try fixture.copied(to: scratch).load(
                    placement: Placement(trainable: .all))
                let labels = model.labelCount.map { (0..<$0).map { "class \($0)" } }
                let output = try output(scratch)
                try ImageModelFolder.create(
                    model, processor: processor, labels: labels, at: output)
                let again = try ImageModelFolder(output)
                #expect(again.isDescribed && again.processor == processor)
                #expect(again.configuration == model.imageConfiguration)
                let reread = try again.load()
                for (old, new) in zip(
                    model.store.parameters + model.store.buffers,
                    reread.store.parameters + reread.store.buffers)
                {
                    #expect(old.name == new.name)
                    #expect(try old.tensor.detached().isBitwiseEqual(to: new.tensor))
                }
                if let labels {
                    guard case .object(let names)? = again.folder.configuration.fields["id2label"]
                    else { throw FixtureError(description: "no id2label") }
                    #expect(names["3"] == .string(labels[3]) && names.count == labels.count)
                }
            }
        }
    }
}
