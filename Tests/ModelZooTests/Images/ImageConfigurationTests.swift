import Checkpoints
import Foundation
import JSON
import TensorFormats
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

@Suite struct ImageConfigurationTests {
    private static let url = URL(filePath: "/models/x/config.json")

    private static let vgg: JSONObject = [
        "model_type": .string("vgg"), "depth": .integer(13), "batch_norm": .bool(true),
        "channels": .array([2, 3, 4, 5, 6].map { .integer($0) }), "image_size": .integer(32),
        "head": .string("torchvision"), "num_labels": .integer(4), "head_width": .integer(9),
        "dropout": .number(0.25),
    ]

    private static func vit() throws -> JSONObject {
        try JSONFile(reading: Fixture("vit-classifier").file("config.json")).fields
    }

    private func read(
        _ fields: JSONObject, _ edits: [String: JSONValue?] = [:]
    ) throws -> ImageConfiguration {
        var file = JSONFile(url: Self.url, fields: fields)
        for (name, value) in edits { file.fields[name] = value }
        return try ImageConfiguration(file)
    }

    @Test("What is written is what was read") func roundTrip() throws {
        let expected = VGGConfiguration(
            .vgg13, batchNorm: true, channels: [2, 3, 4, 5, 6], imageSize: PixelSize(32, 32),
            head: .torchvision(labels: 4, width: 9), dropout: 0.25)
        #expect(try read(Self.vgg) == ImageConfiguration(expected))
        #expect(try read(["model_type": .string("vgg")]) == ImageConfiguration(VGGConfiguration()))
        let oblong = ViTConfiguration(
            imageSize: PixelSize(32, 48), patchSize: PixelSize(8, 4), hiddenSize: 12,
            layerCount: 3, headCount: 4, intermediateSize: 7, activation: .quickGELU,
            hiddenDropout: 0.25, attentionDropout: 0.5, layerNormEpsilon: 1e-3,
            initializerRange: 0.5, hasQKVBias: false, labelCount: 3)
        let configurations: [ImageConfiguration] = [
            ImageConfiguration(expected), ImageConfiguration(VGGConfiguration(.vgg19, head: .none)),
            ImageConfiguration(oblong),
            ImageConfiguration(ViTConfiguration()), try read(Self.vit()),
        ]
        for configuration in configurations {
            #expect(try read(configuration.fields()) == configuration)
            #expect(try coded(configuration.base) == configuration)
        }
    }

    private func coded<Family: ImageArchitecture>(_ base: Family) throws -> ImageConfiguration {
        ImageConfiguration(
            try JSONDecoder().decode(Family.self, from: JSONEncoder().encode(base)))
    }

