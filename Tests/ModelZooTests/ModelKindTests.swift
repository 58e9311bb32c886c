import Foundation
import ModelZoo
import TestSupport
import Testing

@Suite struct ModelKindTests {
    @Test(
        "What a model reads is told by its configuration, or by there being none",
        arguments: [
            ("bert-base-tiny", ModelKind.texts), ("bert-bare-model", .texts),
            ("vit-classifier", .images), ("vit-bare", .images),
            ("vgg-neuba/neuba-vgg.pkl", .images),
            ("vit-names/timm.safetensors", .images),
            ("clip-tiny", .pairs), ("clip-legacy", .pairs), ("clip-vision", .images),
            ("clip-tiny/model.safetensors", .pairs), ("clip-names/openai.pt", .pairs),
            ("clip-names/module.safetensors", .pairs), ("clip-names/resnet.pt", .images),
            // One file of a folder's model is of that model's kind.
            ("bert-base-tiny/model.safetensors", .texts),
            ("vit-classifier/model.safetensors", .images),
            ("vit-classifier/config.json", .images), ("nowhere", .texts),
        ])
    func kinds(_ name: String, _ kind: ModelKind) throws {
        #expect(try ModelKind(at: Fixture(name).folder) == kind)
    }

    @Test("A folder with a pickle alone is an image model, an empty one nobody's") func folders()
        throws
    {
        try withTemporaryFolder { scratch in
            #expect(try ModelKind(at: scratch) == .texts)
            try FileManager.default.copyItem(
                at: Fixture("vgg-neuba").file("neuba-vgg.pkl"),
                to: scratch.appending(path: "a.pkl"))
            #expect(try ModelKind(at: scratch) == .images)
        }
    }

    @Test("What is no file of weights is of no kind") func nonsense() throws {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "README.md")
            try Data("# A model\n".utf8).write(to: file)
            let error = #expect(throws: (any Error).self) { try ModelKind(at: file) }
            #expect("\(String(describing: error))".contains("README.md"))
        }
    }
}
