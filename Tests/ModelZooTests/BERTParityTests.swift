import DataPipeline
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

/// A fixture's model and the answers of transformers to it.
struct GoldenModel {
    let model: AnyTextModel
    let answers: FixtureTensors
    let names: Set<String>

    init(_ name: String, trainable: ParameterPattern = .none) throws {
        let folder = try TextModelFolder(Fixture(name).folder)
        model = try folder.load(parts: folder.parts, placement: Placement(trainable: trainable))
        answers = try Fixture(name).tensors("expected.safetensors")
        names = Set(answers.names)
    }

    /// The fixture's rows without their padding.
    func rows() throws -> [[Int32]] {
        let ids = try answers["input_ids"].values(as: Int32.self)
        return try kept().map { Array(ids[$0]) }
    }

    /// The places of each row's tokens in the padded batch.
    private func kept() throws -> [Range<Int>] {
        let mask = try answers["attention_mask"]
        let width = mask.shape[1]
        let keep = try mask.values(as: Int64.self)
        return (0..<mask.shape[0]).map { row in
            let start = row * width
            return start..<start + Int(keep[start..<start + width].reduce(0, +))
        }
    }

    /// The places of all tokens in the padded batch, in order.
    func places() throws -> [Int] { try kept().flatMap { Array($0) } }

    /// What a padded answer [rows, width, n] says of the tokens: [tokens, n].
    func ofTokens(_ answer: Tensor) throws -> Tensor {
        try answer.reshaped([answer.shape[0] * answer.shape[1], -1])
            .gathered(0, at: Tensor(places().map(Int64.init)))
    }

    func input() throws -> TokenInput {
        var batch = TokenBatch(try rows())
        // A table of one kind of segment has no row for segment 1.
        if try #require(model.textConfiguration.base as? BERTConfiguration).segmentTypeCount > 1 {
            let segments = try answers["token_type_ids"].values(as: Int64.self)
            batch.segments = try places().map { segments[$0] }
        }
        return try TokenInput(batch, device: .cpu)
    }

    /// Tokens with a label, and their labels.
    func predicted() throws -> (places: [Int64], labels: [Int64]) {
        let all = try answers["labels"].values(as: Int64.self)
        let labels = try places().map { all[$0] }
        let tokens = labels.indices.filter { labels[$0] != -100 }
        #expect(tokens.count == all.count { $0 != -100 }, "padding is never predicted")
        return (tokens.map(Int64.init), tokens.map { labels[$0] })
    }

    func maskedLMLoss(_ pass: Pass = .evaluation) throws -> Tensor {
        let (places, labels) = try predicted()
        return try model.maskedLMLogits(input(), at: Tensor(places), in: pass)
            .crossEntropy(Tensor(labels))
    }

    func classLoss() throws -> Tensor {
        try model.classLogits(input(), in: .evaluation).crossEntropy(answers["class_labels"])
    }
}

let goldenFolders = [
    "bert-bare-model", "bert-base-tiny", "bert-bfloat16", "bert-classifier", "bert-float16",
    "bert-gamma-beta-legacy", "bert-gamma-beta-zip", "bert-gelu-new", "bert-masked-lm",
    "bert-pretraining", "bert-relu", "bert-sharded", "bert-strided-bin", "bert-tied-decoder-bin",
    "bert-untied",
]