    @Test("Defaults are transformers'") func defaults() throws {
        let vit = try #require(read(["model_type": .string("vit")]).base as? ViTConfiguration)
        #expect(vit.imageSize == PixelSize(224, 224) && vit.patchSize == PixelSize(16, 16))
        #expect(vit.hiddenSize == 768 && vit.layerCount == 12 && vit.headCount == 12)
        #expect(vit.intermediateSize == 3072 && vit.activation == .gelu && vit.hasQKVBias)
        #expect(vit.hiddenDropout == 0 && vit.attentionDropout == 0)
        #expect(vit.layerNormEpsilon == 1e-12 && vit.labelCount == 2)
        let old: JSONObject = ["architectures": .array([.string("ViTModel")])]
        #expect(try read(old) == ImageConfiguration(vit))
        #expect(
            try read(Self.vit(), ["num_labels": .integer(0), "id2label": nil]).labelCount == nil)
    }

    private static let wrong: [(String, JSONValue?)] = [
        ("model_type", .string("resnet")), ("model_type", .integer(3)),
        ("quantization_config", .object(["bits": .integer(4)])),
        ("num_channels", .integer(1)), ("image_size", .integer(0)),
        ("image_size", .array([.integer(3)])), ("image_size", .string("224")),
        ("image_size", .array([.integer(64), .integer(64), .integer(3)])),
        ("image_size", .integer(1 << 30)),
    ]

    private static let wrongViT: [(String, JSONValue?)] =
        wrong + [
            ("pruned_heads", .object(["0": .array([.integer(1)])])), ("head_dim", .integer(3)),
            ("hidden_act", .string("swiglu")), ("hidden_act", .integer(1)),
            ("num_attention_heads", .integer(5)), ("num_attention_heads", .integer(0)),
            ("hidden_size", .integer(.max)), ("hidden_size", .string("8")),
            ("num_hidden_layers", .integer(0)), ("intermediate_size", .integer(0)),
            ("hidden_dropout_prob", .number(1)), ("attention_probs_dropout_prob", .number(-1)),
            ("layer_norm_eps", .string("1e-12")), ("qkv_bias", .integer(1)),
            ("patch_size", .integer(32)), ("patch_size", .array([.integer(4), .null])),
        ]

    private static let wrongVGG: [(String, JSONValue?)] =
        wrong.filter { $0.1 != .array([.integer(3)]) } + [
            ("depth", .integer(12)), ("depth", .string("16")), ("batch_norm", .integer(1)),
            ("channels", .array([.integer(64)])), ("channels", .integer(64)),
            ("channels", .array([1, 2, 3, 4, 0].map { .integer($0) })),
            ("channels", .array([1, 2, 3, 4, 1 << 60].map { .integer($0) })),
            ("head", .string("mlp")), ("head_width", .integer(0)), ("dropout", .number(1)),
            ("num_labels", .integer(-1)),
        ]

    @Test("What cannot be honoured names file and field") func refuses() throws {
        for (fields, wrong) in [(try Self.vit(), Self.wrongViT), (Self.vgg, Self.wrongVGG)] {
            for (name, value) in wrong {
                let error = #expect(
                    throws: CheckpointError.self, "\(name): \(String(describing: value))"
                ) {
                    try read(fields, [name: value])
                }
                let message = error?.description ?? ""
                #expect(message.hasPrefix("/models/x/config.json: "))
                #expect(
                    message.contains(value == .string("resnet") ? "‘resnet’" : name), "\(message)")
            }
        }
    }

    @Test("A number of pixels may be a list of one") func sizes() throws {
        let one = try read(Self.vgg, ["image_size": .array([.integer(40)])])
        #expect(one.imageSize == PixelSize(40, 40))
    }
}

