import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Training

/// Σ W · x for a fixed x that each batch names: a loss whose gradient is known.
private struct Linear: Objective {
    func loss(of model: AnyTextModel, on batch: TokenBatch, in pass: Pass) throws -> Loss {
        guard let scale = batch.classes.first else { return Loss(nil, terms: []) }
        let sum = try model.store.trainable.map { try $0.tensor.sum() }
        let total = try Tensor.stacked(sum).sum() * Double(scale)
        return Loss(total, terms: [Loss.Term("linear", total)])
    }
}

/// A loss that is no number from some step on.
private final class Breaking: Objective {
    private var left: Int
    init(after steps: Int) { left = steps }

    func loss(of model: AnyTextModel, on batch: TokenBatch, in pass: Pass) throws -> Loss {
        left -= 1
        let sum = try model.store.trainable[0].tensor.sum()
        let total = try left < 0 ? sum * Double.nan : sum * 1
        return Loss(total, terms: [Loss.Term("sum", total)])
    }
}

@Suite struct TrainerTests {
    private func model(_ trainable: ParameterPattern = BERT.recipeWeights) throws -> AnyTextModel {
        try modelWithoutDropout("bert-masked-lm", parts: .maskedLMHead, trainable: trainable)
    }

    private func batches(_ scales: [Int64?]) -> StoredBatches<TokenBatch> {
        StoredBatches(
            batches: scales.map { scale in
                var batch = TokenBatch([[2, 7, 3]])
                batch.classes = scale.map { [$0] } ?? []
                return batch
            })
    }

    private let plain = TrainingSettings(
        epochs: 1, learningRate: 0.5, schedule: Schedule(.constant), optimizer: .sgd(), clip: nil)

    @Test("Rates of the schedule are those of the events") func schedules() throws {
        // Written out by hand, of a peak of 0.5 over six steps.
        let cases: [(Schedule.Shape, Int, [Double])] = [
            (.linear, 0, [0.5, 5 / 12, 1 / 3, 0.25, 1 / 6, 1 / 12]),
            (.cosine, 2, [0, 0.25, 0.5, 0.426776695296637, 0.25, 0.073223304703363]),
            (.constant, 3, [0, 1 / 6, 1 / 3, 0.5, 0.5, 0.5]),
            (.trapezoid, 0, [0.5, 0.5, 0.5, 0.5, 1 / 3, 1 / 6]),
        ]
        for (shape, warmup, expected) in cases {
            var settings = plain
            settings.schedule = Schedule(shape, warmupSteps: warmup)
            settings.epochs = 3
            let trainer = try Trainer(
                model(), objective: Linear(), source: batches([1, 2]), settings: settings,
                seed: Seed(1))
            var rates: [Double] = []
            try trainer.run { if case .step(let step) = $0 { rates.append(step.learningRate) } }
            #expect(rates.count == 6, "\(shape)")
            for (rate, wanted) in zip(rates, expected) {
                #expect(abs(rate - wanted) < 1e-12, "\(shape): \(rates)")
            }
        }
    }

    @Test("Frozen parameters stay as they are, without gradient or optimizer state")
    func frozen() throws {
        let model = try model()
        let before = try model.store.parameters.map { try $0.tensor.detached().bytes() }
        let trainer = try Trainer(
            model, objective: MaskedLanguageModeling(),
            source: StoredBatches(batches: trajectoryBatches()),
            settings: TrainingSettings(epochs: 1, learningRate: 1e-2), seed: Seed(1))
        try trainer.run { _ in }
        for (parameter, bytes) in zip(model.store.parameters, before) {
            let isTrained = BERT.recipeWeights.matches(parameter.name)
            #expect(parameter.tensor.requiresGradient == isTrained)
            #expect((try parameter.tensor.detached().bytes() == bytes) != isTrained)
        }
        let state = Set(trainer.optimizer.stateTensors.map(\.name))
        #expect(state.count == 3 * 2)
        #expect(state.allSatisfy { $0.contains("intermediate.dense.weight.") })
    }

