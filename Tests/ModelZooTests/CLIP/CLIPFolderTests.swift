import Checkpoints
import DataPipeline
import Foundation
import TensorFormats
import TestSupport
import Testing
import TextTokenizers
import Torch
import TorchNN

@testable import ModelZoo

@Suite struct CLIPFolderTests {
    /// Every CLIP among the fixtures: a folder, or a file of one.
    static let all: [ImageFixture] = ImageFixture.all.filter {
        $0.fixture.hasPrefix("clip") && $0.fixture != "clip-vision"
    }

    private func copied(_ fixture: ImageFixture, to scratch: URL) throws -> CLIPFolder {
        let copy = try fixture.copied(to: scratch).folder.url
        return try CLIPFolder(
            copy, description: fixture.description.map(Fixture(fixture.fixture).file))
    }

    private func output(_ scratch: URL) throws -> URL {
        let output = scratch.appending(path: "out")
        try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
        return output
    }

    @Test(
        "Everything that was trained is written in its place, all else is as it was",
        arguments: all, ["**", "visual_projection.weight", "text_model.**"])
    func written(_ fixture: ImageFixture, _ selection: String) throws {
        try withTemporaryFolder { scratch in
            let folder = try copied(fixture, to: scratch)
            let pattern = ParameterPattern([selection])
            try folder.checkWritable(pattern)
            let model = try folder.load(placement: Placement(trainable: pattern))
            try withoutGradients { for p in model.store.trainable { try p.tensor.scale(by: 3) } }
            let output = try output(scratch)
            let report = try folder.write(model.store.trainedState, to: output)
            let expected = folder.folder.weights.names.filter {
                folder.dialect.parameters(in: $0).contains {
                    pattern.matches($0) && model.store[$0] != nil
                }
            }
            #expect(Set(report.changed) == Set(expected) && report.omitted == [])

            let again = try CLIPFolder(
                output, description: fixture.description.map(Fixture(fixture.fixture).file))
            let comparison = try FolderComparison(before: folder.folder, after: again.folder)
            #expect(comparison.dropIn && comparison.changedFiles == [])
            #expect(Set(comparison.changed.map(\.name)) == Set(expected))
            let reread = try again.load()
            for (old, new) in zip(model.store.parameters, reread.store.parameters) {
                #expect(old.name == new.name)
                #expect(try old.tensor.detached().isBitwiseEqual(to: new.tensor), "\(old.name)")
            }
        }
    }

