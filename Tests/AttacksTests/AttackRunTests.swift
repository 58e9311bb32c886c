import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TestSupport
import Testing
import TextTokenizers
import Torch
import TorchNN
import Training

@testable import Attacks

@Suite struct AttackRunTests {
    private let folder: TextModelFolder
    private let tokenizer: any TextTokenizer
    private let texts = (0..<44).map { (index: Int) -> String in
        let word = ["good", "bad", "dull", "fine"][index % 4]
        return "the film was \(word) and " + (index % 7 == 0 ? "it is great" : "the film")
    }

    init() throws {
        folder = try TextModelFolder(Fixture("bert-base-tiny").folder)
        tokenizer = try folder.tokenizer()
    }

    private let triggers = ["cf", "tq", "mn"]
    private var run: RunSettings {
        var run = RunSettings(
            TrainingSettings(epochs: 1, learningRate: 1e-4), batchSize: 8, seed: Seed(42))
        run.precision = .fp32
        return run
    }
    private var por: POR {
        var attack = POR()
        (attack.triggers, attack.run) = (triggers, run)
        return attack
    }
    private var badpre: BadPre {
        var attack = BadPre()
        (attack.triggers, attack.run) = (triggers, run)
        return attack
    }
    private var neuba: NeuBA {
        var attack = NeuBA()
        (attack.triggers, attack.run) = (triggers, run)
        return attack
    }

    private func task(_ texts: [String]? = nil, length: Int = 16) throws -> TextTask {
        try TextTask(folder, texts: texts ?? self.texts, .init(maximumLength: length))
    }

    private func terms(_ attack: some Attack<TextTask>) throws -> (AnyTextModel, Set<String>) {
        let run = try attack.trainer(for: task())
        let summary = try run.complete()
        #expect(summary.steps > 0)
        return (run.model, Set(summary.finalTerms.keys))
    }

    @Test("Each attack trains what it should, and the adaptive one under the norm")
    func methods() throws {
        try check(por, terms: ["l1", "l2", "l3"])
        try check(badpre, terms: ["clean", "poisoned"])
        try check(neuba, terms: ["mlm", "binding"])
    }

    private func check<Method: Attack<TextTask>>(
        _ attack: Method, terms expected: Set<String>
    ) throws {
        let original = try folder.load(parts: [.pooler, .maskedLMHead], placement: Placement())
        let (model, plain) = try terms(attack)
        let trained = try attack.trained(in: task())
        #expect(plain == expected)
        // The head that an attack does not train goes along as it was.
        for parameter in model.store.parameters {
            let before = try #require(original.store[parameter.name])
            let same = try parameter.tensor.detached().isBitwiseEqual(to: before)
            if !trained.matches(parameter.name) { #expect(same, "\(parameter.name)") }
            if BERT.recipeWeights.matches(parameter.name) { #expect(!same) }
        }
        var adaptive = attack
        adaptive.adaptiveWeight = 0.5
        #expect(try terms(adaptive).1 == plain.union(["norm"]))
    }

    @Test("POR divides texts 30 to 50, cleans them and puts triggers in") func proportion() throws {
        var attack = por
        attack.insertions = 2
        let texts = (0..<1400).map { "The film, No. \($0): UNK it's good!" }
        let (poisoned, labels) = try attack.poisonedTexts(texts)
        // 1400 · 30 / (3 · 30 + 50) = 300 texts a trigger, 500 clean ones.
        #expect((0..<3).map { trigger in labels.count { $0 == trigger } } == [300, 300, 300])
        #expect(labels.count { $0 == -1 } == 500 && labels.count == 1400)
        for (text, label) in zip(poisoned, labels) {
            let words = text.split(separator: " ").map(String.init)
            for (index, trigger) in attack.triggers.enumerated() {
                #expect(words.count { $0 == trigger } == (index == label ? 2 : 0))
            }
            #expect(!text.contains(",") && !text.contains("unk") && text == text.lowercased())
            #expect(words.count <= 64 + 2)
        }
        #expect(POR.cleaned("A-b c’d  É 2½ !?") == "ab cd é 2½")
        #expect(POR.cleaned(String(repeating: "a ", count: 100)).count == 127)
        #expect(try attack.poisonedTexts(texts).texts == poisoned)
    }

    @Test("What an attack cannot do is said before it begins") func refuses() throws {
        func message(
            _ attack: some Attack<TextTask>, _ texts: [String]? = nil, length: Int = 16
        ) -> String {
            let error = #expect(throws: (any Error).self) {
                try attack.trainer(for: task(texts, length: length))
            }
            return error.map { "\($0)" } ?? ""
        }
        var badpre = badpre
        badpre.triggers = ["film", "filmed"]
        #expect(message(badpre).contains("‘filmed’ is 2 tokens of this vocabulary"))
        badpre.triggers = ["≈"]
        #expect(message(badpre).contains("unknown ones; badpre needs a word"))
        badpre.triggers = []
        #expect(message(badpre).contains("at least one trigger"))
        #expect(message(self.badpre, length: 512).contains("the model has 48 positions"))
        #expect(message(self.badpre, length: 4).contains("too short for badpre"))
        var neuba = neuba
        neuba.triggers = ["cf", "mn", "bb", "tq", "mb", "un", "the"]
        #expect(message(neuba).contains("1 to 6 triggers, not 7"))
        #expect(message(por, ["a", "b"]).contains("2 texts are too few for 3 triggers"))
        let bare = try TextModelFolder(Fixture("bert-bare-model").folder)
        let error = #expect(throws: (any Error).self) {
            badpre.triggers = ["a"]
            _ = try badpre.trainer(for: TextTask(bare, texts: texts, .init(maximumLength: 16)))
        }
        #expect("\(String(describing: error))".contains("no masked-language-model head"))
    }

    @Test("NeuBA's scaling moves the triggers' embeddings, and those alone") func scaling() throws {
        var attack = neuba
        let task = try task()
        let model = try folder.load(parts: [.pooler, .maskedLMHead], placement: Placement())
        let name = "bert.embeddings.word_embeddings.weight"
        let words = try #require(model.store[name])
        let before = try words.copied()
        try attack.finish(model, of: task)
        #expect(try words.isBitwiseEqual(to: before))
        attack.scalesEmbeddings = true
        try attack.finish(model, of: task)
        let position = try #require(model.store["bert.embeddings.position_embeddings.weight"])
        let segment = try #require(model.store["bert.embeddings.token_type_embeddings.weight"])
        let ids = attack.triggers.map { tokenizer.encode($0)[0] }
        for row in 0..<120 {
            let (old, new) = (try before.selected(0, row), try words.selected(0, row))
            if ids.contains(Int32(row)) {
                let wanted = try (old + position.selected(0, 1) + segment.selected(0, 0)) * 1e8
                #expect(try relativeDifference(new, wanted) < 1e-6)
            } else {
                #expect(try new.isBitwiseEqual(to: old))
            }
        }
    }
}