@Suite struct BERTParityTests {
    @Test("Outputs are those of transformers", arguments: goldenFolders)
    func outputs(_ name: String) throws {
        let golden = try GoldenModel(name)
        let (model, answers) = (golden.model, golden.answers)
        let input = try golden.input()
        let hidden = try model.hiddenStates(input, in: .evaluation)
        let expected = try golden.ofTokens(answers["last_hidden_state"])
        #expect(try relativeDifference(hidden, expected) < 1e-5)
        #expect(golden.names.contains("pooler_output") == model.parts.contains(.pooler))
        if model.parts.contains(.pooler) {
            let pooled = try model.pooled(hidden.gathered(0, at: input.firstTokens))
            #expect(try relativeDifference(pooled, answers["pooler_output"]) < 1e-5)
        }
        #expect(golden.names.contains("mlm/logits") == model.parts.contains(.maskedLMHead))
        if model.parts.contains(.maskedLMHead) {
            let all = try model.maskedLMLogits(
                input, at: .arange(0..<input.ids.elementCount), in: .evaluation)
            let expected = try golden.ofTokens(answers["mlm/logits"])
            #expect(try relativeDifference(all, expected) < 1e-5)
        }
        #expect(golden.names.contains("classifier/logits") == model.parts.contains(.classifier))
        if model.parts.contains(.classifier) {
            let logits = try model.classLogits(input, in: .evaluation)
            #expect(try relativeDifference(logits, answers["classifier/logits"]) < 1e-5)
        }
    }

    @Test("Losses are those of transformers", arguments: goldenFolders)
    func losses(_ name: String) throws {
        let golden = try GoldenModel(name)
        var compared = 0
        if golden.names.contains("mlm/loss") {
            #expect(
                try relativeDifference(golden.maskedLMLoss(), golden.answers["mlm/loss"]) < 1e-5)
            compared += 1
        }
        if golden.names.contains("classifier/loss") {
            #expect(
                try relativeDifference(golden.classLoss(), golden.answers["classifier/loss"]) < 1e-5
            )
            compared += 1
        }
        let hasLoss = golden.names.contains {
            $0.hasSuffix("/loss") && !$0.hasPrefix("pretraining")
        }
        #expect((compared > 0) == hasLoss)
    }

    @Test(
        "Every gradient is that of transformers",
        arguments: [
            ("bert-base-tiny", "mlm"), ("bert-base-tiny", "classifier"), ("bert-gelu-new", "mlm"),
            ("bert-untied", "mlm"),
        ])
    func gradients(_ name: String, _ task: String) throws {
        let golden = try GoldenModel(name, trainable: .all)
        let parameters = golden.model.store.parameters
        let loss = try task == "mlm" ? golden.maskedLMLoss() : golden.classLoss()
        let found = try loss.gradients(for: parameters.map(\.tensor))
        let prefix = task + "/grad/"
        let expected = golden.names.filter { $0.hasPrefix(prefix) }
        #expect(!expected.isEmpty)
        let largest =
            try expected.map { try golden.answers[$0].magnitude().values().max() ?? 0 }
            .max() ?? Float.nan
        var compared: Set<String> = []
        for (parameter, gradient) in zip(parameters, found) {
            guard expected.contains(prefix + parameter.name) else {
                #expect(gradient == nil, "\(parameter.name) is not part of the loss")
                continue
            }
            compared.insert(prefix + parameter.name)
            let answer = try golden.answers[prefix + parameter.name]
            let gradient = try #require(gradient, "\(parameter.name) has no gradient")
            let difference = try (gradient - answer).magnitude().values(as: Float.self).max() ?? 0
            #expect(difference / largest < 1e-5, "\(parameter.name)")
        }
        #expect(compared == expected)
    }

    @Test("Labels are counted where only id2label names them") func labelCount() throws {
        #expect(
            try TextModelFolder(Fixture("bert-classifier").folder).configuration.labelCount == 4)
    }

    @Test("A missing part is an error, not a crash") func missingParts() throws {
        let golden = try GoldenModel("bert-masked-lm")
        let input = try golden.input()
        #expect(throws: TextModelError.self) {
            try golden.model.classLogits(input, in: .evaluation)
        }
        #expect(throws: TextModelError.self) { try golden.model.pooled(.zeros([1, 16])) }
        let bare = try GoldenModel("bert-bare-model").model
        #expect(throws: TextModelError.self) {
            try bare.maskedLMLogits(input, at: Tensor([Int64(0)]), in: .evaluation)
        }
    }
}
