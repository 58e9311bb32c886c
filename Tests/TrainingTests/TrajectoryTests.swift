import DataPipeline
import ModelZoo
import Randomness
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Training

/// Whole runs beside PyTorch's: the same batches, no dropout.
@Suite struct TrajectoryTests {
    private let fixture = Fixture("recipe-trajectory")

    private func settings(steps: Int) -> TrainingSettings {
        TrainingSettings(epochs: steps / 10, learningRate: 1e-3)
    }

    /// Compares every step's numbers, and the weights after some steps, with the run called `name`.
    private func compare<Goal: Objective>(
        _ name: String, _ trainer: Trainer<Goal, StoredBatches<TokenBatch>>, snapshots: [Int],
        terms: [String], except: String? = nil
    ) throws where Goal.Model == AnyTextModel {
        let answers = try fixture.tensors("trajectories.safetensors")
        func curve(_ key: String) throws -> [Double] { try answers["\(name)/\(key)"].values() }
        let total = try curve("total")
        let (norms, rates) = (try curve("grad_norm"), try curve("lr"))
        let expected = try terms.map { ($0, try curve($0)) }
        #expect(total.count == trainer.totalSteps)
        var compared = 0
        try trainer.run { event in
            guard case .step(let step) = event else { return }
            let index = step.step - 1
            func isClose(_ found: Double, _ wanted: Double) -> Bool {
                abs(found - wanted) <= 1e-4 * max(1e-3, abs(wanted))
            }
            #expect(isClose(step.loss, total[index]), "loss of step \(index)")
            #expect(isClose(step.gradientNorm, norms[index]), "gradient norm of step \(index)")
            #expect(abs(step.learningRate - rates[index]) < 1e-9)
            for (term, values) in expected {
                #expect(isClose(step.terms[term] ?? .nan, values[index]), "\(term) of \(index)")
            }
            #expect(step.terms.count == expected.count || name == "finetune" || name == "pretrain")
            guard snapshots.contains(step.step) else { return }
            for parameter in trainer.trainedParameters
            where except.map({ !parameter.name.hasSuffix($0) }) ?? true {
                let wanted = try answers["\(name)/step\(step.step)/\(parameter.name)"]
                let difference = try relativeDifference(parameter.tensor.detached(), wanted)
                #expect(difference < 1e-4, "\(parameter.name) after \(step.step)")
                compared += 1
            }
        }
        #expect(compared > 0)
        #expect(trainer.stepsDone == trainer.totalSteps)
    }

    private func regularized(
        _ base: MaskedLanguageModeling?, weight: Double, steps: Int
    ) throws -> Trainer<NormRegularized<MaskedLanguageModeling>, StoredBatches<TokenBatch>> {
        try Trainer(
            modelWithoutDropout(
                "bert-masked-lm", parts: .maskedLMHead, trainable: BERT.recipeWeights),
            objective: NormRegularized(base, layers: BERT.recipeWeights, weight: weight),
            source: StoredBatches(batches: trajectoryBatches()), settings: settings(steps: steps),
            watching: BERT.recipeWeights, seed: Seed(1))
    }

    @Test("RECIPE for 50 steps is PyTorch's") func recipe() throws {
        let trainer = try regularized(MaskedLanguageModeling(), weight: 1, steps: 50)
        try compare("recipe", trainer, snapshots: [1, 10, 50], terms: ["mlm", "norm"])
    }

    @Test("So is the ablation without the norm") func weightZero() throws {
        let trainer = try regularized(MaskedLanguageModeling(), weight: 0, steps: 50)
        try compare("weight_zero", trainer, snapshots: [1, 10, 50], terms: ["mlm"])
    }

    @Test("So is the ablation without pre-training") func normOnly() throws {
        let trainer = try regularized(nil, weight: 1, steps: 50)
        try compare("norm_only", trainer, snapshots: [1, 10, 50], terms: ["norm"])
    }

    @Test("So is pre-training of everything") func pretrain() throws {
        let trainer = try Trainer(
            modelWithoutDropout("bert-masked-lm", parts: .maskedLMHead, trainable: .all),
            objective: MaskedLanguageModeling(),
            source: StoredBatches(batches: trajectoryBatches()),
            settings: settings(steps: 20), seed: Seed(1))
        try compare(
            "pretrain", trainer, snapshots: [20], terms: [], except: "attention.self.key.bias")
    }

    @Test("So is fine-tuning of a classifier") func finetune() throws {
        let trainer = try Trainer(
            modelWithoutDropout(
                "bert-classifier", parts: [.pooler, .classifier], trainable: .all),
            objective: SequenceClassification(),
            source: StoredBatches(batches: trajectoryBatches()),
            settings: settings(steps: 20), seed: Seed(1))
        try compare(
            "finetune", trainer, snapshots: [20], terms: [], except: "attention.self.key.bias")
    }

    @Test("Norms of each layer are watched from the start") func normRatios() throws {
        let answers = try fixture.tensors("trajectories.safetensors")
        let norms = try answers["recipe/layer_norms"].values(as: Double.self)
        let trainer = try regularized(MaskedLanguageModeling(), weight: 1, steps: 50)
        var epochs: [TrainingEvent.Epoch] = []
        try trainer.run { event in
            switch event {
            case .started(let start):
                #expect(start.watched == 2 && start.steps == 50 && start.samples == 80)
                #expect(start.trainedElements == 2 * 32 * 16)
            case .epoch(let epoch): epochs.append(epoch)
            default: break
            }
        }
        #expect(epochs.map(\.epoch) == [1, 2, 3, 4, 5])
        // The norms at the end of an epoch are those before the next one's first step.
        for epoch in epochs.dropLast() {
            for layer in 0..<2 {
                let name = "bert.encoder.layer.\(layer).intermediate.dense.weight"
                let wanted = norms[epoch.epoch * 20 + layer] / norms[layer]
                #expect(abs((epoch.normRatios[name] ?? .nan) - wanted) < 1e-4)
            }
        }
    }

    @Test("One step on the norm alone shrinks each norm by rate times weight") func sgdOnTheNorm()
        throws
    {
        let answers = try fixture.tensors("trajectories.safetensors")
        let model = try modelWithoutDropout(
            "bert-masked-lm", parts: .maskedLMHead, trainable: BERT.recipeWeights)
        let weights = model.store.trainable
        let before = try weights.map { try $0.tensor.detached().norm().item() }
        let trainer = try Trainer(
            model,
            objective: NormRegularized<MaskedLanguageModeling>(
                nil, layers: BERT.recipeWeights, weight: 0.5),
            source: StoredBatches(batches: Array(trajectoryBatches().prefix(1))),
            settings: TrainingSettings(
                epochs: 1, learningRate: 0.05, schedule: Schedule(.constant), optimizer: .sgd(),
                clip: nil), seed: Seed(1))
        try trainer.run { _ in }
        let wanted = try answers["sgd_norm/norms_after"].values(as: Double.self)
        for (index, weight) in weights.enumerated() {
            let after = try weight.tensor.detached().norm().item()
            #expect(abs(before[index] - after - 0.025) < 1e-6)
            #expect(abs(after - wanted[index]) < 1e-6)
            #expect(
                try relativeDifference(
                    weight.tensor.detached(), answers["sgd_norm/step1/\(weight.name)"]) < 1e-6)
        }
    }
}
