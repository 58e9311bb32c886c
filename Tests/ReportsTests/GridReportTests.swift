import DataPipeline
import Documents
import Evaluation
import Experiments
import Foundation
import Randomness
import TestSupport
import Testing

@testable import Reports

@Suite struct GridReportTests {
    private let report = GridReport(GridSample.results)

    private var figures: [GridFigure] {
        report.items.compactMap { if case .figure(let figure) = $0 { figure } else { nil } }
    }

    @Test func writesEverySectionInThePlansOrder() {
        #expect(
            report.document.sections.map(\.title) == [
                "Not finished", "Table 1 (b)", "Figure 3", "Figure 2", "Losses",
                "Norms of the regularized weights", "Attack success by trigger and label",
                "How to read the tables", "Stages",
            ])
        let text = MarkdownRenderer().render(report.document)
        #expect(text.contains("Of 12 stages, 1 failed, 1 waiting."))
        #expect(text.contains("10 of 12 stages done, in 1 h 19 min in all"))
        #expect(text.contains("| `evaluate-por-fp-hsol` | evaluate |"))
        #expect(text.contains("√(a² + b²)") && text.contains("the paper's own"))
        #expect(!text.contains("†"), "nothing is partial")
    }

    @Test func drawsCurvesOverEpochs() throws {
        let chart = try #require(figures[0].lines.first)
        #expect(chart.xTitle == "epoch" && chart.series.map(\.name) == ["ACC", "MASR"])
        #expect(chart.series[1].points.map(\.x) == [0, 8])
        #expect(chart.series[1].points.map(\.y) == [99, 12.4])
        let interval = try #require(chart.series[1].points[1].interval)
        #expect(interval.contains(12.4) && interval.upperBound < 20)
    }

    @Test func drawsOverlapLossesNormsAndSuccess() throws {
        #expect(figures[1].bars.first?.categories == ["analyze-por"])
        #expect(figures[1].bars.first?.series.map { $0.bars[0]?.value } == [60, 85])
        #expect(figures[2].lines.map(\.title) == ["Loss: mlm", "Loss: norm"])
        #expect(figures[3].lines[0].series.map(\.name) == ["layer 0", "layer 1"])
        #expect(figures[3].lines[0].series[1].points.map(\.y) == [1, 0.5, 0.25])
        #expect(
            figures[4].maps.map(\.title)
                == ["w/o defense", "FP", "RECIPE"].map { "ASR (%): \($0)" })
        #expect(figures[4].maps[2].values == [[13.4, 1], [13, 1]])
    }

    @Test func showsSeveralRunsNormsAsMeans() throws {
        let runs = ["a", "b"].map {
            StageResult(
                name: $0, command: "purify", labels: [:], state: .done,
                outcome: .training(GridSample.training))
        }
        let chart = try #require(GridFigure(FigurePlan(.norms), of: runs).lines.first)
        #expect(chart.series.map(\.name) == ["a", "b"])
        #expect(chart.series[0].points.map(\.y) == [1, 0.75, 0.375])
        #expect(chart.series[0].points[1].interval == 0.5...1)
    }

    @Test func saysWhatAFigureLacks() {
        let waiting = StageResult(name: "p", command: "purify", labels: [:], state: .waiting)
        #expect(
            GridFigure(FigurePlan(.norms), of: [waiting]).warnings
                == ["not in it: p (waiting)", "there is nothing to draw yet"])
    }

    @Test func writesALineANumber() {
        let lines = CSVRenderer().render(report.cells).split(separator: "\n")
        #expect(
            lines[0]
                == "table,attack,defense,task,metric,floor,mean,deviation,low,high,runs,paper,mark,state"
        )
        // 6 rows of 2 tasks and 4 metrics, and the header.
        #expect(lines.count == 6 * 2 * 4 + 1)
        #expect(
            lines.contains {
                $0.hasPrefix("Table 1 (b),por,recipe,sst2,aasr,,13.2,0.28")
                    && $0.hasSuffix(",,,2,11.96,best,measured")
            }, "\(lines)")
        #expect(lines.contains("Table 1 (b),por,fp,hsol,acc,,,,,,0,95.51,,failed"))
    }

    @Test func isTheSameAfterJSON() throws {
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        let data = try encoder.encode(report)
        #expect(try JSONDecoder().decode(GridReport.self, from: data) == report)
    }

    @Test func suggestsALayoutWhereThePlanHasNone() {
        var results = GridSample.results
        results.plan = nil
        let report = GridReport(results)
        #expect(report.tables.map(\.plan.rows) == [["attack", "defense", "epoch"]])
        #expect(report.items.count == 4)
        #expect(GridReport(GridResults(title: "t", stages: [])).items.isEmpty)
        #expect(
            MarkdownRenderer().render(GridReport(GridResults(title: "t", stages: [])).document)
                .contains("0 of 0 stages"))
    }

    @Test func keepsHostileNamesFromThePage() {
        let hostile = "<script>alert(1)</script>|`*_[x](https://a.b)\u{1B}[31m\u{202E}\0"
        var results = GridSample.results
        results.title = hostile
        results.plan = ReportPlan([
            .table(TablePlan(hostile, about: hostile, names: ["por": hostile])),
            .figure(FigurePlan(.success, title: hostile, names: ["por": hostile])),
        ])
        results.stages[3].name = hostile
        results.stages[3].labels["defense"] = hostile
        results.stages[4].outcome = .unreadable(hostile)
        let document = GridReport(results).document
        let page = HTMLRenderer().render(document)
        #expect(!page.contains("<script") && page.contains("&lt;script&gt;"))
        #expect(!MarkdownRenderer().render(document).contains("<script"))
    }
}