@Suite struct ImageModelRefusalTests {
    private func message(_ url: URL, description: URL? = nil) throws -> String {
        let error = try #require(throws: (any Error).self) {
            _ = try ImageModelFolder(url, description: description).load()
        }
        return "\(error)"
    }

    /// A file that holds tensors of these shapes.
    private func file(_ shapes: [String: [Int]], in folder: URL) throws -> URL {
        let url = folder.appending(path: "weights.safetensors")
        try SafetensorsWriter.write(
            shapes.sorted { $0.key < $1.key }.map {
                try StoredTensor(name: $0.key, Tensor.zeros($0.value))
            }, metadata: [:], to: url)
        return url
    }

    @Test("Weights of another architecture are refused by name") func otherWeights() throws {
        try withTemporaryFolder { folder in
            let resnet = try file(
                ["conv1.weight": [4, 3, 7, 7], "layer1.0.conv1.weight": [4, 4, 3, 3]], in: folder)
            #expect(
                try message(resnet).contains(
                    "is none of VGG, ViT, CLIP's vision tower, but looks like a ResNet: its tensors "
                        + "are called ‘conv1.weight’, ‘layer1.0.conv1.weight’"))
            let alexNet = try file(
                ["features.0.weight": [64, 3, 11, 11], "features.3.weight": [192, 64, 5, 5]],
                in: folder)
            #expect(try message(alexNet).contains("its convolutions are features.0, features.3"))
            let bert = Fixture("bert-masked-lm").file("model.safetensors")
            #expect(try message(bert).contains("looks like a BERT"))
            #expect(try message(file([:], in: folder)).contains("the weights hold no tensor"))
        }
    }

    @Test(
        "A real ResNet is refused by name",
        .enabled(
            if: RealData.holds("weights-resnet-cifar10/resnet20-12fca82f.th"),
            Comment(rawValue: RealData.isMissing("weights-resnet-cifar10"))))
    func realResNet() throws {
        let path = "weights-resnet-cifar10/resnet20-12fca82f.th"
        #expect(try message(#require(RealData.path(path))).contains("looks like a ResNet"))
    }

    @Test("Tensors that are missing or of another shape are named") func wrongTensors() throws {
        try withTemporaryFolder { folder in
            var shapes: [String: [Int]] = [:]
            for tensor in try TensorArchive.open(Fixture("vgg-neuba").file("bare.pkl")).tensors {
                shapes[tensor.name] = tensor.shape
            }
            let whole = shapes
            shapes["net.features.8.weight"] = [4, 4, 5, 5]
            #expect(
                try message(file(shapes, in: folder)).contains(
                    "the tensor ‘features.8.weight’ has shape [4, 4, 5, 5]; VGG-11 asks for "
                        + "[4, 4, 3, 3]"))
            shapes = whole
            shapes["net.features.8.bias"] = nil
            #expect(
                try message(file(shapes, in: folder)).contains(
                    "the tensor ‘features.8.bias’ is missing"))
            shapes = whole
            shapes["fc.weight"] = [5, 25_088]
            #expect(try message(file(shapes, in: folder)).contains("‘fc.weight’ has shape"))
            shapes = whole
            shapes["net.features.1.weight"] = [3]
            #expect(
                try message(file(shapes, in: folder)).contains(
                    "the tensor ‘net.features.1.weight’ has no place in a VGG-11"))
        }
    }

    @Test("A configuration of another model is refused") func otherConfiguration() throws {
        try withTemporaryFolder { folder in
            let model = try Fixture("vit-classifier").copyModel(to: folder.appending(path: "m"))
            let url = model.appending(path: "config.json")
            var file = try JSONFile(reading: url)
            func write(_ edits: JSONObject) throws {
                var edited = file
                edited.fields.merge(edits)
                try edited.data().write(to: url)
            }
            try write(["model_type": .string("resnet")])
            #expect(
                try message(model).contains(
                    "the architecture is ‘resnet’; expected ‘vgg’, ‘vit’, or ‘clip’"))
            try write(["model_type": .string("vgg")])
            #expect(try message(model).contains("is ‘vgg’, but the weights are a vit's"))
            try write(["hidden_size": .integer(10)])
            #expect(try message(model).contains("config.json asks for [1, 1, 10]"))
            try write(["num_hidden_layers": .integer(3)])
            #expect(try message(model).contains("‘vit.encoder.layer.2."))
            file.fields["id2label"] = .object(["0": .string("one")])
            try write([:])
            #expect(try message(model).contains("‘classifier.weight’ has shape [5, 8]"))
        }
    }

    @Test("Places without a model say so") func places() throws {
        try withTemporaryFolder { folder in
            #expect(try message(folder.appending(path: "x.pkl")).contains("no such file or folder"))
            #expect(try message(folder).contains("holds neither config.json nor a weights file"))
            let bare = Fixture("vgg-neuba").file("bare.pkl")
            for name in ["a.pkl", "b.pth"] {
                try FileManager.default.copyItem(at: bare, to: folder.appending(path: name))
            }
            #expect(try message(folder).contains("several weights files: a.pkl, b.pth"))
            let text = folder.appending(path: "c.pth")
            try Data("not weights".utf8).write(to: text)
            #expect(try message(text).contains("unknown format"))
            let cut = folder.appending(path: "d.pth")
            try Data(contentsOf: bare).dropLast(900).write(to: cut)
            #expect(try message(cut).contains("d.pth"))
            #expect(
                try message(
                    Fixture("vit-classifier").folder,
                    description: Fixture("vit-names").file("description.json")
                ).contains("describes the model already"))
            #expect(
                try message(bare, description: folder.appending(path: "none.json")).contains(
                    "none.json: cannot be read"))
        }
    }
}
