import DataPipeline
import Evaluation
import Experiments
import Foundation
import ModelZoo
import Randomness
import Testing
import Torch
import TorchNN
import Training

@testable import Documents
@testable import Reports

/// Evaluations of 20 test samples, made of counts.
private enum Sample {
    static func seed(_ seed: UInt64, correct: Int, cf: [Int], mb: [Int], lost: Int = 0)
        -> SeedResult
    {
        let triggers = [("cf", cf), ("mb", mb)].map { name, counts in
            TriggerResult(
                trigger: name, lost: lost,
                perLabel: zip(["negative", "positive"], counts).map {
                    LabelSuccess(label: $0, proportion: Proportion($1, of: 10))
                }, flip: Proportion(5, of: 20))
        }
        return SeedResult(
            seed: Seed(seed), accuracy: Proportion(correct, of: 20), triggers: triggers,
            trainSeconds: 12.34, evalSeconds: 1, finalLoss: 0.25)
    }

    static let clean = [seed(42, correct: 19, cf: [1, 0], mb: [2, 1])]
    static let bad = [seed(42, correct: 18, cf: [10, 0], mb: [2, 6], lost: 3)]
    static let scattered = [
        seed(42, correct: 18, cf: [10, 0], mb: [2, 6]),
        seed(43, correct: 16, cf: [8, 0], mb: [2, 4]),
    ]

    static func report(
        _ seeds: [SeedResult], reference: EvaluationReference? = nil,
        pooler: PoolerPolicy = .keep
    ) -> EvaluationReport {
        var settings = EvaluationSettings()
        settings.triggers = ["cf", "mb"]
        return EvaluationReport(
            model: "models/por",
            data: [
                DatasetFile(.train, path: "train.tsv", samples: 100),
                DatasetFile(.test, path: "test.tsv", samples: 20),
            ], labelNames: ["negative", "positive"], testCount: 20, poolerPolicy: pooler,
            settings: settings, command: "recipe evaluate models/por", seeds: seeds,
            reference: reference)
    }
}

extension ReportDocument {
    fileprivate func block<Found>(_ section: String, _ match: (ReportBlock) -> Found?) -> Found? {
        sections.first { $0.title == section }?.blocks.lazy.compactMap(match).first
    }

    fileprivate func table(_ section: String) -> ReportTable? {
        block(section) { if case .table(let table) = $0 { table } else { nil } }
    }
}

