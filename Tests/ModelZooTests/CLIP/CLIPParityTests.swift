import Checkpoints
import DataPipeline
import JSON
import TestSupport
import Testing
import TextTokenizers
import Torch
import TorchNN

@testable import ModelZoo

@Suite struct CLIPParityTests {
    @Test("Vectors, logits and loss are those of transformers, images of other sizes too")
    func outputs() throws {
        let golden = try GoldenCLIP("clip-tiny")
        #expect(golden.folder.dialect.name == "transformers" && golden.folder.isDescribed)
        #expect(golden.folder.configuration.title == "CLIP of 2 vision and 2 text layers")
        #expect(try golden.folder.unreadNames() == [])
        for prefix in ["", "large/"] { try golden.expectAnswers(prefix) }
    }

    @Test("Every gradient is that of transformers") func gradients() throws {
        let golden = try GoldenCLIP("clip-tiny", trainable: .all)
        for prefix in ["", "large/"] { try golden.expectGradients(prefix) }
    }

    @Test("An old configuration: GELU, the highest id read, buffers of positions") func legacy()
        throws
    {
        let golden = try GoldenCLIP("clip-legacy", trainable: .all)
        let configuration = golden.folder.configuration
        #expect(configuration.text.pooling == .highestID)
        #expect(configuration.text.tower.activation == .gelu)
        #expect(configuration.vision.tower.layerNormEpsilon == 1e-3)
        try golden.expectAnswers()
        try golden.expectGradients()
        #expect(
            try golden.folder.unreadNames().sorted() == [
                "text_model.embeddings.position_ids", "vision_model.embeddings.position_ids",
            ])
    }

    @Test(
        "The same weights under OpenAI's names are the same model",
        arguments: ["openai.pt", "module.safetensors"])
    func names(_ file: String) throws {
        let golden = try GoldenCLIP(
            "clip-names", file, description: "description.json", answers: "clip-tiny",
            trainable: .all)
        #expect(golden.folder.dialect.name == "OpenAI")
        #expect(
            try golden.folder.unreadNames().sorted()
                == (file == "openai.pt"
                    ? ["context_length", "input_resolution", "vocab_size"] : [])
        )
        for prefix in ["", "large/"] {
            try golden.expectAnswers(prefix)
            try golden.expectGradients(prefix)
        }
    }

    @Test("The vision tower alone is an image model, with a head of its own", arguments: [nil, 3])
    func vision(_ labels: Int?) throws {
        for fixture in ["clip-tiny", "clip-legacy", "clip-vision"] {
            let answers = try Fixture(fixture).tensors("expected.safetensors")
            let folder = try ImageModelFolder(Fixture(fixture).folder)
            #expect(folder.configuration.architecture.modelType == "clip")
            let model = try folder.load(head: labels.map { .fresh(labels: $0) } ?? .keep)
            #expect(model.featureSize == 12 && model.labelCount == labels)
            let pixels = try answers["pixels"]
            let features = try model.features(pixels, in: .evaluation)
            #expect(try relativeDifference(features, answers["features"]) < 1e-5)
            guard let labels else {
                #expect(throws: ImageModelError.noHead) {
                    try model.classLogits(pixels, in: .evaluation)
                }
                continue
            }
            let logits = try model.classLogits(pixels, in: .evaluation)
            #expect(logits.shape == [pixels.shape[0], labels])
            #expect(
                model.store.parameters(matching: model.headParameters).map(\.name)
                    == ["image_classifier.weight", "image_classifier.bias"])
            #expect(model.store.parameters(matching: model.recipeWeights).count == 10)
        }
    }

    @Test("In bfloat16 the numbers are those of float32 up to rounding", arguments: [false, true])
    func bfloat16(_ isTrained: Bool) throws {
        let golden = try GoldenCLIP(
            "clip-tiny", trainable: isTrained ? .all : .none, computeType: .bfloat16)
        for prefix in ["", "large/"] {
            let features = try golden.model.imageFeatures(
                golden.answers[prefix + "pixels"], in: .evaluation)
            #expect(features.dtype == .bfloat16)
            #expect(try golden.images(prefix).dtype == .float32)
            try golden.expectAnswers(prefix, within: 0.08)
        }
        guard isTrained else { return }
        let gradients = try golden.loss().gradients(
            for: golden.model.store.parameters.map(\.tensor))
        #expect(gradients.allSatisfy { $0?.dtype == .float32 })
        #expect(try Tensor.areFinite(gradients.compactMap { $0 }))
    }

    @Test("Attention's probabilities are dropped in training alone") func dropout() throws {
        let golden = try GoldenCLIP("clip-tiny")
        var configuration = golden.folder.configuration
        configuration.text.tower.attentionDropout = 0.5
        configuration.vision.tower.attentionDropout = 0.5
        let source = CheckpointSource(
            golden.folder.folder.weights, dialect: golden.folder.dialect,
            at: golden.folder.folder.url)
        let model = try CLIP(configuration, in: ParameterStore(source: source))
        func difference(_ pass: Pass) throws -> (Double, Double) {
            (
                try relativeDifference(
                    model.imageEmbeddings(golden.answers["pixels"], in: pass),
                    golden.answers["images"]),
                try relativeDifference(
                    model.textEmbeddings(golden.tokens(), in: pass), golden.answers["texts"])
            )
        }
        let (evaluation, training) = (
            try difference(.evaluation), try difference(.training(key: 1))
        )
        #expect(max(evaluation.0, evaluation.1) < 1e-5)
        #expect(min(training.0, training.1) > 1e-2)
    }

    @Test("Captions that cannot be read are refused") func captions() throws {
        let model = try GoldenCLIP("clip-tiny").model
        func error(_ rows: [[Int32]]) -> CLIPTextError? {
            #expect(throws: CLIPTextError.self) {
                try model.textEmbeddings(
                    PaddedTokens(rows, length: 12, padding: 0), in: .evaluation)
            }
        }
        #expect(error([[28, 29], [28, 3, 4]]) == .noEnd(row: 1, id: 29))
        #expect(
            error([[28] + .init(repeating: 1, count: 9) + [29]])
                == .length(row: 0, 11, maximum: 9))
        #expect(error([[28, 30, 29]]) == .id(30, vocabulary: 30))
        #expect(error([[-1, 29]]) == .id(-1, vocabulary: 30))
    }

    @Test("What stands behind the end of a caption counts for nothing") func behind() throws {
        let golden = try GoldenCLIP("clip-tiny")
        let input = try CLIPTextInput(golden.tokens(), golden.folder.configuration.text)
        #expect(try input.offsets.values(as: Int64.self) == [0, 5, 14, 16, 22])
        #expect(input.rows == 4 && input.ids.elementCount == 22)
        #expect(try input.pooled.values(as: Int64.self) == [4, 13, 15, 21])
    }

    @Test("The logits' scale is brought back to 100") func scale() throws {
        let model = try GoldenCLIP("clip-tiny", trainable: .all).model
        try model.clampLogitScale()
        #expect(try abs(model.logitScale.item() - 1.3) < 1e-6)
        try withoutGradients { try model.logitScale.assign(.full([], 7)) }
        try model.clampLogitScale()
        #expect(try abs(model.logitScale.detached().exp().item() - 100) < 1e-3)
    }
}

