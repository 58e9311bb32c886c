import Foundation
import Testing

@testable import Experiments

@Suite struct ReportPlanTests {
    private func read(_ text: String) throws -> ReportPlan {
        try JSONDecoder().decode(ReportPlan.self, from: Data(text.utf8))
    }

    @Test func hasDefaults() throws {
        let plan = try read(#"[{"table": "Table 1"}, {"figure": "curve"}]"#)
        #expect(plan == ReportPlan([.table(TablePlan("Table 1")), .figure(FigurePlan(.curve))]))
        let table = TablePlan("Table 1")
        #expect(table.rows == ["attack", "defense"] && table.columns == ["task"])
        #expect(table.metrics == [.acc, .aasr, .masr])
        #expect(FigurePlan(.curve).x == "epoch" && FigurePlan(.curve).y == [.acc, .masr])
    }

    @Test func readsEveryKeyAndWritesItAgain() throws {
        let plan = try read(
            """
            [{"table": "Table 8", "about": "λ", "where": {"attack": "badpre", "task": ["a", "b"]},
              "rows": ["weight"], "columns": [], "metrics": ["acc", "excess", "overlap-after"],
              "floor": {"attack": "clean", "defense": "none"}, "names": {"a": "A"},
              "paper": {"table": 8, "model": "bert", "from": {"variant": "weight"}}},
             {"figure": "norms", "title": "t", "about": "u", "where": {}, "x": "k",
              "y": ["masr"], "series": ["defense"], "names": {}}]
            """)
        guard case .table(let table) = plan.items[0] else {
            Issue.record("\(plan)")
            return
        }
        #expect(table.where == LabelFilter(["attack": ["badpre"], "task": ["a", "b"]]))
        #expect(table.metrics == [.acc, .excess, .overlapAfter] && table.columns == [])
        #expect(
            table.paper?.keys(for: ["weight": "0.5", "attack": "badpre", "defense": "recipe"])
                == [
                    .model: "bert", .variant: "0.5", .attack: "badpre", .defense: "recipe",
                ])
        let again = try JSONDecoder().decode(
            ReportPlan.self, from: try JSONEncoder().encode(plan))
        #expect(again == plan)
    }

    @Test(arguments: [
        (#"[{"table": "x", "colums": []}]"#, "unknown key ‘colums’"),
        (#"[{"figure": "curve", "row": []}]"#, "unknown key ‘row’"),
        (#"[{"table": "x", "figure": "curve"}]"#, "either the key ‘table’ or the key ‘figure’"),
        (#"[{"table": "x", "metrics": ["ACC"]}]"#, "‘ACC’ is not known"),
        (#"[{"table": "x", "metrics": []}]"#, "at least one of ‘metrics’"),
        (#"[{"figure": "curve", "y": []}]"#, "at least one of ‘y’"),
        (#"[{"table": "x", "paper": {"table": 0}}]"#, "no table 0"),
        (#"[{"table": "x", "paper": {"table": 1, "row": "a"}}]"#, "unknown key ‘row’"),
    ])
    func namesWhatIsWrong(text: String, message: String) {
        #expect {
            try read(text)
        } throws: { error in
            guard case .dataCorrupted(let context) = error as? DecodingError else { return false }
            return context.debugDescription.contains(message)
        }
    }

    @Test func filtersByAllLabels() {
        let filter = LabelFilter(["attack": ["por", "badpre"], "task": ["sst2"]])
        #expect(filter.matches(["attack": "por", "task": "sst2", "seed": "1"]))
        #expect(!filter.matches(["attack": "por", "task": "hsol"]))
        #expect(!filter.matches(["attack": "por"]))
        #expect(LabelFilter().matches([:]))
    }
}
