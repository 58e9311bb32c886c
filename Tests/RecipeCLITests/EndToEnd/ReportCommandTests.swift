import Foundation
import RecipeKit
import TestSupport
import Testing

/// The report of a run of many stages, as a user asks for it.
@Suite struct ReportCommandTests {
    private struct Run {
        let folder: URL
        let tool: Tool

        init(in folder: URL) throws {
            self.folder = folder
            tool = Tool(folder: folder)
            let labels = { (attack: String) in
                ["attack": attack, "defense": "recipe", "task": "sst2"]
            }
            let record = GridRecord(
                title: "A run",
                stages: [
                    GridRecord.Stage(
                        name: "e-por", command: "evaluate", labels: labels("por"),
                        folder: "stages/e-por", state: .done, seconds: 2),
                    GridRecord.Stage(
                        name: "p-por", command: "purify", folder: "stages/p-por", state: .done),
                    GridRecord.Stage(
                        name: "e-bad", command: "evaluate", labels: labels("badpre"),
                        folder: "stages/e-bad", state: .failed),
                ],
                report: ReportPlan([
                    .table(
                        TablePlan(
                            "Table 1", paper: PaperReference(table: 1, fixed: [.model: "bert"]))),
                    .figure(FigurePlan(.success)),
                ]))
            try write(
                String(decoding: try JSONEncoder().encode(record), as: UTF8.self),
                to: "run/grid.json")
            let results = SeedResult(
                seed: Seed(42), accuracy: Proportion(9, of: 10),
                triggers: [
                    TriggerResult(
                        trigger: "cf", lost: 0,
                        perLabel: [LabelSuccess(label: "0", proportion: Proportion(1, of: 8))],
                        flip: Proportion(1, of: 10))
                ], trainSeconds: 1, evalSeconds: 1)
            let report = EvaluationReport(
                model: "m", data: [], labelNames: ["0"], testCount: 10,
                settings: EvaluationSettings(), seeds: [results])
            try write(
                String(decoding: try JSONEncoder().encode(report), as: UTF8.self),
                to: "run/stages/e-por/report.json")
            try write(
                String(
                    contentsOf: Fixture("tensorboard").file("events.jsonl"), encoding: .utf8),
                to: "run/stages/p-por/model.run/events.jsonl")
        }

        func write(_ text: String, to path: String) throws {
            let file = folder.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }

        func text(_ path: String) throws -> String {
            try String(contentsOf: folder.appending(path: path), encoding: .utf8)
        }

        func exists(_ path: String) -> Bool {
            FileManager.default.fileExists(atPath: folder.appending(path: path).path)
        }
    }

    @Test func writesAllForms() throws {
        try withTemporaryFolder { folder in
            let run = try Run(in: folder)
            let text = try run.tool.run("report run -o out")
            #expect(text.status == 0, "\(text.errors)")
            #expect(text.output.contains("90.00 (90.61)"), "\(text.output)")
            #expect(text.output.contains("failed: e-bad") || text.output.contains("Failed: e-bad"))
            for name in ["report.json", "report.md", "report.html", "results.csv"] {
                #expect(run.exists("out/\(name)"), "\(name)")
            }
            let page = try run.text("out/report.md")
            #expect(page.contains("](figures/1-"), "\(page)")
            for match in page.matches(of: #/\]\((figures\/[^)]+)\)/#) {
                #expect(run.exists("out/\(match.output.1)"), "\(match.output.1)")
            }
            let csv = try run.tool.run("report run --format csv")
            #expect(csv.output.contains("Table 1,por,recipe,sst2,acc,,90,,"))
            let json = try run.tool.run("report run --format json").json()
            #expect((json["stages"] as? [Any])?.count == 3)
            #expect(try run.tool.run("report run --format none -o out").status == 2)
            #expect(try run.tool.run("report run --format none -o out --force").status == 0)
        }
    }

    @Test func refusesToReplaceTheRun() throws {
        try withTemporaryFolder { folder in
            let run = try Run(in: folder)
            for output in ["run", "run/stages", ".", "run/stages/e-por/new"] {
                let outcome = try run.tool.run("report run --force -o \(output)")
                #expect(outcome.status == 2, "\(output)")
            }
            #expect(run.exists("run/grid.json") && run.exists("run/stages/e-por/report.json"))
            #expect(try run.tool.run("report run --format none -o run/report").status == 0)
        }
    }

    @Test func takesAnotherLayoutAndNamesWhatIsWrongInIt() throws {
        try withTemporaryFolder { folder in
            let run = try Run(in: folder)
            try run.write(
                """
                title: other keys of a plan do not matter here
                report:
                  - table: By task
                    where: {defense: recipe, task: [sst2, hsol]}
                    rows: [attack]
                    metrics: [masr]
                    names: {por: The first}
                """, to: "good.yaml")
            let good = try run.tool.run("report run --layout good.yaml --format markdown")
            #expect(good.output.contains("| The first | 12.50 [2.24, 47.09] |"), "\(good.output)")
            for (text, message) in [
                ("report: [{table: x, row: [attack]}]", "unknown key ‘row’: expected one of table"),
                ("report: [{table: x, metrics: [asr]}]", "‘asr’ is not known: expected one of acc"),
                ("report: [{figure: pie}]", "‘pie’ is not known: expected one of curve"),
                ("report: [{rows: [a]}]", "expected either the key ‘table’ or the key ‘figure’"),
                (
                    "report: [{table: x, paper: {table: 11}}]",
                    "the paper has no table 11: expected 1 to 10"
                ),
                ("report: [{table: x, paper: {table: 1, from: {x: y}}}]", "unknown key ‘x’"),
                ("report: [{table: x, rows: []}]", "expected at least one of ‘rows’"),
                ("tables: []", "the key ‘report’ is missing"), ("report: [", "is no valid YAML"),
            ] {
                try run.write(text, to: "bad.yaml")
                let bad = try run.tool.run("report run --layout bad.yaml")
                #expect(bad.status == 2 && bad.errors.contains(message), "\(text): \(bad.errors)")
            }
        }
    }

    @Test func writesEventFiles() throws {
        try withTemporaryFolder { folder in
            let run = try Run(in: folder)
            let file = "p-por/model.run/events.out.tfevents.recipe"
            let grid = try run.tool.run("report run --tensorboard curves --format none")
            #expect(grid.status == 0, "\(grid.errors)")
            #expect(run.exists("curves/\(file)"))
            let single = try run.tool.run(
                "report run/stages/p-por/model.run --tensorboard one --format none")
            #expect(single.status == 0, "\(single.errors)")
            #expect(run.exists("one/events.out.tfevents.recipe"))
            let log = "run/stages/p-por/model.run/events.jsonl"
            #expect(try run.tool.run("report \(log) --tensorboard two").status == 0)
            #expect(run.exists("two/events.out.tfevents.recipe"))
            #expect(try run.tool.run("report run/stages/e-por --tensorboard x").status == 2)
        }
    }

    @Test func saysWhatIsNoRun() throws {
        try withTemporaryFolder { folder in
            let outcome = try Tool(folder: folder).run("report nowhere")
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("recipe run -o"), "\(outcome.errors)")
        }
    }
}