@Suite struct CLIPProcessorTests {
    private let fixture = Fixture("clip-processor")

    private func processor(_ file: String) throws -> ImageProcessor {
        try ImageProcessor(
            JSONFile(reading: fixture.file(file)), size: PixelSize(224, 224))
    }

    @Test(
        "Every byte is that of transformers and Pillow",
        arguments: ["preprocessor_config.json", "legacy.json"])
    func bytes(_ file: String) throws {
        let processor = try processor(file)
        let side = file == "legacy.json" ? 24 : 33
        #expect(processor == .clip(side: side))
        let answers = try fixture.tensors("expected.safetensors")
        for name in ["landscape.png", "portrait.png", "strip.png", "baseline-420.jpg"] {
            let image = try RGBImage(contentsOf: Fixture("images").file(name))
                .prepared(processor.preparation())
            #expect(
                try image.pixels == answers["\(side)/\(name)/bytes"].values(as: UInt8.self),
                "\(name)")
        }
    }

    @Test("Bytes are normalized by CLIP's mean and deviation") func normalized() throws {
        let answers = try fixture.tensors("expected.safetensors")
        let normalization = try processor("preprocessor_config.json").normalization
        let bytes = try answers["33/landscape.png/bytes"].unsqueezed(0)
        let pixels = try normalization(bytes, as: .float32)
        #expect(try relativeDifference(pixels, answers["33/landscape.png/pixels"]) < 1e-6)
    }

    @Test("Where nothing is said, it is as CLIP has it") func defaults() throws {
        let folder = try CLIPFolder(Fixture("clip-legacy").folder)
        #expect(folder.processor == .clip(side: 16))
        let file = JSONFile(
            url: fixture.folder, fields: ["image_processor_type": .string("CLIPImageProcessor")])
        #expect(try ImageProcessor(file, size: PixelSize(20, 20)) == .clip(side: 20))
    }
}