    @Test("Transposed matrices come out as they went in") func transposed() throws {
        let canonical = try CLIPFolder(Fixture("clip-tiny").folder).folder.weights
        let other = try CLIPFolder(
            Fixture("clip-names").file("openai.pt"),
            description: Fixture("clip-names").file("description.json"))
        let turned = try #require(other.folder.weights["visual.proj"]).tensor()
        #expect(turned.shape == [12, 6])
        #expect(
            try turned.transposed(0, 1).contiguous().isBitwiseEqual(
                to: #require(canonical["visual_projection.weight"]).tensor()))
        #expect(other.dialect.isTransposed("visual.proj"))
        #expect(other.dialect.isTransposed("text_projection"))
        #expect(!other.dialect.isTransposed("visual.ln_pre.weight"))
        #expect(other.dialect.onDisk("visual_projection.weight") == "visual.proj")
    }

    @Test("Under whatever names, the canonical tensors are the same") func oneModel() throws {
        func tensors(_ fixture: ImageFixture) throws -> [String: StoredTensor] {
            let files = Fixture(fixture.fixture)
            let folder = try CLIPFolder(
                fixture.file.map(files.file) ?? files.folder,
                description: fixture.description.map(files.file))
            let stored = try folder.dialect.canonicalized(folder.folder.weights.tensors)
            return Dictionary(uniqueKeysWithValues: stored.map { ($0.name, $0) })
        }
        let expected = try tensors(ImageFixture(fixture: "clip-tiny"))
        let spellings = Self.all.filter { $0.fixture == "clip-names" }
        try #require(spellings.count == 2)
        for fixture in spellings {
            let found = try tensors(fixture)
            #expect(Set(expected.keys).isSubset(of: found.keys))
            for (name, tensor) in expected {
                let same = try #require(found[name])
                #expect(same.shape == tensor.shape)
                #expect(same.bytes.hasSameBytes(as: tensor.bytes), "\(name)")
            }
        }
    }

    @Test("A fresh model is drawn as transformers draws it, and written as a new folder")
    func created() throws {
        let tower = CLIPConfiguration.Tower(
            hiddenSize: 64, layerCount: 2, headCount: 4, intermediateSize: 96,
            activation: .gelu, attentionDropout: 0.25)
        let configuration = CLIPConfiguration(
            text: .init(
                tower: tower, vocabularySize: 300, maximumPositions: 20, pooling: .highestID),
            vision: CLIPVisionConfiguration(
                tower: tower, imageSize: PixelSize(24, 24), patchSize: PixelSize(6, 6),
                initializerRange: 0.03), projectionSize: 40, logitScale: 1.5)
        let model = try CLIP(
            configuration,
            in: ParameterStore(
                source: FreshSource(seed: 1), placement: Placement(trainable: .all)))
        func deviation(_ name: String) throws -> Double {
            let values = try #require(model.store[name]).detached()
            return try values.power(2).mean().item().squareRoot()
        }
        let layer = "vision_model.encoder.layers.1."
        for (name, expected) in [
            ("text_model.embeddings.token_embedding.weight", 0.02),
            ("text_model.embeddings.position_embedding.weight", 0.02),
            ("vision_model.embeddings.patch_embedding.weight", 0.03),
            ("vision_model.embeddings.class_embedding", 0.125),
            (layer + "self_attn.q_proj.weight", 0.0625),
            (layer + "self_attn.out_proj.weight", 0.125),
            (layer + "mlp.fc1.weight", 0.0884), (layer + "mlp.fc2.weight", 0.0625),
            ("text_projection.weight", 0.125), ("visual_projection.weight", 0.125),
        ] {
            let bound = name.hasSuffix("class_embedding") ? 0.4 : 0.1
            #expect(try abs(deviation(name) / expected - 1) < bound, "\(name)")
        }
        #expect(try deviation(layer + "mlp.fc1.bias") == 0)
        #expect(try abs(model.logitScale.item() - 1.5) < 1e-6)

        try withTemporaryFolder { scratch in
            try CLIPFolder.create(model, processor: .clip(side: 24), at: scratch)
            #expect(try ModelKind(at: scratch) == .pairs)
            let again = try CLIPFolder(scratch)
            #expect(again.configuration == configuration && again.processor == .clip(side: 24))
            let reread = try again.load()
            for (old, new) in zip(model.store.parameters, reread.store.parameters) {
                #expect(old.name == new.name)
                #expect(try old.tensor.detached().isBitwiseEqual(to: new.tensor), "\(old.name)")
            }
        }
    }

    @Test("Weights alone say the sizes where heads are 64 wide") func inferred() throws {
        var configuration = CLIPConfiguration(
            text: .init(
                tower: .init(hiddenSize: 64, layerCount: 1, headCount: 1, intermediateSize: 20),
                vocabularySize: 40, maximumPositions: 9, pooling: .highestID),
            vision: CLIPVisionConfiguration(
                tower: .init(hiddenSize: 128, layerCount: 2, headCount: 2, intermediateSize: 30),
                imageSize: PixelSize(12, 12), patchSize: PixelSize(4, 4)),
            projectionSize: 10)
        let model = try CLIP(configuration, in: ParameterStore(source: FreshSource(seed: 1)))
        let dialect = try #require(
            CLIPDialects.dialect(of: ["visual.class_embedding", "visual.conv1.weight"]))
        let stored = try dialect.exported(
            model.store.parameters.map { try StoredTensor(name: $0.name, $0.tensor) })
        #expect(stored.contains { $0.name == "transformer.resblocks.0.attn.in_proj_weight" })
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "clip.safetensors")
            try SafetensorsWriter.write(stored, metadata: [:], to: file)
            let folder = try CLIPFolder(file)
            #expect(folder.configuration == configuration && !folder.isDescribed)
            #expect(folder.processor == .clip(side: 12))
            #expect(try ModelKind(at: file) == .pairs)
            let vision = try ImageModelFolder(file)
            #expect(vision.configuration == ImageConfiguration(configuration.vision))
            let loaded = try folder.load()
            for (old, new) in zip(model.store.parameters, loaded.store.parameters) {
                #expect(try old.tensor.isBitwiseEqual(to: new.tensor), "\(old.name)")
            }

