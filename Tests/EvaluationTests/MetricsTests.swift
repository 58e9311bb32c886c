import Attacks
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import Testing
import Torch
import TorchNN

@testable import Evaluation

/// Answers that `Oracle/metrics.py` worked out.
private enum Answers {
    struct Wilson: Decodable { let count: Int, total: Int, low: Double, high: Double }
    struct Deviation: Decodable { let values: [Double], mean: Double, deviation: Double }
    struct Success: Decodable {
        let truth: [Int], clean: [Int], labels: Int, filter: AttackSuccess.Filter
        let predictions: [String: [Int]], correct: Int
        let counts: [String: [[Int]]], flips: [String: [Int]], aasr: Double?, masr: Double?
    }

    static func read<Value: Decodable>(_ name: String) throws -> Value {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(components: "Fixtures", "metrics")
        return try JSONDecoder().decode(
            Value.self, from: Data(contentsOf: folder.appending(path: name + ".json")))
    }
}

@Suite struct ProportionTests {
    @Test func findsWilsonsInterval() throws {
        let cases: [Answers.Wilson] = try Answers.read("wilson")
        #expect(cases.count == 13)
        for answer in cases {
            let interval = try #require(Proportion(answer.count, of: answer.total).interval)
            #expect(abs(interval.low - answer.low) < 1e-12, "\(answer)")
            #expect(abs(interval.high - answer.high) < 1e-12, "\(answer)")
        }
    }

    @Test func printsPercentAsPapersDo() {
        #expect(Proportion(1592, of: 1821).description == "87.42")
        #expect(Proportion(909, of: 909).description == "100.00")
        #expect(Proportion(0, of: 909).description == "0.00")
        #expect(Proportion(109, of: 912).description == "11.95")
    }

    @Test func isUndefinedOfAnEmptySet() {
        let none = Proportion(0, of: 0)
        #expect(none.rate == nil && none.percent == nil && none.interval == nil)
        #expect(none.description == "–")
    }

    @Test func keepsItsCountsInJSON() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let data = try encoder.encode([Proportion(1, of: 4), Proportion(0, of: 0)])
        #expect(
            String(decoding: data, as: UTF8.self)
                == #"[{"count":1,"rate":0.25,"total":4},{"count":0,"total":0}]"#)
        #expect(
            try JSONDecoder().decode([Proportion].self, from: data)
                == [Proportion(1, of: 4), Proportion(0, of: 0)])
        for text in [#"{"count":5,"total":4}"#, #"{"count":-1,"total":4}"#] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(Proportion.self, from: Data(text.utf8))
            }
        }
    }
}

@Suite struct MeanDeviationTests {
    @Test func agreesWithPythonsStatistics() throws {
        let cases: [Answers.Deviation] = try Answers.read("deviations")
        #expect(cases.count == 4)
        for answer in cases {
            let found = try #require(MeanDeviation(answer.values))
            #expect(abs(found.mean - answer.mean) < 1e-15)
            #expect(abs(try #require(found.deviation) - answer.deviation) < 1e-15)
            #expect(found.count == answer.values.count)
        }
    }

    @Test func knowsNoScatterOfOneRun() throws {
        let one = try #require(MeanDeviation([0.5]))
        #expect(one.mean == 0.5 && one.deviation == nil && one.count == 1)
        #expect(MeanDeviation([]) == nil)
    }
}

@Suite struct AttackSuccessTests {
    @Test func countsOnlySamplesOfOtherLabels() throws {
        let success = try AttackSuccess(
            truth: [0, 0, 1, 1, 1], cleanPredictions: [0, 0, 1, 1, 0],
            labelNames: ["negative", "positive"])
        let result = try success.result(of: "cf", predictions: [1, 1, 1, 0, 1], lost: 2)
        #expect(success.accuracy == Proportion(4, of: 5))
        #expect(result.perLabel.map(\.proportion) == [Proportion(1, of: 3), Proportion(2, of: 2)])
        #expect(result.best == LabelSuccess(label: "positive", proportion: Proportion(2, of: 2)))
        #expect(result.rate == 1)
        #expect(result.flip == Proportion(4, of: 5))
        #expect(result.lost == 2)
    }

    @Test func countsOnlyWhatIsRightWithoutATrigger() throws {
        let success = try AttackSuccess(
            truth: [0, 0, 1, 1, 1], cleanPredictions: [1, 0, 1, 1, 0],
            labelNames: ["negative", "positive"], filter: .cleanCorrect)
        let result = try success.result(of: "cf", predictions: [1, 1, 1, 0, 0])
        #expect(result.perLabel.map(\.proportion) == [Proportion(1, of: 2), Proportion(1, of: 1)])
        #expect(result.flip == Proportion(2, of: 3))
        #expect(success.accuracy == Proportion(3, of: 5))
    }

