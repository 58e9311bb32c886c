import DataPipeline
import Foundation
import ModelZoo
import Provenance
import Randomness
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Training

@Suite struct ResumeTests {
    private let texts: [[Int32]] = (0..<21).map { (text: Int) -> [Int32] in
        let words: [Int32] = (0..<(3 + text % 7)).map { Int32(11 + ($0 * 7 + text * 5) % 60) }
        return [2] + words + [3]
    }

    private struct Plan: Encodable { var weight = 1.0 }

    private typealias Run = Trainer<
        NormRegularized<MaskedLanguageModeling>, SampledSource<TokenBatch>
    >

    /// RECIPE with dropout, six micro-batches and three steps an epoch.
    private func run(
        model name: String = "bert-base-tiny", seed: UInt64 = 7, rate: Double = 1e-3,
        plan: Plan = Plan(), texts: [[Int32]]? = nil
    ) throws -> Run {
        let folder = try TextModelFolder(Fixture(name).folder)
        let model = try folder.load(
            parts: .maskedLMHead, placement: Placement(trainable: BERT.recipeWeights))
        let bert = try #require(model.textConfiguration.base as? BERTConfiguration)
        #expect(bert.hiddenDropout > 0)
        let source = SampledSource.masked(
            texts ?? self.texts, order: BatchOrder(.bucketed, batchSize: 4),
            masking: TokenMasking(
                maskID: 4, specialIDs: [0, 1, 2, 3, 4],
                vocabularySize: folder.configuration.vocabularySize),
            masks: .dynamic, seed: Seed(seed))
        return try Trainer(
            model,
            objective: NormRegularized(
                MaskedLanguageModeling(), layers: BERT.recipeWeights, weight: plan.weight),
            source: source,
            settings: TrainingSettings(epochs: 3, learningRate: rate, accumulation: 2),
            watching: BERT.recipeWeights, plan: plan, seed: Seed(seed))
    }

    private func weights(_ run: Run) throws -> [[UInt8]] {
        try run.model.store.trainable.map { try $0.tensor.detached().bytes() }
    }

    private func advance(_ run: Run, to step: Int) throws {
        while run.stepsDone < step, try run.next() != nil {}
    }

    @Test("A run goes on from any step as if it had not stopped", arguments: [0, 1, 3, 5, 9])
    func exact(_ step: Int) throws {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "snapshot.safetensors")
            let whole = try run()
            #expect(whole.totalSteps == 9)
            var ratios: [String: Double] = [:]
            try whole.run { if case .epoch(let epoch) = $0 { ratios = epoch.normRatios } }

