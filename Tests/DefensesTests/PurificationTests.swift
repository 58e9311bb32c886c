import Checkpoints
import DataPipeline
import Files
import Foundation
import ModelZoo
import Randomness
import TestSupport
import Testing
import Torch
import TorchNN
import Training

@testable import Defenses

@Suite struct PurificationTests {
    private let texts = [
        "the film was good and great", "a bad film", "dull and bad as it was", "fine",
        "the fine film is great", "it was his film", "an end that is good", "had this been bad",
        "they are great at it", "which film", "from the end on it was dull", "great", " ",
    ]

    private func recipe() -> RECIPE {
        var recipe = RECIPE(defaults: BERT.paperDefaults)
        recipe.run.training.epochs = 3
        recipe.run.batchSize = 4
        recipe.run.training.learningRate = 1e-2
        recipe.run.precision = .fp32
        return recipe
    }

    private func purify(
        _ recipe: RECIPE, in scratch: URL, model: String = "bert-base-tiny",
        head: TextModelFolder.HeadSource = .keep
    ) throws -> (Purification<RECIPE>.Report, FolderComparison) {
        let input = scratch.appending(path: "in")
        if !FileManager.default.fileExists(atPath: input.path) {
            try Fixture(model).copyModel(to: input)
        }
        let output = scratch.appending(path: "out")
        let report = try Purification(recipe).run(
            TextTask(TextModelFolder(input), texts: texts, .init(maximumLength: 24), head: head),
            output: output)
        let comparison = try FolderComparison(
            before: ModelFolder.open(input), after: ModelFolder.open(output))
        return (report, comparison)
    }

    private func weights(_ layers: Int) -> Set<String> {
        Set((0..<layers).map { "bert.encoder.layer.\($0).intermediate.dense.weight" })
    }