            let extra = try StoredTensor(name: "visual.attnpool.weight", Tensor.ones([3]))
            try SafetensorsWriter.write(stored + [extra], metadata: [:], to: file)
            for open in [{ _ = try CLIPFolder(file) }, { _ = try ImageModelFolder(file) }] {
                let error = #expect(throws: CheckpointError.self) { try open() }
                #expect(
                    error?.problem.contains("‘visual.attnpool.weight’ has no place in a") == true)
            }
        }
        configuration.vision.tower.headCount = 3
        let narrow = #expect(throws: CheckpointError.self) {
            try CLIPFolder(Fixture("clip-names").file("openai.pt"))
        }
        #expect(narrow?.problem.contains("attention heads a width of 8") == true)
    }

    @Test("A ResNet as the vision tower is refused by name") func resnet() throws {
        let file = Fixture("clip-names").file("resnet.pt")
        for open in [{ _ = try CLIPFolder(file) }, { _ = try ImageModelFolder(file) }] {
            let error = #expect(throws: CheckpointError.self) { try open() }
            #expect(error?.problem.hasPrefix("the vision tower is a ResNet") == true)
            #expect(error?.problem.contains("‘visual.layer1.0.conv1.weight’") == true)
        }
    }

    @Test("What is no CLIP is refused") func others() throws {
        let vit = #expect(throws: CheckpointError.self) {
            try CLIPFolder(Fixture("vit-classifier").folder)
        }
        #expect(vit?.problem.contains("no CLIP's") == true)
        let vision = #expect(throws: CheckpointError.self) {
            try CLIPFolder(Fixture("clip-vision").folder)
        }
        #expect(vision?.problem.contains("no text tower") == true)
    }

    @Test("A tokenizer that does not fit is refused") func tokenizer() throws {
        let folder = try CLIPFolder(Fixture("clip-tiny").folder)
        let words = Fixture("clip-text").file("plain")
        let error = #expect(throws: CheckpointError.self) { try folder.tokenizer(from: words) }
        #expect(error?.problem.contains("the token embeddings 30 rows") == true)
        let file = try CLIPFolder(
            Fixture("clip-names").file("openai.pt"),
            description: Fixture("clip-names").file("description.json"))
        let none = #expect(throws: CheckpointError.self) { try file.tokenizer() }
        #expect(none?.problem.contains("without a tokenizer") == true)

        let tokenizer = try CLIPTokenizer(folder: words)
        var configuration = folder.configuration
        configuration.text.vocabularySize = tokenizer.vocabularySize
        for (pooling, isRight) in [
            (CLIPConfiguration.Pooling.firstEnd(Int(tokenizer.endID)), true),
            (.highestID, true), (.firstEnd(3), false),
        ] {
            configuration.text.pooling = pooling
            let model = try CLIP(configuration, in: ParameterStore(source: FreshSource(seed: 1)))
            try withTemporaryFolder { scratch in
                try CLIPFolder.create(
                    model, processor: .clip(side: 16), tokenizer: tokenizer, at: scratch)
                let folder = try CLIPFolder(scratch)
                if isRight {
                    #expect(try folder.tokenizer().vocabulary == tokenizer.vocabulary)
                } else {
                    let error = #expect(throws: CheckpointError.self) { try folder.tokenizer() }
                    #expect(error?.problem.contains("(‘eos_token_id’)") == true)
                }
            }
        }
    }
}
