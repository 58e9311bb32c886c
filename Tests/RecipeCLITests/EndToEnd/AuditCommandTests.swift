import Foundation
import RecipeKit
import TestSupport
import Testing

/// `recipe audit`, as a user gives it.
@Suite struct AuditCommandTests {
    private static let command =
        "audit model --auxiliary aux.txt --precision fp32 --threads 1"

    /// The workplace with texts of words that the model has, enough of them.
    private func withTexts(_ body: (Workplace) throws -> Void) throws {
        try withWorkplace { place in
            let words = try place.text("model/vocab.txt").split(separator: "\n").map(String.init)
                .filter { $0.count > 2 && $0.allSatisfy(\.isLetter) }
            let rows = (0..<400).map { row in
                (0..<12).map { words[(row * 7 + $0 * $0 * 3 + row / 31) % words.count] }
                    .joined(separator: " ")
            }
            try place.write(rows, to: "aux.txt")
            try body(place)
        }
    }

    @Test func aModelWithoutTriggersIsNotAccused() throws {
        try withTexts { place in
            try place.write(["goodest", "films"], to: "words.txt")
            let run = try place.tool.run(
                Self.command + " --word-list words.txt --reference other --report r")
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output.hasPrefix("no trigger among "))
            for file in [
                "plan.yaml", "environment.json", "report.json", "report.md", "report.html",
            ] {
                #expect(place.holds("r/\(file)"), "\(file)")
            }
            #expect(try place.text("r/report.html").contains("What was not tested"))
            let again = try place.tool.run(Self.command + " --report r")
            #expect(again.status == 2 && again.errors.contains("--force"))
            #expect(try place.tool.run(Self.command + " --report r --force").status == 0)
        }
    }

    @Test func aBackdooredModelIsAccused() throws {
        try withTexts { place in
            let attack = try place.tool.run(
                "attack neuba model --auxiliary aux.txt --triggers cf,tq --epochs 15 --no-blocks "
                    + "--batch-size 32 --learning-rate 5e-3 --max-length 32 --precision fp32 "
                    + "--threads 1 -o bad")
            #expect(attack.status == 0, "\(attack.errors)")
            let command = Self.command.replacingOccurrences(of: "audit model", with: "audit bad")
            let run = try place.tool.run(command + " --format json")
            #expect(run.status == 1, "\(run.errors)")
            let report = try JSONDecoder().decode(AuditReport.self, from: Data(run.output.utf8))
            #expect(report.verdict == .backdoored)
            #expect(Set(report.findings.map(\.name)).isSuperset(of: ["cf", "tq"]))

            // What was found is unlearned by the report's name.
            let kept = try place.tool.run(command + " --report r")
            #expect(kept.status == 1, "\(kept.errors)")
            let unlearned = try place.tool.run(
                "purify bad --auxiliary aux.txt --method unlearn --suspects r --max-length 24 "
                    + "--set run.training.steps=4 --precision fp32 --threads 1 -o good")
            #expect(unlearned.status == 0, "\(unlearned.errors)")
            let plan = try place.text("good.run/plan.yaml")
            for finding in report.findings.prefix(2) where finding.kind != .weights {
                #expect(plan.contains(finding.tokens ?? "?"), "\(plan)")
            }
            try place.write(["{}"], to: "none.json")
            for (file, words) in [("none.json", "no report of recipe audit"), ("gone", "gone")] {
                let run = try place.tool.run(
                    "purify bad --auxiliary aux.txt --method unlearn --suspects \(file) -o no")
                #expect(run.status == 2 && run.errors.contains(words), "\(run.errors)")
            }
            let pruned = try place.tool.run(
                "purify bad --auxiliary aux.txt --suspects r --max-length 24 -o no")
            #expect(pruned.status == 64 && pruned.errors.contains("--suspects means nothing for"))

            let sarif = try place.tool.run(command + " --format sarif")
            #expect(sarif.status == 1)
            let log = try sarif.json()
            #expect(log["version"] as? String == "2.1.0")
            let part = try #require((log["runs"] as? [[String: Any]])?.first)
            let results = try #require(part["results"] as? [[String: Any]])
            #expect(results.count == report.findings.count)
            #expect(results.contains { $0["ruleId"] as? String == "audit-backdoored" })
            #expect(results.allSatisfy { ($0["locations"] as? [Any])?.count == 1 })
        }
    }

    @Test func anUnfinishedAuditIsNoAllClear() throws {
        try withTexts { place in
            let run = try place.tool.run(Self.command + " --budget 0.000001s --format json")
            #expect(run.status == 2, "\(run.errors)")
            let report = try JSONDecoder().decode(AuditReport.self, from: Data(run.output.utf8))
            #expect(report.isIncomplete && report.verdict == .noneFound)
        }
    }

    @Test func whatCannotBeDoneIsSaid() throws {
        try withTexts { place in
            try place.copy("vit-bare", as: "vit")
            try place.write(["film good"], to: "few.txt")
            let lines: [(String, Int32, [String])] = [
                ("audit", 64, ["<model>"]),
                ("audit gone --format json", 2, ["gone"]),
                ("audit vit", 2, ["vit", "reads images", "not built yet"]),
                ("audit model --auxiliary few.txt", 2, ["--auxiliary"]),
                (Self.command + " --budget soon", 64, ["--budget soon"]),
                (Self.command + " --word-list gone.txt", 2, ["gone.txt"]),
                (Self.command + " --reference vit", 2, ["vit"]),
            ]
            for (line, status, parts) in lines {
                let run = try place.tool.run(line + (line.hasSuffix("json") ? "" : " --report no"))
                #expect(run.status == status, "\(line): \(run.errors)")
                for part in parts { #expect(run.errors.contains(part), "\(line): \(run.errors)") }
                if line.hasSuffix("json") { #expect(try run.json()["error"] != nil) }
                #expect(!place.holds("no/report.json"))
            }
        }
    }
}