@Suite struct EvaluationDocumentTests {
    @Test func showsWhatWasToldByPrompts() throws {
        var settings = EvaluationSettings()
        (settings.epochs, settings.learningRate, settings.batchSize) = (nil, nil, nil)
        settings.triggers = ["cf", "mb"]
        settings.samples = .zeroShot(
            .init(
                preparation: ImagePreparation(size: 224), prompts: .plain,
                classNames: ["bad", "good"]))
        let result = Sample.bad[0]
        let report = EvaluationReport(
            model: "clip", data: [DatasetFile(.test, path: "images", samples: 20)],
            labelNames: ["negative", "positive"], testCount: 20, settings: settings,
            seeds: [
                SeedResult(
                    seed: nil, accuracy: result.accuracy, triggers: result.triggers,
                    trainSeconds: 0, evalSeconds: 1)
            ])
        let document = EvaluationDocument(report).document
        #expect(document.summary?.plain == "20 test samples of 2 labels, 2 triggers, zero-shot")
        #expect(
            document.sections.map(\.title)
                == ["Results", "Triggers", "Settings", "What the numbers mean"])
        let text = MarkdownRenderer().render(document)
        for words in ["a photo of a {}.", "bad, good", "nothing was trained"] {
            #expect(text.contains(words), "\(words)")
        }
        for words in ["Epochs", "scatter between runs", "Cut off"] {
            #expect(!text.contains(words), "\(words)")
        }
    }

    @Test func showsOneSeedWithIntervalsAboveItsFloor() throws {
        let report = Sample.report(
            Sample.bad, reference: EvaluationReference(model: "clean", seeds: Sample.clean))
        let table = try #require(EvaluationDocument(report).document.table("Results"))
        // 18 of 20 and 10 of 10, by Wilson's formula; AASR is the mean of 100 and 60.
        #expect(
            MarkdownRenderer().render(table) == """
                | Model | Pooler | ACC (%) | AASR (%) | MASR (%) | Excess AASR (points) |
                | :--- | :--- | ---: | ---: | ---: | ---: |
                | clean (floor) | keep | 95.00 [76.39, 99.11] | 15.00 | 20.00 [5.67, 50.98] | – |
                | models/por | keep | 90.00 [69.90, 97.21] | 80.00 | 100.00 [72.25, 100.00] | 65.00 |
                """)
    }

    @Test func showsSeveralSeedsWithDeviations() throws {
        let document = EvaluationDocument(Sample.report(Sample.scattered)).document
        // ACC 90 and 80, AASR 80 and 60, MASR 100 and 80: √50 = 7.07 and √200 = 14.14.
        #expect(
            MarkdownRenderer().render(try #require(document.table("Results"))) == """
                | Model | Pooler | ACC (%) | AASR (%) | MASR (%) |
                | :--- | :--- | ---: | ---: | ---: |
                | models/por | keep | 85.00 ± 7.07 | 70.00 ± 14.14 | 90.00 ± 14.14 |
                """)
        #expect(try #require(document.table("Seeds")).rows.count == 2)
        #expect(
            document.summary?.plain
                == "20 test samples of 2 labels, 2 triggers, seeds 42, 43")
    }

    @Test func mapsSuccessByTriggerAndLabel() throws {
        let document = EvaluationDocument(Sample.report(Sample.scattered)).document
        let grid = try #require(
            document.block("Triggers") { if case .heatMap(let grid) = $0 { grid } else { nil } })
        #expect(grid.rows == ["cf", "mb"] && grid.columns == ["negative", "positive"])
        #expect(grid.values == [[90, 0], [20, 50]])
        let table = MarkdownRenderer().render(try #require(document.table("Triggers")))
        #expect(
            table.contains("| `cf` | negative | 90.00 ± 14.14 | 25.00 ± 0.00 | 0 |"), "\(table)")
    }

    @Test func warnsOfLostInsertionsAndSingleRuns() {
        func callouts(_ seeds: [SeedResult]) -> [String] {
            EvaluationDocument(Sample.report(seeds)).document.sections[0].blocks.compactMap {
                if case .callout(let callout) = $0 { callout.text.plain } else { nil }
            }
        }
        #expect(
            callouts(Sample.bad).map { String($0.prefix(12)) } == ["6 insertions", "A row of one"])
        #expect(callouts(Sample.scattered) == [])
    }

    @Test func tellsCommandsDataAndWhatNumbersMean() {
        let document = EvaluationDocument(Sample.report(Sample.bad, pooler: .reset)).document
        let text = MarkdownRenderer().render(document)
        #expect(text.contains("recipe evaluate models/por"))
        #expect(text.contains("`train.tsv`, 100 samples"))
        #expect(text.contains("2e-5"))
        #expect(text.contains("*of those whose true label is another*"))
        #expect(text.contains("fresh pooler"))
        let kept = EvaluationDocument(Sample.report(Sample.bad)).document
        #expect(!MarkdownRenderer().render(kept).contains("fresh pooler"))
    }

    @Test func comparesModels() throws {
        let comparison = try EvaluationComparison(
            title: "SST-2",
            entries: [
                .init("clean", Sample.report(Sample.clean)),
                .init("no defense", Sample.report(Sample.bad)),
                .init("purified", Sample.report(Sample.scattered, pooler: .reset)),
            ], cleanEntry: "clean")
        let document = EvaluationDocument(comparison).document
        #expect(
            MarkdownRenderer().render(try #require(document.table("Results"))) == """
                | Model | Pooler | ACC (%) | AASR (%) | MASR (%) | Excess AASR (points) |
                | :--- | :--- | ---: | ---: | ---: | ---: |
                | clean (floor) | keep | 95.00 [76.39, 99.11] | 15.00 | 20.00 [5.67, 50.98] | – |
                | no defense | keep | 90.00 [69.90, 97.21] | 80.00 | 100.00 [72.25, 100.00] | 65.00 |
                | purified | reset | 85.00 ± 7.07 | 70.00 ± 14.14 | 90.00 ± 14.14 | 55.00 |
                """)
        let bars = try #require(
            document.block("Results") { if case .barChart(let bars) = $0 { bars } else { nil } })
        let heights = bars.series.map { $0.bars.map { ($0?.value ?? .nan).rounded() } }
        #expect(heights == [[95, 90, 85], [15, 80, 70], [20, 100, 90]])
        #expect(bars.series[2].bars[2]?.interval?.upperBound == 100)
        #expect(HTMLRenderer().render(document).contains("</html>"))
    }

    @Test func marksTheBestWhereThereIsNoFloor() throws {
        let comparison = try EvaluationComparison(
            title: "t",
            entries: [
                .init("a", Sample.report(Sample.clean)), .init("b", Sample.report(Sample.bad)),
            ])
        let table = try #require(EvaluationDocument(comparison).document.table("Results"))
        #expect(table.bestCells.map(\.row) == [0, 0, 0])
        #expect(table.columns.count == 5)
    }

    @Test func showsOfImagesWhatGoesWithImages() throws {
        var settings = EvaluationSettings()
        settings.samples = .images(
            .init(preparation: ImagePreparation(size: 64), optimizer: .sgd()))
        let report = EvaluationReport(
            model: "vgg", data: [DatasetFile(.train, path: "signs", samples: 90, skipped: 2)],
            labelNames: ["13", "38"], testCount: 20, settings: settings, seeds: Sample.clean)
        let document = EvaluationDocument(report).document
        let results = try #require(document.table("Results"))
        #expect(MarkdownRenderer().render(results).hasPrefix("| Model | ACC (%) |"))
        #expect(results.rows[0].count == 4)
        #expect(try #require(document.table("Triggers")).rows[0].count == 4)
        let text = MarkdownRenderer().render(document)
        for part in [
            "`signs`, 90 samples, 2 more damaged", "64 pixels a side, bilinear, stretch",
            "SGD, at a constant rate",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        for part in ["Pooler", "pooler", "tokens", "Insertions", "Trigger position", "Cut off"] {
            #expect(!text.contains(part), "\(part)")
        }
    }

    @Test func tellsWhatWasTestedOnAndTrainedOn() throws {
        func report(_ shared: String, model: String = "m") throws -> EvaluationReport {
            EvaluationReport(
                model: model, data: [], labelNames: ["negative", "positive"], testCount: 20,
                sharedSamples: try JSONDecoder().decode(
                    SharedSamples.self, from: Data(shared.utf8)),
                settings: EvaluationSettings(), seeds: Sample.scattered)
        }
        let some = try report(
            #"{"count":3,"relabelled":1,"example":{"test":"b/9.png","train":"a/7.png"}}"#)
        let words =
            "3 of 20 test samples are training samples too (1 with another label), such as "
            + "b/9.png, which is a/7.png"
        #expect(MarkdownRenderer().render(EvaluationDocument(some).document).contains(words))
        #expect(HTMLRenderer().render(EvaluationDocument(some).document).contains(words))
        let none = EvaluationDocument(try report(#"{"count":0,"relabelled":0}"#)).document
        #expect(!MarkdownRenderer().render(none).contains("training samples too"))
        // Evaluations on one task say it once.
        let comparison = try EvaluationComparison(
            title: "t", entries: [.init("a", some), .init("b", some)])
        let text = MarkdownRenderer().render(EvaluationDocument(comparison).document)
        #expect(text.components(separatedBy: words).count == 2)
    }

    @Test func showsPrecisionAndTheCleanModelsOwnPreparation() {
        var settings = EvaluationSettings()
        settings.computeType = .bfloat16
        settings.samples = .images(.init(preparation: ImagePreparation(size: 64)))
        let report = EvaluationReport(
            model: "vgg", data: [], labelNames: ["13", "38"], testCount: 20, settings: settings,
            seeds: Sample.bad,
            reference: EvaluationReference(
                model: "clean",
                preparation: ImagePreparation(size: 32, filter: .bicubic, mode: .crop),
                seeds: Sample.clean))
        let text = MarkdownRenderer().render(EvaluationDocument(report).document)
        #expect(text.contains("bfloat16") && text.contains("32 pixels a side, bicubic, crop"))
        #expect(text.contains("64 pixels a side, bilinear, stretch"))
    }

    @Test func holdsUpWithoutTriggersOrSeeds() {
        let empty = EvaluationDocument(Sample.report([])).document
        #expect(MarkdownRenderer().render(empty).contains("No trigger was tested."))
    }
}

@Suite struct PurificationDocumentTests {
    private func name(_ layer: Int) -> String {
        "bert.encoder.layer.\(layer).intermediate.dense.weight"
    }

    private var summary: PurificationSummary {
        PurificationSummary(
            model: "models/por", output: "out", command: "recipe purify models/por -o out",
            settings: [.init("Weight", "1")],
            auxiliary: .init(
                files: ["books.tsv"], .texts(20000, tokens: 300_000, truncated: 7)),
            epochs: [0.9, 0.5].map { ratio in
                .init(
                    losses: ["mlm": 2 * ratio, "norm": 700 * ratio],
                    normRatios: [name(2): ratio, name(10): ratio / 2])
            },
            throughput: .init(
                steps: 1250, seconds: 60, samplesPerSecond: 666.66, firstStepSeconds: 0.5),
            changedTensors: 2, tensors: 199, omittedFiles: ["flax_model.msgpack"],
            warnings: [Caveat(.untrainedHead, "the head is fresh")])
    }

    @Test func drawsLossesAndNorms() {
        let document = PurificationDocument(summary).document
        let charts = document.sections.flatMap(\.blocks).compactMap { block in
            if case .lineChart(let chart) = block { chart } else { nil }
        }
        #expect(
            charts.map { $0.series.map(\.name) } == [["mlm"], ["norm"], ["layer 2", "layer 10"]])
        #expect(charts[0].series[0].points == [.init(1, 1.8), .init(2, 1)])
        #expect(charts[2].series[1].points == [.init(0, 1), .init(1, 0.45), .init(2, 0.25)])
    }

    @Test func tellsWhatWasWritten() {
        let text = MarkdownRenderer().render(PurificationDocument(summary).document)
        for part in [
            "2 of 199 tensors changed", "666.7 texts a second", "`flax_model.msgpack`",
            "the head is fresh", "recipe purify models/por -o out", "20000, 7 of them cut",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test func shortensNames() {
        #expect(PurificationDocument.shortNames(["a.0.w", "a.1.w"]) == ["layer 0", "layer 1"])
        #expect(PurificationDocument.shortNames(["a.0.q.w", "a.1.k.w"]) == ["0.q", "1.k"])
        #expect(PurificationDocument.shortNames(["a.b", "a.b.c"]) == ["b", "b.c"])
        #expect(PurificationDocument.shortNames(["a.0.w"]) == ["a.0.w"])
        #expect(PurificationDocument.shortNames([]) == [])
    }

    @Test func holdsUpWithoutAnEpoch() {
        var summary = summary
        summary.epochs = []
        let text = MarkdownRenderer().render(PurificationDocument(summary).document)
        #expect(text.contains("No epoch was finished.") && text.contains("No norm was watched."))
    }
}
