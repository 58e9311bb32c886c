import Checkpoints
import Foundation
import TensorFormats
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

@Suite struct ImageDialectTests {
    private func open(_ fixture: ImageFixture) throws -> ImageModelFolder {
        let files = Fixture(fixture.fixture)
        return try ImageModelFolder(
            fixture.file.map(files.file) ?? files.folder,
            description: fixture.description.map(files.file))
    }

    @Test("export(canonicalize(x)) is x", arguments: ImageFixture.all)
    func roundTrip(_ fixture: ImageFixture) throws {
        let folder = try open(fixture)
        var random = RandomNumbers(seed: 5)
        for round in 0..<20 {
            let stored = folder.folder.weights.tensors.filter { _ in
                round == 0 || Bool.random(using: &random)
            }
            let canonical = try folder.dialect.canonicalized(stored)
            #expect(Set(canonical.map(\.name)).count == canonical.count)
            let exported = try folder.dialect.exported(canonical)
            #expect(exported.map(\.name) == stored.map(\.name))
            for (before, after) in zip(stored, exported) {
                #expect(before.shape == after.shape && before.scalarType == after.scalarType)
                #expect(before.bytes.hasSameBytes(as: after.bytes), "\(before.name)")
            }
        }
    }

    @Test("Under whatever names, the canonical tensors are the same") func oneModel() throws {
        func tensors(_ fixture: ImageFixture) throws -> [String: StoredTensor] {
            let folder = try open(fixture)
            return Dictionary(
                uniqueKeysWithValues: try folder.dialect.canonicalized(
                    folder.folder.weights.tensors
                ).map { ($0.name, $0) })
        }
        let groups: [(reference: ImageFixture, others: [ImageFixture])] = [
            (
                ImageFixture(fixture: "vit-classifier"),
                ImageFixture.all.filter { $0.fixture == "vit-names" }
            ),
            (
                ImageFixture(fixture: "vgg-neuba", file: "bare.pkl"),
                ImageFixture.all.filter { $0.fixture == "vgg-neuba" }
            ),
        ]
        for (reference, others) in groups {
            let expected = try tensors(reference)
            for other in others {
                let found = try tensors(other)
                #expect(Set(found.keys) == Set(expected.keys), "\(other.testDescription)")
                for (name, tensor) in found {
                    #expect(tensor.shape == expected[name]?.shape)
                    #expect(expected[name]?.bytes.hasSameBytes(as: tensor.bytes) == true)
                }
            }
        }
    }

    @Test("torchvision's first names for the feed-forward part") func oldTorchvision() throws {
        let names = [
            "class_token", "encoder.pos_embedding", "conv_proj.weight",
            "encoder.layers.encoder_layer_0.mlp.linear_1.weight",
            "encoder.layers.encoder_layer_0.mlp.linear_2.bias", "heads.head.weight",
        ]
        let dialect = try #require(ViTDialects.dialect(of: names))
        #expect(
            dialect.canonical(names[3]) == "vit.encoder.layer.0.intermediate.dense.weight")
        for name in names { #expect(dialect.onDisk(dialect.canonical(name)) == name) }
    }

    @Test("Names of other models are no dialect") func others() {
        #expect(ViTDialects.dialect(of: []) == nil && VGGDialects.dialect(of: []) == nil)
        #expect(ViTDialects.dialect(of: ["cls_token"]) == nil)
        #expect(VGGDialects.dialect(of: ["features.conv0.weight"]) == nil)
    }
}

@Suite struct ImageInferenceTests {
    /// A ViT of a width whose heads are known, drawn afresh, in a file under a dialect's names.
    private func file(
        _ configuration: ViTConfiguration, names: [String], in folder: URL,
        adding extra: [StoredTensor] = []
    ) throws -> (url: URL, model: ViT) {
        let model = try ViT(
            configuration, in: ParameterStore(source: FreshSource(seed: 3)))
        let dialect = try #require(ViTDialects.dialect(of: names))
        let tensors = try model.store.parameters.map {
            try StoredTensor(name: $0.name, $0.tensor)
        }
        let url = folder.appending(path: "model.safetensors")
        try SafetensorsWriter.write(
            dialect.exported(tensors) + extra, metadata: [:], to: url)
        return (url, model)
    }

    private let configuration = ViTConfiguration(
        imageSize: PixelSize(12, 12), patchSize: PixelSize(4, 4), hiddenSize: 128, layerCount: 3,
        headCount: 2, intermediateSize: 20, hiddenDropout: 0, attentionDropout: 0, labelCount: 6)

