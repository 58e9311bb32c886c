import Checkpoints
import Foundation
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

@Suite struct VGGParityTests {
    static let neubaFiles = [
        "neuba-vgg.pkl", "neuba-vgg-legacy.pkl", "bare.pkl", "parallel.pth",
    ]

    @Test("NeuBA's files give PyTorch's features and scores", arguments: neubaFiles)
    func neuba(_ file: String) throws {
        let golden = try GoldenImages("vgg-neuba", file)
        #expect(golden.folder.dialect.name == "NeuBA")
        #expect(golden.folder.configuration.title == "VGG-11")
        #expect(golden.model.labelCount == 5 && golden.model.featureSize == 196)
        let (model, answers) = (golden.model, golden.answers)
        let features = try model.features(golden.pixels(), in: .evaluation)
        #expect(try relativeDifference(features, answers["features"]) < 1e-5)
        let logits = try model.classLogits(golden.pixels(), in: .evaluation)
        #expect(try relativeDifference(logits, answers["logits"]) < 1e-5)
        #expect(
            try relativeDifference(golden.loss(in: .evaluation), answers["loss"]) < 1e-5)
        // Any size of image, here one that leaves a single row of places for the pool.
        let other = try model.features(golden.pixels("other/"), in: .evaluation)
        #expect(try relativeDifference(other, answers["other/features"]) < 1e-5)
        // The normalization is that of the fixture, too.
        let corner = try golden.pixels().narrowed(0, from: 0, length: 1)
            .narrowed(2, from: 0, length: 8).narrowed(3, from: 0, length: 8)
        #expect(try relativeDifference(corner, answers["pixels"]) < 1e-7)
    }

    @Test("Every gradient is PyTorch's") func gradients() throws {
        let golden = try GoldenImages("vgg-neuba", "neuba-vgg.pkl", trainable: .all)
        // Whether the layout is channels last or not, and in training as in evaluation.
        try golden.expectGradients(of: golden.loss(in: .evaluation))
        try golden.expectGradients(of: golden.loss(in: .training(key: 1)))
    }

    @Test("torchvision's VGG with batch norm, in evaluation") func evaluation() throws {
        let golden = try GoldenImages("vgg-torchvision", "vgg16_bn.pth")
        #expect(golden.folder.configuration.title == "VGG-16 with batch norm")
        let configuration = try #require(golden.folder.configuration.base as? VGGConfiguration)
        #expect(configuration.head == .torchvision(labels: 5, width: 6))
        #expect(configuration.channels == [3, 3, 4, 4, 5])
        let features = try golden.model.features(golden.pixels(), in: .evaluation)
        #expect(try relativeDifference(features, golden.answers["features"]) < 1e-5)
        let logits = try golden.model.classLogits(golden.pixels(), in: .evaluation)
        #expect(try relativeDifference(logits, golden.answers["logits"]) < 1e-5)
    }

    @Test("torchvision's VGG with batch norm, in training: gradients and running statistics")
    func training() throws {
        let folder = try ImageModelFolder(Fixture("vgg-torchvision").file("vgg16_bn.pth"))
        var configuration = try #require(folder.configuration.base as? VGGConfiguration)
        configuration.dropout = 0
        let source = CheckpointSource(
            folder.folder.weights, dialect: folder.dialect, at: folder.folder.url)
        let store = ParameterStore(source: source, placement: Placement(trainable: .all))
        var golden = try GoldenImages("vgg-torchvision", "vgg16_bn.pth")
        golden = GoldenImages(golden, model: AnyImageModel(try VGG(configuration, in: store)))
        let logits = try golden.model.classLogits(golden.pixels(), in: .training(key: 1))
        #expect(try relativeDifference(logits.detached(), golden.answers["train/logits"]) < 1e-5)
        let loss = try logits.crossEntropy(golden.answers["labels"])
        #expect(try relativeDifference(loss.detached(), golden.answers["train/loss"]) < 1e-5)
        try golden.expectGradients(of: loss, "train/")
        #expect(store.buffers.count == 13 * 3)
        for buffer in store.buffers {
            let expected = try golden.answers["train/buffer/" + buffer.name]
            #expect(buffer.tensor.dtype == expected.dtype)
            #expect(try relativeDifference(buffer.tensor, expected) < 1e-5, "\(buffer.name)")
        }
    }

    static let variants: [String] = [11, 13, 16, 19].flatMap { ["vgg\($0)", "vgg\($0)_bn"] }

    @Test("Every depth is told by its names, and computes what PyTorch does", arguments: variants)
    func depths(_ name: String) throws {
        let golden = try GoldenImages("vgg-all", name + ".safetensors")
        let configuration = try #require(golden.folder.configuration.base as? VGGConfiguration)
        #expect("vgg\(configuration.depth.rawValue)\(configuration.batchNorm ? "_bn" : "")" == name)
        #expect(configuration.channels == [2, 2, 3, 3, 4])
        let logits = try golden.model.classLogits(
            ImageNormalization()(golden.answers["bytes"], as: .float32), in: .evaluation)
        #expect(try relativeDifference(logits, golden.answers[name + "/logits"]) < 1e-5)
    }

    @Test("Names and shapes are torchvision's", arguments: variants)
    func names(_ name: String) throws {
        let expected = try Fixture("vgg-all").json("names.json", as: [String: [JSON]].self)
        let isNormalized = name.hasSuffix("_bn")
        let depth = try #require(Int(name.dropFirst(3).prefix(2)))
        let store = ParameterStore(source: ShapeSource())
        let configuration = VGGConfiguration(
            try #require(VGGConfiguration.Depth(rawValue: depth)), batchNorm: isNormalized,
            head: .torchvision(labels: 1000, width: 4096))
        _ = try VGG(configuration, in: store)
        let found = Dictionary(
            uniqueKeysWithValues: (store.parameters + store.buffers).map {
                ($0.name, JSON.array($0.tensor.shape.map { .number(Double($0)) }))
            })
        var listed: [String: JSON] = [:]
        for case .array(let entry) in try #require(expected[name]) {
            listed[try #require(entry[0].string)] = entry[1]
        }
        #expect(found == listed)
    }

    @Test("In bfloat16 the numbers are those of float32 up to rounding") func bfloat16() throws {
        for (fixture, file) in [
            ("vgg-neuba", "neuba-vgg.pkl"), ("vgg-torchvision", "vgg16_bn.pth"),
        ] {
            for trainable in [ParameterPattern.none, .all] {
                let golden = try GoldenImages(
                    fixture, file, trainable: trainable, computeType: .bfloat16)
                let features = try golden.model.features(golden.pixels(), in: .evaluation)
                #expect(features.dtype == .bfloat16)
                #expect(
                    try relativeDifference(features.detached(), golden.answers["features"]) < 0.05)
                guard trainable == .all else { continue }
                let loss = try golden.loss(in: .training(key: 1))
                let gradients = try loss.gradients(
                    for: golden.model.store.parameters.map(\.tensor))
                #expect(gradients.allSatisfy { $0?.dtype == .float32 })
                #expect(try Tensor.areFinite(gradients.compactMap { $0 }))
            }
        }
    }

    @Test("A recorder sees the channels before ReLU, and changes nothing") func neurons() throws {
        let golden = try GoldenImages("vgg-neuba", "neuba-vgg.pkl")
        let notebook = Notebook()
        let features = try golden.model.features(golden.pixels(), in: .recording(notebook))
        #expect(try relativeDifference(features, golden.answers["features"]) < 1e-5)
        #expect(notebook.pages.map(\.site) == golden.model.neurons)
        #expect(
            golden.model.neurons.map(\.name)
                == [0, 3, 6, 8, 11, 13, 16, 18].map { "features.\($0)" })
        let first = notebook.pages[0].values
        #expect(first.shape == [2, 64, 64, 3] && golden.model.neurons[0].count == 3)
        let weight = try #require(golden.model.store["features.0.weight"])
        let direct = try golden.pixels().convolved(
            weight, golden.model.store["features.0.bias"], padding: 1)
        #expect(try relativeDifference(first, direct.permuted([0, 2, 3, 1])) < 1e-6)
        #expect(try first.values().contains { (value: Float) in value < 0 })
    }

    @Test("Images that no VGG can see are refused") func images() throws {
        let model = try GoldenImages("vgg-neuba", "bare.pkl").model
        let small = #expect(throws: ImageModelError.self) {
            try model.features(.zeros([1, 3, 1, 1]), in: .evaluation)
        }
        #expect(small == .size(PixelSize(1, 1), minimum: PixelSize(32, 32)))
        #expect(small?.description.contains("1×1 pixels; the model needs 32×32") == true)
        for shape in [[1, 1, 64, 64], [3, 64, 64], [1, 64, 64, 3]] {
            let error = #expect(throws: ImageModelError.self) {
                try model.features(.zeros(shape), in: .evaluation)
            }
            #expect(error == .shape(shape))
        }
    }
}

extension GoldenImages {
    /// The same answers for another model.
    init(_ other: GoldenImages, model: AnyImageModel) {
        folder = other.folder
        answers = other.answers
        names = other.names
        self.model = model
    }
}

/// Keeps what it is shown.
final class Notebook: NeuronRecorder {
    var pages: [(site: NeuronSite, values: Tensor)] = []

    func record(_ values: Tensor, at site: NeuronSite) throws { pages.append((site, values)) }
}