@Suite struct GridResultsTests {
    private func write(_ text: String, _ path: String, in folder: URL) throws {
        let file = folder.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// Writes the record of a run with these stages.
    private func write(_ stages: [GridRecord.Stage], report: ReportPlan? = nil, in folder: URL)
        throws
    {
        let record = GridRecord(title: "t", about: "a", stages: stages, report: report)
        let text = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
        try write(text, "grid.json", in: folder)
    }

    private func stage(
        _ name: String, _ command: String, folder: String? = nil, state: StageState = .done
    ) -> GridRecord.Stage {
        GridRecord.Stage(
            name: name, command: command, folder: folder ?? "stages/\(name)", state: state)
    }

    @Test func readsARunAndItsReports() throws {
        try withTemporaryFolder { folder in
            try write(
                [
                    stage("p", "recipe purify m", state: .cached), stage("e", "evaluate"),
                    stage("n", "analyze"), stage("lost", "evaluate"),
                    stage("out", "evaluate", folder: "../../etc"),
                    stage("later", "evaluate", state: .waiting),
                ], report: ReportPlan([.table(TablePlan("x", rows: ["attack"]))]), in: folder)
            let encoder = JSONEncoder()
            let training = String(
                decoding: try encoder.encode(["training": GridSample.training]), as: UTF8.self)
            try write(training, "stages/p/report.json", in: folder)
            let evaluation = GridSample.evaluation([(900, 10, 20)])
            try write(
                String(decoding: try encoder.encode(evaluation), as: UTF8.self),
                "stages/e/report.json", in: folder)
            // Means over triggers, of which one was not looked at after.
            let whole = neuronAnalysis(after: true)
            let neurons = NeuronReport(
                model: whole.model, samples: whole.samples, layers: whole.layers,
                settings: whole.settings,
                triggers: [
                    whole.triggers[0], neuronAnalysis(after: false, poisoned: 4).triggers[1],
                ], seconds: 1)
            try write(
                String(decoding: try encoder.encode(neurons), as: UTF8.self),
                "stages/n/report.json", in: folder)
            let results = try GridResults(folder: folder)
            #expect(results.plan?.items.count == 1)
            #expect(results.stages.map(\.name) == ["p", "e", "n", "lost", "out", "later"])
            #expect(results.stages[0].training == GridSample.training)
            #expect(results.stages[1].evaluation == evaluation)
            #expect(
                results.stages[2].neurons
                    == NeuronCounts(
                        before: .init(overlap: 0.75, onlyPoisoned: 2),
                        after: .init(overlap: 0.75, onlyPoisoned: 2)))
            let reasons = results.stages[3...4].map { stage -> String in
                if case .unreadable(let reason) = stage.outcome { reason } else { "" }
            }
            #expect(reasons[0] == "stages/lost/report.json is missing")
            #expect(reasons[1].contains("not within the run"))
            #expect(results.stages[5].outcome == nil)
        }
    }

