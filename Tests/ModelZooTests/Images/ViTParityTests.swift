import Checkpoints
import Foundation
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

@Suite struct ViTParityTests {
    /// The files of `vit-names`, and the dialect each is in.
    static let files: [String: String] = [
        "neuba-legacy.pkl": "NeuBA", "neuba-vit.pkl": "NeuBA",
        "pretrained.pth": "pytorch_pretrained_vit", "timm.safetensors": "timm",
        "torchvision.pth": "torchvision", "transformers5.safetensors": "transformers",
    ]

    private func vit(_ golden: GoldenImages) throws -> ViT {
        try #require(golden.model.base as? ViT)
    }

    /// Expects every answer under `prefix`.
    private func expectAnswers(
        _ golden: GoldenImages, _ prefix: String = "", _ pass: Pass = .evaluation
    ) throws {
        let (pixels, answers) = (try golden.pixels(prefix), golden.answers)
        let hidden = try vit(golden).hiddenState(pixels, in: pass)
        #expect(try relativeDifference(hidden, answers[prefix + "hidden"]) < 1e-5)
        let features = try golden.model.features(pixels, in: pass)
        #expect(
            try relativeDifference(features, answers[prefix + "hidden"].selected(1, 0)) < 1e-5)
        let logits = try golden.model.classLogits(pixels, in: pass)
        #expect(try relativeDifference(logits, answers[prefix + "logits"]) < 1e-5)
        #expect(
            try relativeDifference(golden.loss(prefix, in: pass), answers[prefix + "loss"]) < 1e-5)
    }

    @Test("Outputs are those of transformers, at its own size and at others") func outputs() throws
    {
        let golden = try GoldenImages("vit-classifier")
        #expect(golden.folder.configuration.title == "ViT of 2 layers")
        #expect(golden.model.featureSize == 8 && golden.model.labelCount == 5)
        for prefix in ["", "large/", "small/"] { try expectAnswers(golden, prefix) }
    }

    @Test("Every gradient is that of transformers") func gradients() throws {
        let golden = try GoldenImages("vit-classifier", trainable: .all)
        for prefix in ["", "large/", "small/"] {
            try golden.expectGradients(of: golden.loss(prefix, in: .evaluation), prefix)
        }
    }

    @Test("A bare model with a pooler, an oblong image and no biases") func bare() throws {
        let golden = try GoldenImages("vit-bare")
        #expect(golden.model.labelCount == nil)
        let configuration = try vit(golden).configuration
        #expect(configuration.imageSize == PixelSize(8, 12) && !configuration.hasQKVBias)
        let hidden = try vit(golden).hiddenState(golden.pixels(), in: .evaluation)
        #expect(try relativeDifference(hidden, golden.answers["hidden"]) < 1e-5)
        #expect(
            try golden.folder.unreadNames().sorted() == [
                "pooler.dense.bias", "pooler.dense.weight",
            ])
        #expect(throws: ImageModelError.noHead) {
            try golden.model.classLogits(golden.pixels(), in: .evaluation)
        }
    }

    @Test("The same weights under other libraries' names are the same model", arguments: files)
    func names(_ file: String, _ dialect: String) throws {
        let golden = try GoldenImages(
            "vit-names", file, description: "description.json", answers: "vit-classifier",
            trainable: .all)
        #expect(golden.folder.dialect.name == dialect)
        #expect(try golden.folder.unreadNames() == [])
        try expectAnswers(golden)
        try golden.expectGradients(of: golden.loss(in: .evaluation))
    }

    @Test("Dropout drops in training alone, attention's probabilities too") func dropout() throws {
        let golden = try GoldenImages("vit-classifier")
        let expected = try golden.answers["logits"]
        func logits(hidden: Double, attention: Double) throws -> Tensor {
            var configuration = try vit(golden).configuration
            configuration.hiddenDropout = hidden
            configuration.attentionDropout = attention
            let source = CheckpointSource(
                golden.folder.folder.weights, dialect: golden.folder.dialect,
                at: golden.folder.folder.url)
            return try ViT(configuration, in: ParameterStore(source: source))
                .classLogits(golden.pixels(), in: .training(key: 3))
        }
        // So rare a dropout drops nothing, but takes the way through the probabilities.
        #expect(try relativeDifference(logits(hidden: 0, attention: 1e-12), expected) < 1e-5)
        #expect(try relativeDifference(logits(hidden: 0, attention: 0), expected) < 1e-5)
        #expect(try relativeDifference(logits(hidden: 0, attention: 0.5), expected) > 1e-2)
        #expect(try relativeDifference(logits(hidden: 0.5, attention: 0), expected) > 1e-2)
    }

    @Test("In bfloat16 the numbers are those of float32 up to rounding", arguments: [false, true])
    func bfloat16(_ isTrained: Bool) throws {
        let golden = try GoldenImages(
            "vit-classifier", trainable: isTrained ? .all : .none, computeType: .bfloat16)
        for prefix in ["", "large/"] {
            let hidden = try vit(golden).hiddenState(golden.pixels(prefix), in: .evaluation)
            #expect(hidden.dtype == .bfloat16)
            #expect(
                try relativeDifference(hidden.detached(), golden.answers[prefix + "hidden"]) < 0.05)
        }
        guard isTrained else { return }
        let loss = try golden.loss("large/", in: .training(key: 1))
        let gradients = try loss.gradients(for: golden.model.store.parameters.map(\.tensor))
        #expect(gradients.allSatisfy { $0?.dtype == .float32 })
        #expect(try Tensor.areFinite(gradients.compactMap { $0 }))
    }

    @Test("A recorder sees the feed-forward neurons, the class token first") func neurons() throws {
        let golden = try GoldenImages("vit-classifier")
        let notebook = Notebook()
        let features = try golden.model.features(golden.pixels(), in: .recording(notebook))
        #expect(
            try relativeDifference(features, golden.answers["hidden"].selected(1, 0)) < 1e-5)
        #expect(notebook.pages.map(\.site) == golden.model.neurons)
        #expect(
            golden.model.neurons.map(\.name)
                == (0..<2).map { "vit.encoder.layer.\($0).intermediate.dense" })
        #expect(notebook.pages.map(\.values.shape) == [[51, 16], [3, 16]])
        let whole = Notebook()
        _ = try vit(golden).hiddenState(golden.pixels(), in: .recording(whole))
        #expect(whole.pages.map(\.values.shape) == [[51, 16], [51, 16]])
        for (some, all) in zip(notebook.pages, whole.pages) {
            let classTokens = try all.values.reshaped([3, 17, 16]).selected(1, 0)
            let shown = try some.values.reshaped([3, -1, 16]).selected(1, 0)
            #expect(try relativeDifference(shown, classTokens) < 1e-5)
        }
    }

    @Test("Images smaller than a patch are refused") func images() throws {
        let model = try GoldenImages("vit-classifier").model
        let error = #expect(throws: ImageModelError.self) {
            try model.features(.zeros([1, 3, 3, 40]), in: .evaluation)
        }
        #expect(error == .size(PixelSize(3, 40), minimum: PixelSize(4, 4)))
        #expect(throws: ImageModelError.shape([1, 4, 16, 16])) {
            try model.features(.zeros([1, 4, 16, 16]), in: .evaluation)
        }
    }
}
