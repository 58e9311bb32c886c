import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import TestSupport
import Testing
import Torch
import TorchNN
import Training

@testable import Defenses

/// What a run will take from the norms is known before it begins.
@Suite struct NormBudgetTests {
    private let texts = (0..<24).map { "the film was good and great and dull \($0 % 3 == 0)" }

    private func folder(in scratch: URL) throws -> TextModelFolder {
        try TextModelFolder(Fixture("bert-base-tiny").copyModel(to: scratch.appending(path: "in")))
    }

    private func recipe(rate: Double, loss: Bool) -> RECIPE {
        var recipe = RECIPE(defaults: BERT.paperDefaults)
        recipe.pretrainingLoss = loss ? .own : .none
        recipe.run.training.epochs = 5
        recipe.run.batchSize = 4
        recipe.run.training.learningRate = rate
        recipe.run.precision = .fp32
        return recipe
    }

    @Test("AdamW takes the rate from each number: the fall is predicted", arguments: [1e-3, 4e-3])
    func prediction(_ rate: Double) throws {
        try withTemporaryFolder { scratch in
            let task = try TextTask(
                folder(in: scratch), texts: texts, .init(maximumLength: 24))
            let alone = try Purification(recipe(rate: rate, loss: false)).run(
                task, output: scratch.appending(path: "alone"))
            let ratios = try alone.trained.normRatios.values
            let measured = ratios.reduce(0, +) / Double(ratios.count)
            #expect(try alone.taken.predictedRatio < 0.99)
            #expect(try abs(measured - alone.taken.predictedRatio) < 0.02)
            // With a pre-training loss that pulls elsewhere, less is taken.
            let both = try Purification(recipe(rate: rate, loss: true)).run(
                task, output: scratch.appending(path: "both"))
            let with = try both.trained.normRatios.values
            #expect(try with.reduce(0, +) / Double(with.count) > both.taken.predictedRatio - 0.02)
        }
    }

    @Test("A sum of rates is that of its steps") func sums() {
        for shape in Schedule.Shape.allCases {
            for (warmup, total) in [(0, 1), (0, 7), (3, 10), (12, 10), (10, 10)] {
                let schedule = Schedule(shape, warmupSteps: warmup)
                let sum = (0..<total).reduce(0.0) { $0 + schedule.factor(at: $1, of: total) }
                #expect(abs(schedule.sum(over: total) - sum) < 1e-9, "\(shape) \(warmup) \(total)")
            }
        }
    }

    @Test("Far from the paper's there is a warning, either way") func caveats() throws {
        func budget(_ rate: Double, weight: Double = 1, sgd: Bool = false) throws -> Caveat? {
            try NormBudget(
                weight: weight,
                training: TrainingSettings(
                    epochs: 1, learningRate: rate, optimizer: sgd ? .sgd() : .adamW()),
                steps: 99, matrices: [Tensor.ones([4, 4])]
            ).caveat(weight: weight)
        }
        // Of ones, AdamW at 0.01 falling to 0 over 99 steps takes 0.5, SGD from the norm 4.
        #expect(try budget(0.01) == nil)
        #expect(try budget(0.0001)?.id == .normBudget)
        #expect(try budget(0.0001)?.figure.map { abs($0 - 0.005) < 1e-6 } == true)
        #expect(try budget(1)?.text.contains("the model may be lost") == true)
        #expect(try budget(0.04, sgd: true) == nil)
        #expect(try budget(0.0001, sgd: true)?.id == .normBudget)
        #expect(try budget(0.0001, weight: 0) == nil)
    }
}
