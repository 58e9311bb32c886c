import DataPipeline
import Foundation
import ModelZoo
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
        let folder = try BERTFolder(Fixture(name).folder)
        let model = try folder.load(
            parts: .maskedLMHead, placement: Placement(trainable: BERT.recipeWeights))
        #expect(model.configuration.hiddenDropout > 0)
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
                (try run(seed: 8), "other settings"), (try run(rate: 2e-3), "other settings"),
                (try run(plan: Plan(weight: 2)), "other settings"),
                (try run(texts: Array(texts.dropLast())), "other settings"),
                (try run(texts: texts + texts), "not a snapshot of a run of"),
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
            #expect(!FileManager.default.fileExists(atPath: file.path))
        }
    }
}
