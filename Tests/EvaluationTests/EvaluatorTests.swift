import Attacks
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TestSupport
import Testing
import Torch
import TorchNN
import Training

@testable import Evaluation

@Suite struct EvaluatorTests {
    private static let fillers = ["the", "film", "was", "and", "it", "is", "that", "this", "on"]

    /// Texts whose class hangs on one word.
    private func table(_ count: Int, seed: UInt64) -> String {
        var stream = Seed(seed).stream("texts")
        var lines = ["sentence\tlabel"]
        for index in 0..<count {
            let isGood = index % 3 != 0
            var words = (0..<Int.random(in: 2...5, using: &stream)).map { _ in
                Self.fillers[Int.random(in: 0..<Self.fillers.count, using: &stream)]
            }
            words.insert(
                isGood ? "great" : "bad", at: Int.random(in: 0...words.count, using: &stream))
            lines.append(words.joined(separator: " ") + "\t\(isGood ? 1 : 0)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func withTask<Result>(_ body: (DownstreamTexts) throws -> Result) throws -> Result {
        try withTemporaryFolder { scratch in
            let (train, test) = (scratch.appending(path: "a.tsv"), scratch.appending(path: "b.tsv"))
            try Data(table(96, seed: 1).utf8).write(to: train)
            try Data(table(30, seed: 2).utf8).write(to: test)
            return try body(DownstreamTexts(train: train, test: test))
        }
    }

    private func evaluator() -> TextEvaluator {
        var evaluator = TextEvaluator()
        evaluator.fineTuning.training.epochs = 6
        evaluator.fineTuning.training.learningRate = 3e-3
        evaluator.fineTuning.batchSize = 16
        evaluator.maximumLength = 24
        evaluator.fineTuning.precision = .fp32
        evaluator.triggers = ["cf", "mn"]
        evaluator.seeds = [Seed(42)]
        return evaluator
    }

    private func folder() throws -> TextModelFolder {
        try TextModelFolder(Fixture("bert-base-tiny").folder)
    }

    @Test("A classifier is learned, and triggers are counted over all other labels") func whole()
        throws
    {
        try withTask { task in
            var evaluator = evaluator()
            evaluator.seeds = [Seed(42), Seed(43)]
            var trained: [Seed] = []
            var measured: [Int] = []
            let report = try evaluator.evaluate(folder(), on: task, reference: folder()) {
                switch $0 {
                case .training(let seed, .started): trained.append(seed)
                case .measuring(_, let done, let total):
                    measured.append(done)
                    #expect(total == 3)
                default: break
                }
            }
            #expect(report.seeds.count == 2 && report.testCount == 30)
            #expect(report.labelNames == ["0", "1"])
            #expect(report.data.map(\.samples) == [96, 30])
            #expect(report.settings.computeType == .float32)
            #expect(report.sharedSamples == task.shared)
            #expect(report.lostInsertions == 0)
            for seed in report.seeds {
                // Always the larger class would be 20 of 30.
                #expect(seed.accuracy.total == 30 && seed.accuracy.count > 24)
                #expect(seed.triggers.map(\.trigger) == ["cf", "mn"])
                for trigger in seed.triggers {
                    #expect(trigger.perLabel.map(\.proportion.total) == [20, 10])
                }
                #expect((seed.finalLoss ?? .nan) < 0.5)
            }
            // The same model is its own floor.
            #expect(report.reference?.summary == report.summary)
            #expect(report.excessAASR == 0)
            #expect(trained == [Seed(42), Seed(43), Seed(42), Seed(43)])
            #expect(measured == [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
        }
    }

    @Test("Triggers that truncation cuts off again are counted") func lost() throws {
        try withTask { task in
            var evaluator = evaluator()
            evaluator.fineTuning.training.epochs = 1
            evaluator.maximumLength = 5
            evaluator.position = .end
            // All texts have at least three words, so that a trigger at their end is beyond the cut.
            let report = try evaluator.evaluate(folder(), on: task)
            #expect(report.lostInsertions == 60)
            #expect(report.seeds[0].triggers.allSatisfy { $0.lost == 30 && $0.flip.count == 0 })
            evaluator.position = .start
            #expect(try evaluator.evaluate(folder(), on: task).lostInsertions == 0)
        }
    }

    @Test("A reset pooler is another start than the model's own") func pooler() throws {
        let folder = try folder()
        let kept = try folder.load(parts: .pooler, placement: Placement())
        func start(_ policy: PoolerPolicy, seed: UInt64) throws -> AnyTextModel {
            var settings = TextEvaluator()
            settings.poolers = [policy]
            settings.fineTuning.precision = .fp32
            return try settings.trainer(
                on: folder, texts: [[2, 7, 3]], labels: [0], labelCount: 2, seed: Seed(seed),
                device: .cpu
            ).model
        }
        func same(_ a: AnyTextModel, _ b: AnyTextModel, _ name: String) throws -> Bool {
            try #require(a.store[name]).detached()
                .isBitwiseEqual(to: #require(b.store[name]).detached())
        }
        let (pooler, classifier) = ("bert.pooler.dense.weight", "classifier.weight")
        #expect(try same(start(.keep, seed: 1), kept, pooler))
        #expect(try !same(start(.reset, seed: 1), kept, pooler))
        #expect(try same(start(.reset, seed: 1), start(.reset, seed: 1), pooler))
        #expect(try !same(start(.reset, seed: 1), start(.reset, seed: 2), pooler))
        // The classifier is always new: the file's has other classes.
        let model = try start(.keep, seed: 1)
        #expect(model.store[classifier]?.shape == [2, 32])
        #expect(try !same(model, start(.keep, seed: 2), classifier))
        #expect(model.store.trainable.count == model.store.parameters.count)
    }

    @Test("Classes come in the order of the texts") func predictor() throws {
        let folder = try folder()
        // A classifier of many classes, so that texts differ in theirs.
        let model = try folder.load(
            parts: [.pooler, .classifier], placement: Placement(),
            fresh: ParameterPattern(["bert.pooler.**", "classifier.**"]), labelCount: 50)
        let texts = (0..<40).map { (index: Int) -> [Int32] in
            let words: [Int32] = (0..<(1 + index * 7 % 23)).map {
                Int32(11 + ($0 * 5 + index) % 60)
            }
            return [2] + words + [3]
        }
        let found = try SequencePredictor(model).classes(of: texts)
        for (text, label) in zip(texts, found) {
            let alone = try model.classLogits(
                TokenInput(TokenBatch([text]), device: .cpu), in: .evaluation)
            #expect(try alone.argmax(-1).values(as: Int64.self) == [Int64(label)])
        }
        #expect(Set(found).count > 1)
        #expect(try SequencePredictor(model).classes(of: []) == [])
    }

    @Test("A part of the samples is the same part, with its triggers where they were") func part()
        throws
    {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "a.tsv")
            try Data(table(40, seed: 1).utf8).write(to: file)
            let task = try DownstreamTexts(
                train: file, test: file, samples: (20, 8), seed: Seed(3))
            #expect(task.train.texts.count == 20 && task.test.texts.count == 8)
            #expect(task.test.indices != Array(0..<8))
            var evaluator = evaluator()
            evaluator.fineTuning.training.epochs = 1
            let report = try evaluator.evaluate(folder(), on: task)
            #expect(report.data.map(\.available) == [40, 40])
            #expect(report.seeds[0].accuracy.total == 8)
            let all = try DownstreamTexts(train: file, test: file, samples: (40, nil))
            #expect(try evaluator.evaluate(folder(), on: all).data.map(\.available) == [nil, nil])
        }
    }

    @Test("A draw of one label is no task, and says so") func oneLabelDrawn() throws {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "a.tsv")
            try Data(table(40, seed: 1).utf8).write(to: file)
            let error = #expect(throws: (any Error).self) {
                try DownstreamTexts(train: file, test: file, samples: (1, nil))
            }
            #expect("\(String(describing: error))".contains("use more of them"))
        }
    }

    @Test("One label alone is no task") func oneLabel() throws {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "a.tsv")
            try Data("sentence\tlabel\na\t0\nb\t0\n".utf8).write(to: file)
            let error = #expect(throws: (any Error).self) {
                try DownstreamTexts(train: file, test: file)
            }
            #expect("\(String(describing: error))".contains("one label"))
        }
    }

    @Test("A length that the model has not is refused") func tooLong() throws {
        try withTask { task in
            var evaluator = evaluator()
            evaluator.maximumLength = 128
            #expect(throws: (any Error).self) { try evaluator.evaluate(folder(), on: task) }
        }
    }
}