    @Test func agreesWithCountingSampleBySample() throws {
        let cases: [Answers.Success] = try Answers.read("success")
        #expect(cases.count == 8)
        for answer in cases {
            let success = try AttackSuccess(
                truth: answer.truth, cleanPredictions: answer.clean,
                labelNames: (0..<answer.labels).map { "label \($0)" }, filter: answer.filter)
            let results = try answer.predictions.keys.sorted().map { name in
                try success.result(of: name, predictions: answer.predictions[name] ?? [])
            }
            for result in results {
                #expect(
                    result.perLabel.map { [$0.proportion.count, $0.proportion.total] }
                        == answer.counts[result.trigger])
                #expect([result.flip.count, result.flip.total] == answer.flips[result.trigger])
            }
            #expect(success.accuracy == Proportion(answer.correct, of: answer.truth.count))
            let seed = SeedResult(
                seed: Seed(1), accuracy: success.accuracy, triggers: results, trainSeconds: 1,
                evalSeconds: 1)
            #expect(abs(try #require(seed.aasr) - #require(answer.aasr)) < 1e-15)
            #expect(seed.masr == answer.masr)
        }
    }

    @Test func leavesALabelUndefinedWhereEverySampleHasIt() throws {
        let success = try AttackSuccess(
            truth: [1, 1], cleanPredictions: [1, 1], labelNames: ["a", "b"])
        let result = try success.result(of: "cf", predictions: [1, 0])
        #expect(result.perLabel.map(\.proportion.rate) == [0.5, nil])
        #expect(result.best?.label == "a")

        let single = try AttackSuccess(truth: [0], cleanPredictions: [0], labelNames: ["only"])
        let seed = SeedResult(
            seed: Seed(1), accuracy: single.accuracy,
            triggers: [try single.result(of: "cf", predictions: [0])], trainSeconds: 0,
            evalSeconds: 0, finalLoss: .nan)
        #expect(seed.triggers[0].best == nil && seed.aasr == nil && seed.masr == nil)
        #expect(seed.strongest == nil && seed.finalLoss == nil)
    }

    @Test func refusesWhatCannotBeCounted() throws {
        func message(_ body: () throws -> Void) -> String? {
            do { try body() } catch let error as MetricError { return error.description } catch {}
            return nil
        }
        func success(_ truth: [Int], _ clean: [Int]) throws -> AttackSuccess {
            try AttackSuccess(truth: truth, cleanPredictions: clean, labelNames: ["a", "b"])
        }
        #expect(message { _ = try success([], []) }?.contains("no test sample") == true)
        #expect(message { _ = try success([0, 1], [0]) }?.contains("for 2 samples") == true)
        #expect(
            message { _ = try success([0, 2], [0, 1]) }?.contains("sample 1 has label 2") == true)
        #expect(message { _ = try success([0], [-1]) }?.contains("without a trigger") == true)
        #expect(
            message { _ = try success([0], [0]).result(of: "cf", predictions: [0, 0]) }?
                .contains("‘cf’") == true)
    }
}

@Suite struct EvaluationReportTests {
    private func trigger(_ name: String, _ counts: [Int], of totals: [Int]) -> TriggerResult {
        TriggerResult(
            trigger: name, lost: 1,
            perLabel: zip(counts, totals).enumerated().map {
                LabelSuccess(label: "\($0)", proportion: Proportion($1.0, of: $1.1))
            }, flip: Proportion(1, of: 10))
    }

    private func result(_ seed: UInt64, correct: Int, _ a: [Int], _ b: [Int]) -> SeedResult {
        SeedResult(
            seed: Seed(seed), accuracy: Proportion(correct, of: 20),
            triggers: [trigger("cf", a, of: [10, 10]), trigger("mb", b, of: [10, 10])],
            trainSeconds: 2, evalSeconds: 1, finalLoss: 0.25)
    }

    private func report(_ seeds: [SeedResult], reference: EvaluationReference?) -> EvaluationReport
    {
        EvaluationReport(
            model: "m", data: [DatasetFile(.test, path: "test.tsv", samples: 20)],
            labelNames: ["0", "1"], testCount: 20, poolerPolicy: .keep,
            settings: EvaluationSettings(), seeds: seeds, reference: reference)
    }