    @Test("Accumulated batches make the step of their mean") func accumulation() throws {
        var settings = plain
        settings.accumulation = 2
        let model = try model()
        let weight = model.store.trainable[0].tensor
        let before = try weight.detached().copied()
        // Five batches: steps of 1 and 3, of 5 and 7, and of 9 alone.
        let trainer = try Trainer(
            model, objective: Linear(), source: batches([1, 3, 5, 7, 9]), settings: settings,
            seed: Seed(1))
        #expect(trainer.totalSteps == 3)
        var moved = 0.0
        for mean in [2.0, 6, 9] {
            while let event = try trainer.next() {
                guard case .step(let step) = event else { continue }
                #expect(step.samples == (mean == 9 ? 1 : 2))
                break
            }
            moved += 0.5 * mean
            #expect(try relativeDifference(weight.detached(), before - moved) < 1e-5)
        }
    }

    @Test("A batch without a loss is no part of the mean, and no NaN") func nothingToLearn() throws
    {
        let model = try model()
        let before = try model.store.trainable[0].tensor.detached().copied()
        let trainer = try Trainer(
            model, objective: MaskedLanguageModeling(), source: batches([nil, nil]),
            settings: TrainingSettings(epochs: 2, learningRate: 1e-2), seed: Seed(1))
        var losses: [Double] = []
        try trainer.run { if case .step(let step) = $0 { losses.append(step.loss) } }
        #expect(losses == [0, 0, 0, 0])
        #expect(try model.store.trainable[0].tensor.detached().isBitwiseEqual(to: before))
    }

    @Test("A batch without a masked word leaves RECIPE its norm") func normWithoutMasks() throws {
        let trainer = try Trainer(
            model(),
            objective: NormRegularized(
                MaskedLanguageModeling(), layers: BERT.recipeWeights, weight: 2),
            source: batches([nil]), settings: plain, seed: Seed(1))
        try trainer.run { event in
            guard case .step(let step) = event else { return }
            #expect(Set(step.terms.keys) == ["norm"])
            #expect(abs(step.loss - 2 * (step.terms["norm"] ?? .nan)) < 1e-4)
        }
    }

    @Test("A loss that is no number ends the run, before it reaches the weights")
    func notFinite() throws {
        let model = try model()
        let trainer = try Trainer(
            model, objective: Breaking(after: 2), source: batches([1, 1, 1, 1]), settings: plain,
            seed: Seed(1))
        let error = #expect(throws: TrainingError.self) { try trainer.run { _ in } }
        #expect(error?.description.contains("not a number at step 3 of 4") == true)
        #expect(error?.description.contains("lower the learning rate") == true)
        #expect(trainer.stepsDone == 2)
        #expect(try Tensor.areFinite(model.store.trainable.map { try $0.tensor.detached() }))
    }

    @Test("Nothing to train, or nothing to train on, is said before the run") func nothing() throws
    {
        func message(_ body: () throws -> Void) -> String {
            "\(String(describing: #expect(throws: TrainingError.self, performing: body)))"
        }
        #expect(
            message {
                _ = try Trainer(
                    model("bert.encoder.layer.7.**"), objective: Linear(), source: batches([1]),
                    settings: plain, seed: Seed(1))
            }.contains("no parameter matches ‘bert.encoder.layer.7.**’"))
        #expect(
            message {
                _ = try Trainer(
                    model(), objective: Linear(), source: batches([]), settings: plain,
                    seed: Seed(1))
            }.contains("nothing to train on"))
        var none = plain
        none.epochs = 0
        #expect(
            message {
                _ = try Trainer(
                    model(), objective: Linear(), source: batches([1]), settings: none,
                    seed: Seed(1))
            }.contains("epochs"))
    }
}