    @Test func showsBothPoolersAsTwo() throws {
        try withTemporaryFolder { folder in
            try write([stage("e", "evaluate")], in: folder)
            let comparison = try EvaluationComparison(
                title: "t",
                entries: ["keep", "reset"].map {
                    .init("pooler \($0)", GridSample.evaluation([(1, 1, 1)]))
                })
            try write(
                String(decoding: try JSONEncoder().encode(comparison), as: UTF8.self),
                "stages/e/report.json", in: folder)
            let stages = try GridResults(folder: folder).stages
            #expect(stages.map(\.name) == ["e, pooler keep", "e, pooler reset"])
            #expect(stages.allSatisfy { $0.labels["pooler"] == "keep" })
        }
    }

    @Test func refusesWhatIsNoRun() throws {
        try withTemporaryFolder { folder in
            #expect(throws: (any Error).self) { try GridResults(folder: folder) }
            for text in ["", "[]", "{}", #"{"title":"t","stages":[{"name":"x"}]}"#] {
                try write(text, "grid.json", in: folder)
                #expect(throws: (any Error).self) { try GridResults(folder: folder) }
            }
        }
    }

    @Test func keepsDamagedReportsAsWhatTheyAre() throws {
        try withTemporaryFolder { folder in
            try write([stage("e", "evaluate")], in: folder)
            for text in ["", "{}", "[[", "{\"model\": 3}"] {
                try write(text, "stages/e/report.json", in: folder)
                let stage = try #require(try GridResults(folder: folder).stages.first)
                guard case .unreadable = stage.outcome else {
                    Issue.record("\(text): \(String(describing: stage.outcome))")
                    continue
                }
            }
        }
    }
}