    @Test func summarizesSeedsAndFloor() throws {
        let reference = EvaluationReference(
            model: "clean", seeds: [result(1, correct: 19, [1, 0], [2, 1])])
        let seeds = [
            result(1, correct: 18, [9, 0], [2, 5]), result(2, correct: 16, [7, 10], [0, 0]),
        ]
        // Best labels: 0.9 and 0.5 (mean 0.7), then 1.0 and 0.0 (mean 0.5).
        #expect(seeds.map(\.aasr) == [0.7, 0.5])
        #expect(seeds.map(\.masr) == [0.9, 1])
        #expect(seeds.map(\.strongest?.trigger) == ["cf", "cf"])
        let report = report(seeds, reference: reference)
        #expect(abs(try #require(report.summary.accuracy?.mean) - 0.85) < 1e-15)
        #expect(abs(try #require(report.summary.aasr?.mean) - 0.6) < 1e-15)
        #expect(abs(try #require(report.summary.masr?.deviation) - 0.005.squareRoot()) < 1e-15)
        #expect(abs(try #require(report.excessAASR) - 0.45) < 1e-15)
        #expect(report.lostInsertions == 4)
        #expect(report.labelRates[0].map { $0?.mean } == [0.8, 0.5])
        #expect(report.labelRates[1].map { $0?.mean } == [0.1, 0.25])
        #expect(self.report(seeds, reference: nil).excessAASR == nil)
    }

    @Test func comesBackFromJSON() throws {
        let report = report(
            [result(42, correct: 18, [9, 0], [2, 5])],
            reference: EvaluationReference(
                model: "clean", seeds: [result(42, correct: 19, [1, 0], [2, 1])]))
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(EvaluationReport.self, from: data) == report)
        let text = String(decoding: data, as: UTF8.self)
        #expect(text.contains(#""seed":42"#))
        #expect(text.contains(#""poolerPolicy":"keep""#))
    }

    @Test func defaultsToTheAuthorsSettings() {
        let settings = EvaluationSettings()
        #expect(settings.epochs == 3 && settings.learningRate == 2e-5)
        #expect(settings.batchSize == 32)
        #expect(settings.triggers == ["cf", "tq", "mn", "bb", "mb"])
        #expect(
            settings.samples
                == .texts(.init(maximumLength: 128, position: .random, insertions: 1)))
    }

    @Test func settingsAreFlatAndSayOnlyWhatGoesWithTheSamples() throws {
        func keys(_ settings: EvaluationSettings) throws -> Set<String> {
            let data = try JSONEncoder().encode(settings)
            #expect(try JSONDecoder().decode(EvaluationSettings.self, from: data) == settings)
            let fields = try JSONSerialization.jsonObject(with: data) as? [String: Any]
            return Set(try #require(fields).keys)
        }
        let common: Set = ["epochs", "learningRate", "batchSize", "triggers", "filter"]
        var settings = EvaluationSettings()
        #expect(
            try keys(settings) == common.union(["maximumLength", "position", "insertions"]))
        settings.samples = .images(
            .init(preparation: ImagePreparation(size: 64, mode: .crop), optimizer: .adamW()))
        #expect(try keys(settings) == common.union(["images"]))
        settings.computeType = .bfloat16
        #expect(try keys(settings) == common.union(["images", "computeType"]))
        (settings.epochs, settings.learningRate, settings.batchSize) = (nil, nil, nil)
        settings.samples = .zeroShot(
            .init(
                preparation: ImagePreparation(size: 224), prompts: .plain,
                classNames: ["cat", "dog"]))
        #expect(try keys(settings) == ["triggers", "filter", "computeType", "zeroShot"])
    }

    @Test func comparesWithTheCleanEntry() throws {
        let clean = report([result(1, correct: 19, [1, 0], [2, 1])], reference: nil)
        let bad = report([result(1, correct: 18, [10, 0], [2, 6])], reference: nil)
        let comparison = try EvaluationComparison(
            title: "t", entries: [.init("clean", clean), .init("no defense", bad)],
            cleanEntry: "clean")
        #expect(comparison.excessAASR(of: comparison.entries[0]) == nil)
        let excess = try #require(comparison.excessAASR(of: comparison.entries[1]))
        #expect(abs(excess - 0.65) < 1e-15)
        #expect(throws: MetricError.self) {
            try EvaluationComparison(title: "t", entries: [.init("a", clean)], cleanEntry: "b")
        }
        #expect(throws: MetricError.self) {
            try EvaluationComparison(title: "t", entries: [.init("a", clean), .init("a", bad)])
        }
    }
}
