import Checkpoints
import Defenses
import ExampleDefense
import Foundation
import JSON
import ModelZoo
import TestSupport
import Testing
import TorchNN
import Training

@testable import RecipeCLI

/// A new defense is one file and one line: the example's file, and the line that makes it known.
@Suite struct OwnDefenseTests {
    @Test("A defense of another package purifies through `recipe purify --method`")
    func purifies() throws {
        Defenses.add(AnchoredShrinking.method)
        try withTemporaryFolder { scratch in
            let model = try Fixture("bert-base-tiny").copyModel(to: scratch.appending(path: "in"))
            let texts = scratch.appending(path: "aux.txt")
            let lines = (0..<24).map { "the film was good and great and dull \($0 % 3 == 0)" }
            try lines.joined(separator: "\n").write(to: texts, atomically: true, encoding: .utf8)
            let output = scratch.appending(path: "out")
            let status = RecipeCLI.run([
                "purify", model.path, "--method", "anchored-shrinking", "--auxiliary", texts.path,
                "--weight", "2", "--set", "run.batchSize=8", "--epochs", "3", "--learning-rate",
                "1e-2", "--max-length", "24", "-o", output.path,
            ])
            #expect(status == .done)
            let report = try JSONValue(
                parsing: Array(
                    Data(contentsOf: scratch.appending(components: "out.run", "report.json"))))
            #expect(report.object?["method"] == .string("anchored-shrinking"))
            let settings = try #require(report.object?["settings"]?.object)
            #expect(settings["weight"]?.number == 2)
            #expect(settings["run"]?.object?["batchSize"] == .integer(8))
            let comparison = try FolderComparison(
                before: .open(model, for: .report), after: .open(output, for: .report))
            #expect(comparison.dropIn && comparison.changed.count == 3)
            let page = try String(
                contentsOf: scratch.appending(components: "out.run", "report.md"), encoding: .utf8)
            #expect(page.contains("anchored-shrinking"))
        }
    }

    @Test("A defense is known by the name that it has in records") func names() {
        for method in Defenses.all {
            for defaults in [BERT.paperDefaults, CLIP.paperDefaults] {
                #expect(method.settings(defaults).name == method.name)
            }
        }
    }

    @Test("A setting that a defense has not is refused, by the name of those that have it")
    func settings() throws {
        let recipe = RECIPE(defaults: BERT.paperDefaults)
        let changed = try SettingsOverlay("--epochs", ["run.training.epochs"], .integer(7))
            .applied(to: recipe)
        #expect(changed?.run.training.epochs == 7 && changed?.weight == 1)
        // Of an optional, which its JSON does not have where it is nil.
        let stop = try SettingsOverlay("--stop-ratio", ["run.training.stopRatio"], .number(0.5))
            .applied(to: recipe)
        #expect(stop?.run.training.stopRatio == 0.5)
        #expect(try SettingsOverlay("--prune", ["count"], .integer(3)).applied(to: recipe) == nil)
        let pruning = FinePruning(.lastLayer, defaults: BERT.paperDefaults)
        let both = SettingsOverlay("--batch-size", ["run.batchSize", "batchSize"], .integer(3))
        #expect(try both.applied(to: pruning)?.batchSize == 3)
        #expect(try both.applied(to: recipe)?.run.batchSize == 3)
        let error = #expect(throws: TrainingError.self) {
            try SettingsOverlay("--set weight", ["weight"], .string("much")).applied(to: recipe)
        }
        #expect(error?.description.contains("--set weight \"much\"") == true)
    }
}