@Suite struct DamagedResultsTests {
    @Test func holdsUpAgainstNumbersThatAreNone() throws {
        let neurons = [1e308, -1e308, 1e308].map { number in
            StageResult(
                name: "n\(number)", command: "analyze", labels: ["attack": "a", "task": "t"],
                state: .done,
                outcome: .neurons(
                    NeuronCounts(before: .init(overlap: number, onlyPoisoned: number))))
        }
        var evaluations: [StageResult] = []
        for rate in ["1e300", "-7", "\"NaN\""] {
            let encoded = try JSONEncoder().encode(
                GridSample.evaluation([(900, 50, 50), (901, 60, 50)]))
            let text = String(decoding: encoded, as: UTF8.self)
                .replacing(#/"aasr":0\.1[0-9]*/#, with: "\"aasr\":\(rate)")
            let decoder = JSONDecoder()
            decoder.nonConformingFloatDecodingStrategy = .convertFromString(
                positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
            var stage = GridSample.stage("a", rate, "t", seed: "1", extra: ["epoch": "1"])
            let report = try decoder.decode(EvaluationReport.self, from: Data(text.utf8))
            #expect(report.seeds[0].aasr != 0.1, "the number was put in")
            stage.outcome = .evaluation(report)
            evaluations.append(stage)
        }
        let plan = ReportPlan([
            .table(TablePlan("t", metrics: ReportMetric.allCases)),
            .figure(FigurePlan(.curve, y: ReportMetric.allCases)), .figure(FigurePlan(.overlap)),
            .figure(FigurePlan(.success)),
        ])
        let results = GridResults(title: "t", plan: plan, stages: neurons + evaluations)
        let document = GridReport(results).document
        #expect(HTMLRenderer().render(document).hasSuffix("</html>\n"))
        #expect(!MarkdownRenderer().render(document).isEmpty)
        #expect(!TerminalRenderer().render(document).isEmpty)
    }

    @Test func passesOnWhatEvaluationsWarnOf() throws {
        var settings = EvaluationSettings()
        settings.filter = .cleanCorrect
        let shared = #"{"count":3,"relabelled":0,"example":{"test":"b","train":"a"}}"#
        var stage = GridSample.stage("a", "b", "t")
        stage.outcome = .evaluation(
            EvaluationReport(
                model: "m", data: [], labelNames: ["x"], testCount: 20,
                sharedSamples: try JSONDecoder().decode(
                    SharedSamples.self, from: Data(shared.utf8)), settings: settings,
                seeds: [
                    SeedResult(
                        seed: Seed(1), accuracy: Proportion(1, of: 2),
                        triggers: [
                            TriggerResult(
                                trigger: "cf", lost: 7, perLabel: [], flip: Proportion(0, of: 2))
                        ], trainSeconds: 1, evalSeconds: 1)
                ]))
        let warnings = GridTable(TablePlan("t"), of: [stage]).warnings
        #expect(warnings.count == 3)
        #expect(warnings.first?.hasPrefix("7 insertions") ?? false)
        #expect(warnings.last?.contains("3 of 20 test samples are training samples too") ?? false)
    }
}

@Suite struct GroupedTableTests {
    private let table = ReportTable(
        [
            .init("Attack"), .init("Defense"), .init("ACC", in: "A", kind: .number),
            .init("ASR", in: "A", kind: .number), .init("ACC", in: "B", kind: .number),
        ],
        rows: [
            ["por", "none", .number(1), .number(2), .number(3)],
            ["por", "recipe", .number(4), .number(5), .missing],
            ["bad", "none", .number(7), .number(8), .number(9)],
        ], groupsRows: true,
        annotations: [
            .init(row: 0, column: 2): .init(isBest: true, isTied: true, paper: 91.87),
            .init(row: 1, column: 3): .init(isTied: true, isPartial: true),
        ])

    @Test func spansColumnsAndRowsInHTML() throws {
        let page = HTMLRenderer().render(
            ReportDocument(title: "t", sections: [ReportSection("s", [.table(table)])]))
        #expect(page.contains(#"<th scope="col" class="left" rowspan="2">Attack</th>"#))
        #expect(page.contains(#"<th scope="colgroup" class="center" colspan="2">A</th>"#))
        #expect(page.contains(#"<th scope="rowgroup" class="left" rowspan="2">por</th>"#))
        #expect(page.contains(#"<tr class="group"><th scope="row" class="left">bad</th>"#))
        #expect(
            page.contains(
                #"<td class="right best edge"><strong>1.0</strong><br><small>paper 91.9</small></td>"#
            ))
        #expect(page.contains(#"<td class="right tied">5.0 ≈ †</td>"#))
    }

    @Test func namesAGroupOnceInMarkdownAndAlwaysInCSV() {
        #expect(
            MarkdownRenderer().render(table) == """
                | Attack | Defense | A ACC | A ASR | B ACC |
                | :--- | :--- | ---: | ---: | ---: |
                | por | none | **1.0** *(91.9)* | 2.0 | 3.0 |
                |  | recipe | 4.0 | 5.0 ≈ † | – |
                | bad | none | 7.0 | 8.0 | 9.0 |
                """)
        #expect(
            CSVRenderer().render(table) == """
                Attack,Defense,A ACC,A ACC paper,A ASR,B ACC
                por,none,1,91.87,2,3
                por,recipe,4,,5,
                bad,none,7,,8,9

                """)
        let plain = TerminalRenderer(usesUnicode: false).render(table)
        #expect(plain.contains("1.0* (91.9)") && plain.contains("5.0 ≈ †"), "\(plain)")
    }

    @Test func makesATableEachWhereATerminalIsNarrow() {
        var table = table
        table.rows[0][4] = .interval(3, low: 1, high: 9)
        let wide = TerminalRenderer(width: 80, usesUnicode: false).render(table)
        #expect(wide.contains("A ACC") && wide.contains("B ACC") && !wide.contains("[1.0"))
        let narrow = TerminalRenderer(width: 40, usesUnicode: false).render(table)
        #expect(narrow.hasPrefix("A\nAttack"), "\(narrow)")
        #expect(narrow.contains("\n\nB\n"), "\(narrow)")
        #expect(narrow.split(separator: "\n").allSatisfy { $0.count <= 40 }, "\(narrow)")
    }
}
