import TestSupport
import Testing
import TextTokenizers
import Torch
import TorchNN

@testable import ModelZoo

@Suite struct ZeroShotTests {
    private struct Prompts: Decodable {
        let prompts: [String]
        let names: [String]
    }

    @Test("Classes and logits are those of transformers", arguments: [DType.float32, .bfloat16])
    func parity(_ type: DType) throws {
        let fixture = Fixture("clip-zero-shot")
        let asked: Prompts = try fixture.json("prompts.json")
        let answers = try fixture.tensors("expected.safetensors")
        let golden = try GoldenCLIP("clip-tiny", computeType: type)
        let classifier = try ZeroShotClassifier(
            golden.model, classNames: asked.names, prompts: ClassPrompts(asked.prompts),
            tokenizer: TinyPairs.tokenizer())
        let tolerance = type == .float32 ? 1e-5 : 0.08
        #expect(
            try relativeDifference(classifier.classEmbeddings, answers["classes"]) < tolerance)
        let logits = try classifier.classLogits(golden.answers["pixels"], in: .evaluation)
        #expect(try relativeDifference(logits.detached(), answers["logits"]) < tolerance)
        #expect(classifier.labelCount == 3 && classifier.featureSize == 12)
    }

    @Test("Vectors of many captions are those of each, in their order") func features() throws {
        let golden = try GoldenCLIP("clip-tiny")
        let tokens = try golden.tokens()
        let rows = (0..<4).map { Array(tokens.ids[$0 * 9..<$0 * 9 + 9]) }
        let found = try CLIPTextFeatures(
            of: (0..<70).map { rows[$0 % 4] }, by: golden.model)
        #expect(found.features.shape == [70, 8] && found.embeddings.shape == [70, 6])
        let texts = try golden.answers["texts"]
        for (start, length) in [(0, 4), (64, 4)] {
            let part = try found.embeddings.narrowed(0, from: start, length: length)
            #expect(try relativeDifference(part, texts) < 1e-5)
        }
        let projected = try golden.model.textEmbeddings(ofFeatures: found.features)
        #expect(try relativeDifference(projected.detached(), found.embeddings) < 1e-6)
    }

    @Test("A prompt says where the name goes") func prompts() throws {
        #expect(ClassPrompts.plain.texts(for: "cat") == ["a photo of a cat."])
        let two = try ClassPrompts(["a {}, the {}", "{}"])
        #expect(two.texts(for: "é") == ["a é, the é", "é"])
        #expect(throws: ClassPromptError.none) { try ClassPrompts([]) }
        let error = #expect(throws: ClassPromptError.noPlace("a photo")) {
            try ClassPrompts(["a {}", "a photo"])
        }
        #expect(error?.description.contains("‘a photo’ has no {}") == true)
    }
}