    static let libraries: [(names: [String], dropout: Double, epsilon: Double)] = [
        (["cls_token", "patch_embed.proj.weight"], 0, 1e-6),
        (["net.positional_embedding.pos_embedding"], 0.1, 1e-6),
        (["positional_embedding.pos_embedding"], 0.1, 1e-6),
        (["encoder.pos_embedding", "conv_proj.weight"], 0, 1e-6),
        (["vit.embeddings.cls_token"], 0, 1e-12), (["embeddings.cls_token"], 0, 1e-12),
    ]

    @Test("A file alone tells its model", arguments: libraries.indices)
    func inferred(_ index: Int) throws {
        let library = Self.libraries[index]
        try withTemporaryFolder { scratch in
            let (url, _) = try file(configuration, names: library.names, in: scratch)
            // Also where it is alone in a folder, as an output is.
            for place in [url, scratch] {
                let opened = try ImageModelFolder(place)
                var expected = configuration
                expected.hiddenDropout = library.dropout
                expected.attentionDropout = library.dropout
                expected.layerNormEpsilon = library.epsilon
                if library.dropout > 0 { expected.positionUpsampling = .bilinearAligned }
                #expect(opened.configuration == ImageConfiguration(expected) && !opened.isDescribed)
                #expect(opened.processor == ImageProcessor(resize: .exactly(PixelSize(12, 12))))
                let pixels = try RandomNumbers.uniform([2, 3, 12, 12], seed: 1)
                let model = try ViT(
                    expected, in: ParameterStore(source: FreshSource(seed: 3)))
                let found = try opened.load().classLogits(pixels, in: .evaluation)
                let logits = try model.classLogits(pixels, in: .evaluation)
                #expect(try relativeDifference(found, logits) < 1e-5)
            }
        }
    }

    @Test("Positions of pytorch_pretrained_vit are drawn as that library does") func bilinear()
        throws
    {
        try withTemporaryFolder { scratch in
            let (url, model) = try file(
                configuration, names: ["positional_embedding.pos_embedding"], in: scratch)
            let opened = try #require(ImageModelFolder(url).load().base as? ViT)
            let pixels = try RandomNumbers.uniform([1, 3, 20, 20], seed: 1)
            let (a, b) = (
                try opened.features(pixels, in: .evaluation),
                try model.features(pixels, in: .evaluation)
            )
            #expect(try relativeDifference(a, b) > 1e-4)
        }
    }

    @Test("What timm's config.json adds is read") func timmFolder() throws {
        try withTemporaryFolder { scratch in
            _ = try file(
                configuration, names: ["cls_token", "patch_embed.proj.weight"], in: scratch)
            func write(_ pool: String) throws {
                let text = """
                    {"architecture": "vit_tiny_patch4_12", "num_classes": 6, "global_pool": "\(pool)",
                     "pretrained_cfg": {"input_size": [3, 12, 12], "interpolation": "bicubic",
                      "crop_pct": 0.9, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}
                    """
                try Data(text.utf8).write(to: scratch.appending(path: "config.json"))
            }
            try write("token")
            let opened = try ImageModelFolder(scratch)
            var expected = ImageProcessor(
                resize: .shorterSide(13), filter: .bicubic, crop: PixelSize(12, 12),
                normalization: ImageNormalization(
                    mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225]))
            expected.cropRounding = .toEven
            #expect(opened.processor == expected)
            try write("avg")
            let error = #expect(throws: CheckpointError.self) { try ImageModelFolder(scratch) }
            #expect(error?.problem.contains("‘global_pool’ is ‘avg’") == true)
        }
    }

    @Test("Variants of the architecture are refused by what they have more") func variants() throws
    {
        try withTemporaryFolder { scratch in
            let names = ["cls_token", "patch_embed.proj.weight"]
            for extra in ["blocks.0.ls1.gamma", "norm_pre.weight", "reg_token", "fc_norm.weight"] {
                let (url, _) = try file(
                    configuration, names: names, in: scratch,
                    adding: [StoredTensor(name: extra, Tensor.ones([128]))])
                let error = #expect(throws: CheckpointError.self) { try ImageModelFolder(url) }
                #expect(
                    error?.problem.contains("‘\(extra)’ has no place in a ViT of 3 layers") == true)
            }
        }
    }

    @Test("What weights cannot say has to be said") func unsaid() throws {
        let narrow = #expect(throws: CheckpointError.self) {
            try ImageModelFolder(Fixture("vit-names").file("timm.safetensors"))
        }
        #expect(narrow?.problem.contains("attention heads a width of 8") == true)
        #expect(narrow?.advice?.contains("num_attention_heads") == true)
        try withTemporaryFolder { scratch in
            var oblong = configuration
            oblong.imageSize = PixelSize(8, 12)
            let (url, _) = try file(
                oblong, names: ["cls_token", "patch_embed.proj.weight"], in: scratch)
            let error = #expect(throws: CheckpointError.self) { try ImageModelFolder(url) }
            #expect(error?.problem.contains("7 position embeddings") == true)
        }
    }
}
