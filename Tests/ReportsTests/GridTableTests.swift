import Documents
import Evaluation
import Experiments
import Foundation
import Testing

@testable import Reports

@Suite struct GridTableTests {
    private typealias Sample = GridSample

    private func table(_ plan: TablePlan, _ stages: [StageResult]) -> GridTable {
        GridTable(plan, of: stages)
    }

    @Test func laysOutLikeThePaper() throws {
        let table = try #require(GridReport(Sample.results).tables.first)
        #expect(
            MarkdownRenderer().render(table.reportTable) == """
                | Attack | Defense | SST-2 ACC | SST-2 AASR | SST-2 MASR | SST-2 Excess | HSOL ACC | HSOL AASR | HSOL MASR | HSOL Excess |
                | :--- | :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
                | Clean | Floor: w/o defense | 90.00 [87.98, 91.71] | 11.00 | 12.00 [9.44, 15.14] | – | 95.00 [93.47, 96.19] | 6.00 | 6.00 [4.23, 8.44] | – |
                | POR | w/o defense | 90.40 ± 0.14 *(91.87)* | 97.50 ± 0.71 *(99.43)* | 100.00 ± 0.00 *(100.00)* | 86.50 ± 0.71 | 94.80 [93.24, 96.01] *(95.63)* | 99.00 *(99.02)* | 100.00 [99.24, 100.00] *(99.92)* | 93.00 |
                |  | FP | 88.50 ± 0.71 *(91.43)* | 79.50 ± 2.12 *(98.73)* | 82.00 ± 2.83 *(100.00)* | 68.50 ± 2.12 | *failed* *(95.51)* | *failed* *(95.19)* | *failed* *(100.00)* | *failed* |
                |  | RECIPE | 89.80 ± 0.28 *(90.61)* | **13.20 ± 0.28** *(11.96)* | **14.00 ± 0.00** *(15.18)* | **2.20 ± 0.28** | *waiting* *(95.35)* | *waiting* *(5.19)* | *waiting* *(6.17)* | *waiting* |
                | BadPre | w/o defense | 90.00 [87.98, 91.71] *(91.54)* | 98.50 *(99.05)* | 99.00 [97.68, 99.57] *(99.34)* | 87.50 | – | – | – | – |
                |  | RECIPE | 89.00 [86.91, 90.79] *(90.12)* | **12.20** *(11.95)* | **12.40 [9.79, 15.58]** *(12.72)* | **1.20** | – | – | – | – |
                """)
        #expect(
            table.warnings == [
                "failed: evaluate-por-fp-hsol", "not begun: evaluate-por-recipe-hsol",
            ])
    }

    @Test func marksNoneWithinTheNoise() {
        let stages = [
            Sample.stage("por", "a", "t", [(900, 100, 100)]),
            Sample.stage("por", "b", "t", [(903, 110, 100)]),
            Sample.stage("por", "c", "t", [(500, 480, 100)]),
        ]
        let marks = table(TablePlan("t", metrics: [.acc, .masr]), stages).rows.map {
            $0.cells.map(\.mark)
        }
        // 90.0 and 90.3 of 1,000 are one; 50.0 is another.
        #expect(marks == [[.tied, .tied], [.tied, .tied], [nil, nil]])
        let alike = table(TablePlan("t", metrics: [.acc]), Array(stages.prefix(2)))
        #expect(alike.rows.allSatisfy { $0.cells[0].mark == nil })
    }

    /// Halves of Wilson's intervals at 90.0, 87.5 and 85.0 of 1,000 are 1.9, 2.1 and 2.2: 87.5 is
    /// within √(1.9² + 2.1²) = 2.8 of 90.0, and 85.0 is not within √(1.9² + 2.2²) = 2.9.
    @Test(arguments: [(875, GridCell.Mark?.none), (850, .best)])
    func tellsApartBeyondBothIntervals(correct: Int, mark: GridCell.Mark?) {
        let stages = [("a", 900), ("b", correct)].map {
            Sample.stage("por", $0, "t", [($1, 0, 0)])
        }
        let rows = table(TablePlan("t", metrics: [.acc]), stages).rows
        #expect(rows.map { $0.cells[0].mark } == [mark, nil])
    }

    @Test func comparesWithinAnAttackOnly() {
        let stages = [
            Sample.stage("por", "a", "t", [(900, 10, 10)]),
            Sample.stage("por", "b", "t", [(900, 200, 10)]),
            Sample.stage("badpre", "a", "t", [(900, 300, 10)]),
            Sample.stage("badpre", "b", "t", [(900, 480, 10)]),
        ]
        let marks = table(TablePlan("t", metrics: [.masr]), stages).rows.map { $0.cells[0].mark }
        #expect(marks == [.best, nil, .best, nil])
    }

    @Test func widensIntervalsByTheScatterOfFewRuns() throws {
        // 10, 12 and 14 %: a deviation of 2 and Student's 4.303 · 2 / √3.
        let cell = GridCell(
            .masr, of: [Sample.stage("a", "b", "t", [(1, 50, 0), (1, 60, 0), (1, 70, 0)])],
            floor: nil)
        #expect(cell.values == [10, 12, 14] && cell.deviation == 2)
        let uncertainty = try #require(cell.uncertainty)
        #expect(abs(uncertainty - 4.303 * 2 / 3.0.squareRoot()) < 1e-9)
        #expect(cell.low == nil)
    }

    @Test func poolsStagesOfSeedsAndSaysWhatElseItPools() {
        let stages = [
            Sample.stage("por", "a", "t", seed: "1", [(900, 0, 0)]),
            Sample.stage("por", "a", "t", state: .failed, seed: "2"),
        ]
        let seeds = table(TablePlan("t", metrics: [.acc]), stages)
        #expect(seeds.rows[0].cells[0].state == .partial)
        #expect(MarkdownRenderer().render(seeds.reportTable).contains("91.71] †"))
        #expect(seeds.warnings == ["failed: evaluate-por-a-t-2"])
        let others = table(
            TablePlan("t", metrics: [.acc]),
            ["1", "2"].map { Sample.stage("por", "a", "t", extra: ["λ": $0], [(900, 0, 0)]) })
        #expect(others.warnings.first?.contains("differ in λ too") ?? false)
    }

    @Test func saysWhatIsNotThere() {
        let stages = [Sample.stage("por", "a", "t", [(900, 0, 0)])]
        let none = table(
            TablePlan("t", where: LabelFilter(["attack": ["x"]])), stages)
        #expect(
            none.rows.isEmpty
                && none.warnings == ["no stage of the run is what this table asks for"])
        let unlabelled = table(TablePlan("t", rows: ["model"]), stages)
        #expect(unlabelled.warnings.first?.contains("want of a label among model, task") ?? false)
        var lost = stages[0]
        lost.outcome = .unreadable("report.json is missing")
        let unread = table(TablePlan("t", metrics: [.acc]), [lost])
        #expect(unread.rows[0].cells[0].state == .failed)
        #expect(unread.warnings.first?.contains("report.json is missing") ?? false)
    }

    @Test func givesEachModelItsOwnFloorInItsGroup() {
        let stages = ["vgg", "vit"].flatMap { model in
            [
                Sample.stage(
                    "neuba", "none", "t", extra: ["model": model], [(900, 500, 500)]),
                Sample.stage(
                    "clean", "none", "t", extra: ["model": model],
                    [model == "vgg" ? (900, 50, 50) : (900, 100, 100)]),
            ]
        }
        let plan = TablePlan(
            "t", where: LabelFilter(["attack": ["neuba"]]), rows: ["model", "defense"],
            metrics: [.excess], floor: LabelFilter(["attack": ["clean"], "defense": ["none"]]))
        let rows = table(plan, stages).rows
        #expect(
            rows.map(\.labels) == [
                ["vgg", "none"], ["vgg", "none"], ["vit", "none"], ["vit", "none"],
            ])
        #expect(rows.map(\.isFloor) == [true, false, true, false])
        #expect(rows.map { $0.cells[0].mean } == [nil, 90, nil, 80])
        #expect(rows.map { $0.cells[0].floor } == [nil, 10, nil, 20])
        var vague = plan
        vague.floor = LabelFilter(["model": ["vgg"], "attack": ["clean"]])
        #expect(
            table(vague, stages).rows.last?.cells[0].mean == 90, "named, it need not be the same")
        var wrong = stages
        wrong[1].labels["defense"] = "fp"
        vague.floor = LabelFilter(["attack": ["clean"]])
        #expect(
            table(vague, wrong).warnings.first?.contains("has the model and defense of vgg none")
                ?? false)
    }

    @Test func takesEachEvaluationsOwnFloorWithoutAnother() {
        let reference = EvaluationReference(
            model: "clean", seeds: Sample.results([(900, 50, 50)]))
        var stage = Sample.stage("por", "a", "t")
        stage.outcome = .evaluation(
            Sample.evaluation([(900, 500, 500)], reference: reference))
        let cell = table(TablePlan("t", metrics: [.excess]), [stage]).rows[0].cells[0]
        #expect(cell.mean == 90)
    }

    @Test func countsNeuronsLikeTableTen() throws {
        let plan = TablePlan(
            "Table 10", rows: ["attack"], metrics: [.onlyPoisonedBefore, .onlyPoisonedAfter],
            paper: PaperReference(table: 10, fixed: [.model: "bert"]))
        let table = table(plan, Sample.results.stages)
        #expect(table.rows.map { $0.cells.map(\.mean) } == [[1455, 749]])
        #expect(table.rows[0].cells.map(\.paper) == [1455, 749])
        #expect(MarkdownRenderer().render(table.reportTable).contains("| POR | 1455 *(1455)* |"))
    }
}