    @Test("A purified model stands in for its input: only the regularized weights differ")
    func dropIn() throws {
        try withTemporaryFolder { scratch in
            let (report, comparison) = try purify(recipe(), in: scratch)
            #expect(comparison.dropIn && comparison.changedFiles == ["README.md"])
            #expect(comparison.records == ["purification.json"])
            #expect(Set(comparison.changed.map(\.name)) == weights(3))
            #expect(Set(report.changed) == weights(3))
            #expect(report.tensorCount == comparison.changed.count + comparison.unchanged)
            #expect(report.texts?.texts == 12 && report.texts?.empty == 1)
            #expect(try report.trained.steps == 9 && report.trained.epochs.count == 3)
            #expect(try report.trained.trainedElements == 3 * 64 * 32)
            #expect(report.computeType == .float32 && report.omitted == [])
            #expect(try Set(report.trained.normRatios.keys) == weights(3))
            for change in comparison.changed {
                let ratio = try #require(report.trained.normRatios[change.name])
                #expect(abs(ratio - change.normRatio) < 1e-4 && ratio < 0.95)
            }
            let data = try JSONEncoder().encode(report)
            #expect(
                try JSONDecoder().decode(Purification<RECIPE>.Report.self, from: data).settings
                    == recipe())
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
                    == ["in", "out"])
        }
    }

    @Test("The same seed gives the same weights, another one others") func determinism() throws {
        func bytes(_ seed: UInt64) throws -> [UInt8] {
            try withTemporaryFolder { scratch in
                var recipe = recipe()
                recipe.run.seed = Seed(seed)
                _ = try purify(recipe, in: scratch)
                return Array(
                    try Data(contentsOf: scratch.appending(components: "out", "model.safetensors")))
            }
        }
        #expect(try bytes(1) == bytes(1))
        #expect(try bytes(1) != bytes(2))
    }

    @Test("In bfloat16 the same weights change, and all others stay to the bit") func bfloat16()
        throws
    {
        try withTemporaryFolder { scratch in
            var recipe = recipe()
            recipe.run.precision = .bf16
            let (report, comparison) = try purify(recipe, in: scratch)
            #expect(report.computeType == .bfloat16)
            #expect(comparison.dropIn && Set(comparison.changed.map(\.name)) == weights(3))
            #expect(comparison.changed.allSatisfy { $0.normRatio < 0.95 })
        }
    }

    @Test("The ablations: norm alone, and pre-training alone") func ablations() throws {
        try withTemporaryFolder { scratch in
            var recipe = recipe()
            recipe.pretrainingLoss = .none
            let (report, comparison) = try purify(recipe, in: scratch)
            #expect(try Array(report.trained.finalTerms.keys) == ["norm"])
            #expect(comparison.dropIn && Set(comparison.changed.map(\.name)) == weights(3))
        }
        try withTemporaryFolder { scratch in
            var recipe = recipe()
            recipe.weight = 0
            let (report, comparison) = try purify(recipe, in: scratch)
            #expect(try Array(report.trained.finalTerms.keys) == ["mlm"])
            #expect(comparison.changed.allSatisfy { $0.normRatio > 0.95 })
        }
    }

    @Test("A model without a head says what to do, and is purified with one lent to it")
    func head() throws {
        try withTemporaryFolder { scratch in
            let bare = try Fixture("bert-bare-model").copyModel(to: scratch.appending(path: "in"))
            let recipe = recipe()
            let output = scratch.appending(path: "out")
            func run(_ head: TextModelFolder.HeadSource) throws -> Purification<RECIPE>.Report {
                try Purification(recipe).run(
                    TextTask(
                        TextModelFolder(bare), texts: ["a b c d e f", "b c d e f g"],
                        .init(maximumLength: 12), head: head), output: output)
            }
            let error = #expect(throws: CheckpointError.self) { try run(.keep) }
            #expect(error?.description.contains("has no masked-language-model head") == true)
            #expect(error?.advice?.contains("--mlm-head") == true)
            #expect(!FileManager.default.fileExists(atPath: output.path))
            let other = #expect(throws: CheckpointError.self) {
                try run(.folder(Fixture("bert-base-tiny").folder))
            }
            #expect(other?.description.contains("its head does not fit: width 32") == true)
            let none = #expect(throws: CheckpointError.self) {
                try run(.folder(Fixture("bert-classifier").folder))
            }
            #expect(none?.description.contains("head to graft") == true)

            let report = try run(.folder(Fixture("bert-masked-lm").folder))
            let comparison = try FolderComparison(
                before: ModelFolder.open(bare), after: ModelFolder.open(output))
            #expect(comparison.dropIn, "the lent head stays where it came from")
            #expect(
                Set(report.changed)
                    == Set((0..<2).map { "encoder.layer.\($0).intermediate.dense.weight" }))
            #expect(comparison.changed.count == 2)
        }
    }

    @Test("Existing outputs and inputs are safe, and a failure leaves nothing") func safety() throws
    {
        try withTemporaryFolder { scratch in
            let input = try Fixture("bert-base-tiny").copyModel(to: scratch.appending(path: "in"))
            let output = scratch.appending(path: "out")
            var recipe = recipe()
            recipe.run.training.epochs = 1
            var purification = Purification(recipe)
            var length = 24
            func run(_ texts: [String], to output: URL) throws -> Purification<RECIPE>.Report {
                try purification.run(
                    TextTask(TextModelFolder(input), texts: texts, .init(maximumLength: length)),
                    output: output)
            }
            #expect(throws: OutputError.self) { try run(texts, to: input) }
            let empty = #expect(throws: TrainingError.self) { try run(["", " "], to: output) }
            #expect(empty?.description.contains("nothing to train on") == true)
            length = 49
            let long = #expect(throws: CheckpointError.self) { try run(texts, to: output) }
            #expect(long?.description.contains("48 positions") == true)
            length = 24
            #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["in"])

            _ = try run(texts, to: output)
            let first = try Data(contentsOf: output.appending(path: "model.safetensors"))
            #expect(throws: OutputError.destinationExists(path: output.path)) {
                try run(texts, to: output)
            }
            purification.method.run.training.epochs = 2
            purification.force = true
            #expect(throws: OutputError.self) { try run(texts, to: input) }
            _ = try run(texts, to: output)
            #expect(try Data(contentsOf: output.appending(path: "model.safetensors")) != first)
        }
    }

    @Test("A checkpoint with strided weights, as converters leave them, is purified too")
    func strided() throws {
        try withTemporaryFolder { scratch in
            let input = try Fixture("bert-strided-bin").copyModel(to: scratch.appending(path: "in"))
            let output = scratch.appending(path: "out")
            let report = try Purification(recipe()).run(
                TextTask(
                    TextModelFolder(input), texts: ["a b c d e f", "b c d e f g"],
                    .init(maximumLength: 12)), output: output)
            #expect(Set(report.changed) == weights(2))
            let comparison = try FolderComparison(
                before: ModelFolder.open(input), after: ModelFolder.open(output))
            #expect(comparison.dropIn && comparison.changed.count == 2)
        }
    }
}
