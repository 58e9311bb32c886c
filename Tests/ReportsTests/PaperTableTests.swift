import Evaluation
import Experiments
import Foundation
import Testing

@testable import Reports

@Suite struct PaperTableTests {
    /// Test samples of each task, and those that are not of one label, by label.
    private static let sizes: [String: (all: Int, others: [Int])] = [
        "waste": (2513, [1112, 1401]), "catdog": (2500, [1250]), "gtsrb": (1410, [690, 720]),
        "cifar10": (10000, [9000]), "sst2": (1821, [909, 912]), "hsol": (2494, [1247]),
        "agnews": (7600, [5700]),
    ]

    /// Whether a percentage with two decimals is that of a whole number of `total`.
    private func isShare(_ percent: Double, of total: Int) -> Bool {
        let count = (percent / 100 * Double(total)).rounded()
        return [count - 1, count, count + 1].contains {
            abs(100 * $0 / Double(total) - percent) < 0.005 + 1e-9
        }
    }

    private func each(_ metric: ReportMetric, _ body: (PaperTable, String, Double) -> Void) {
        for table in PaperTable.all {
            guard let place = table.metrics.firstIndex(of: metric) else { continue }
            for row in table.rows {
                for (index, task) in table.tasks.enumerated() {
                    body(table, task, row.values[index * table.metrics.count + place])
                }
            }
        }
    }

    @Test func holdsAllLines() {
        let lines = PaperTable.all.map { "\($0.number): \($0.rows.count) of \($0.tasks.count)" }
        #expect(
            lines == [
                "1: 15 of 4", "1: 10 of 3", "2: 12 of 4", "3: 4 of 3", "4: 6 of 3", "4: 3 of 3",
                "5: 1 of 3", "5: 2 of 3", "6: 3 of 3", "6: 2 of 3", "7: 2 of 3", "7: 2 of 3",
                "8: 5 of 3", "9: 2 of 3", "10: 1 of 3", "10: 1 of 3",
            ])
    }

    @Test func accuraciesAreSharesOfTheTestSamples() {
        var count = 0
        each(.acc) { table, task, value in
            count += 1
            #expect(
                isShare(value, of: Self.sizes[task]?.all ?? 0),
                "Table \(table.number), \(task): \(value)")
        }
        #expect(count == 234)
    }

    @Test func largestSuccessesAreSharesOfTheOtherLabelsSamples() {
        each(.masr) { table, task, value in
            #expect(
                Self.sizes[task]?.others.contains { isShare(value, of: $0) } ?? false,
                "Table \(table.number), \(task): \(value)")
        }
    }

    @Test func meansOfSixTriggersAreSixthsOfShares() {
        each(.aasr) { table, task, value in
            guard task == "catdog" else { return }
            #expect(isShare(value, of: 6 * 1250), "Table \(table.number): \(value)")
        }
    }

    @Test func meansAreNotAboveTheLargest() {
        for table in PaperTable.all where table.metrics.count == 3 {
            for row in table.rows {
                for task in table.tasks.indices {
                    #expect(row.values[3 * task + 1] <= row.values[3 * task + 2], "\(row)")
                }
            }
        }
    }

    @Test func tablesThatShareALineAgree() {
        for (table, attack, model, tasks) in [
            (4, "neuba", "vit", ["waste", "catdog", "gtsrb"]),
            (4, "neuba", "clip", ["waste", "catdog", "gtsrb"]),
            (4, "badpre", "bert", ["sst2", "hsol", "agnews"]),
            (8, "badpre", "bert", ["sst2", "hsol", "agnews"]),
        ] {
            for task in tasks {
                for metric in [ReportMetric.acc, .aasr, .masr] {
                    var keys: [PaperReference.Key: String] = [
                        .model: model, .attack: attack, .defense: "recipe", .task: task,
                    ]
                    let main = PaperTable.value(in: 1, of: metric, for: keys)
                    if table == 8 { keys[.variant] = "1" }
                    #expect(
                        main != nil && main == PaperTable.value(in: table, of: metric, for: keys))
                }
            }
        }
        for task in ["sst2", "hsol", "agnews"] {
            let keys: [PaperReference.Key: String] = [.defense: "recipe", .task: task]
            #expect(
                PaperTable.value(in: 3, of: .acc, for: keys)
                    == PaperTable.value(
                        in: 9, of: .acc, for: keys.merging([.variant: "por"]) { $1 }))
        }
    }

    @Test func findsANumber() {
        let keys: [PaperReference.Key: String] = [
            .model: "BERT", .attack: "POR", .defense: "w/o defense", .task: "SST-2",
        ]
        #expect(PaperTable.value(in: 1, of: .acc, for: keys) == 91.87)
        #expect(PaperTable.value(in: 1, of: .masr, for: keys) == 100)
        #expect(
            PaperTable.value(in: 8, of: .aasr, for: [.variant: "0.5", .task: "sst2"]) == 15.27)
        #expect(
            PaperTable.value(in: 10, of: .onlyPoisonedAfter, for: [.task: "AG News"]) == 241)
    }

    @Test func findsNothingWhereItIsLeftOpenOrNotThere() {
        #expect(PaperTable.value(in: 1, of: .acc, for: [.task: "sst2"]) == nil)
        #expect(PaperTable.value(in: 2, of: .aasr, for: [.model: "vgg", .task: "waste"]) == nil)
        let clean: [PaperReference.Key: String] = [
            .attack: "clean", .defense: "none", .task: "sst2",
        ]
        #expect(PaperTable.value(in: 1, of: .acc, for: clean) == nil)
    }
}