            let first = try run()
            try advance(first, to: step)
            try first.save(to: file)
            let second = try run()
            try second.restore(from: file)
            #expect(second.stepsDone == step)
            var events: [TrainingEvent] = []
            try second.run { events.append($0) }
            guard case .started(let start) = events.first, case .finished = events.last else {
                Issue.record("a run begins and ends: \(events.count) events")
                return
            }
            #expect(start.firstStep == step && start.steps == 9)
            #expect(try weights(second) == weights(whole))
            #expect(try second.normRatios() == ratios)
        }
    }

    @Test("A snapshot of another run is refused, saying why") func otherRuns() throws {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "snapshot.safetensors")
            let first = try run()
            try advance(first, to: 2)
            try first.save(to: file)
            let others: [(Run, String)] = [
                (try run(seed: 8), "seed was 7, is 8"),
                (try run(rate: 2e-3), "settings.learningRate was 0.001, is 0.002"),
                (try run(plan: Plan(weight: 2)), "plan.weight was 1, is 2"),
                (try run(texts: Array(texts.dropLast())), "samples was 21, is 20"),
                (try run(texts: texts.reversed()), "data.sha256"),
                (try run(texts: texts + texts), "of a run of 9 steps, this one has"),
                (
                    try run(model: "bert-masked-lm", texts: texts.map { $0.map { $0 % 40 } }),
                    "model"
                ),
            ]
            for (other, reason) in others {
                let error = #expect(throws: TrainingError.self) { try other.restore(from: file) }
                #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
                #expect(error?.description.contains(file.path) == true)
            }
            #expect(throws: (any Error).self) {
                try run().restore(from: Fixture("bert-masked-lm").file("model.safetensors"))
            }
            #expect(throws: (any Error).self) {
                try run().restore(from: scratch.appending(path: "missing"))
            }
        }
    }

    @Test("A snapshot that was edited or cut short is refused, at every byte") func damaged() throws
    {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "snapshot.safetensors")
            let first = try run()
            try advance(first, to: 2)
            try first.save(to: file)
            let whole = try Data(contentsOf: file)
            for place in stride(from: 0, to: whole.count, by: whole.count / 60) {
                var data = whole
                data[place] ^= 0x10
                try data.write(to: file)
                let error = #expect(throws: TrainingError.self, "\(place)") {
                    try run().restore(from: file)
                }
                #expect(error?.description.contains(file.path) == true)
            }
            for count in [0, 7, 100, whole.count / 2, whole.count - 1] {
                try whole.prefix(count).write(to: file)
                let error = #expect(throws: TrainingError.self, "\(count)") {
                    try run().restore(from: file, acceptingChanges: true)
                }
                #expect(error?.description.contains("is no whole snapshot") == true)
            }
        }
    }

    @Test("What changed is accepted where that is asked for, and remembered") func accepted() throws
    {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "snapshot.safetensors")
            let first = try run()
            try first.prepareSnapshots()
            try advance(first, to: 2)
            try first.save(to: file)
            let second = try run(rate: 2e-3)
            try second.prepareSnapshots()
            try second.restore(from: file, acceptingChanges: true)
            #expect(second.stepsDone == 2)
            #expect(second.acceptedChanges == ["settings.learningRate was 0.001, is 0.002"])
            try advance(second, to: 3)
            try second.save(to: file)
            let third = try run(rate: 2e-3)
            try third.restore(from: file)
            #expect(third.acceptedChanges == second.acceptedChanges)
        }
    }

    @Test("Other files of the model or of the data are told by name") func inputs() throws {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "snapshot.safetensors")
            let (model, texts) = (scratch.appending(path: "m"), scratch.appending(path: "t"))
            for folder in [model, texts] {
                try FileManager.default.createDirectory(
                    at: folder, withIntermediateDirectories: true)
                try Data("a".utf8).write(to: folder.appending(path: "a.txt"))
            }
            func inputs(_ order: [DataSource]) throws -> RunInputs {
                try RunInputs(model: model, sources: order)
            }
            let a = DataSource("texts", texts),
                b = DataSource("texts", texts.appending(path: "a.txt"))
            let first = try run()
            first.inputs = try inputs([a, b])
            try first.save(to: file)
            func differences(_ inputs: RunInputs) throws -> String {
                let other = try run()
                other.inputs = inputs
                let error = #expect(throws: TrainingError.self) { try other.restore(from: file) }
                return error?.description ?? ""
            }
            #expect(try differences(inputs([b, a])).contains("inputs.texts 1: t was"))
            #expect(try differences(inputs([a])).contains("inputs.texts 2: a.txt was"))
            try Data("b".utf8).write(to: model.appending(path: "a.txt"))
            #expect(try differences(inputs([a, b])).contains("inputs.model/a.txt was"))
            try Data("a".utf8).write(to: model.appending(path: "a.txt"))
            try Data("x".utf8).write(to: texts.appending(path: "more.txt"))
            #expect(try differences(inputs([a, b])).contains("inputs.texts 1: t was"))
        }
    }

    @Test("Losses of a run that went on are those of one that did not stop") func history() throws {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "snapshot.safetensors")
            let whole = try run(), first = try run(), second = try run()
            var epochs: [[TrainingEvent.Epoch]] = [[], []]
            try whole.run { if case .epoch(let epoch) = $0 { epochs[0].append(epoch) } }
            try advance(first, to: 5)
            try first.save(to: file)
            try second.restore(from: file)
            try second.run { if case .epoch(let epoch) = $0 { epochs[1].append(epoch) } }
            #expect(second.history == whole.history)
            #expect(Array(epochs[0].dropFirst()) == epochs[1])
            #expect(try second.watchedNorms() == whole.watchedNorms())
            #expect(second.dataDigest() == whole.dataDigest())
            #expect(first.dataDigest()?.batches == 10 && whole.dataDigest()?.batches == 18)
        }
    }

    @Test("Completing a run keeps snapshots, goes on from one, and removes it") func complete()
        throws
    {
        try withTemporaryFolder { scratch in
            let file = scratch.appending(path: "snapshot.safetensors")
            let policy = SnapshotPolicy(file: file, every: 2, resumes: true)
            let whole = try run()
            let expected = try whole.complete()
            #expect(expected.steps == 9 && expected.epochs.count == 3 && expected.curve.count == 9)
            #expect(expected.trainedElements == 3 * 64 * 32)
            #expect(expected.finalTerms.keys.sorted() == ["mlm", "norm"])

            struct Interrupted: Error {}
            let first = try run()
            var last = 0
            #expect(throws: Interrupted.self) {
                while let event = try first.next() {
                    guard case .step(let step) = event else { continue }
                    if step.step % policy.interval == 0 { try first.save(to: file) }
                    last = step.step
                    if last == 5 { throw Interrupted() }
                }
            }
            let second = try run()
            var begun = -1
            let summary = try second.complete(snapshots: policy) {
                if case .started(let start) = $0 { begun = start.firstStep }
            }
            #expect(begun == 4 && summary.steps == 9)
            #expect(try weights(second) == weights(whole))
            #expect(summary.normRatios == expected.normRatios)
            // It stays until what came of the run is safe.
            #expect(FileManager.default.fileExists(atPath: file.path))
            policy.discard()
            #expect(!FileManager.default.fileExists(atPath: file.path))
        }
    }
}
