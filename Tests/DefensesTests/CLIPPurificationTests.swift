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

/// RECIPE on a tiny CLIP.
@Suite struct CLIPPurificationTests {
    private func folder() throws -> CLIPFolder { try CLIPFolder(Fixture("clip-tiny").folder) }

    private func recipe() -> RECIPE {
        var recipe = RECIPE(defaults: CLIP.paperDefaults)
        recipe.run.precision = .fp32
        recipe.run.batchSize = 4
        recipe.run.training.epochs = 2
        recipe.run.training.learningRate = 1e-3
        return recipe
    }

    @Test("The output is a drop-in replacement in which everything was trained") func dropIn()
        throws
    {
        try withTemporaryFolder { scratch in
            let (folder, output) = (try folder(), scratch.appending(path: "out"))
            let recipe = recipe()
            let report = try Purification(recipe).run(
                PairTask(folder, pairs: TinyPairs.pairs(10), .init(chunkSize: 3)), output: output)
            let after = try CLIPFolder(output)
            let comparison = try FolderComparison(before: folder.folder, after: after.folder)
            #expect(comparison.dropIn, "\(comparison.violations)")
            #expect(Set(comparison.changed.map(\.name)) == Set(report.changed))
            #expect(report.changed.count == (try folder.load().store.parameters.count))
            #expect(try report.trained.normRatios.count == 10)
            #expect(try report.trained.normRatios.values.allSatisfy { $0 < 1 })
            #expect(try report.trained.finalTerms.keys.sorted() == ["contrastive", "norm"])
            #expect(report.images == 10 && report.captions == 14 && report.truncated == 0)
            // An output that stands is not touched.
            #expect(throws: (any Error).self) {
                try Purification(recipe).run(
                    PairTask(folder, pairs: TinyPairs.pairs(10)), output: output)
            }
        }
    }

    @Test("Chunks lead to the same weights") func chunks() throws {
        func trained(_ chunkSize: Int?) throws -> [Parameter] {
            var recipe = recipe()
            // Under AdamW a gradient of nothing but rounding would still make a whole step.
            recipe.run.training.optimizer = .sgd()
            let run = try recipe.trainer(
                for: PairTask(
                    folder(), pairs: TinyPairs.pairs(8), .init(chunkSize: chunkSize)))
            while try run.next() != nil {}
            return run.model.store.parameters
        }
        for (one, two) in zip(try trained(nil), try trained(2)) {
            let (a, b) = (
                try one.tensor.detached().values(as: Double.self),
                try two.tensor.detached().values(as: Double.self)
            )
            #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 }, "\(one.name)")
        }
    }

    @Test("The norm alone touches nothing but its matrices, and needs no negatives") func alone()
        throws
    {
        let folder = try folder()
        var recipe = recipe()
        recipe.pretrainingLoss = .none
        let pairs = try TinyPairs.pairs(9)
        let run = try recipe.trainer(for: PairTask(folder, pairs: pairs))
        while try run.next() != nil {}
        let before = try folder.load().store
        for parameter in run.model.store.parameters {
            let old = try #require(before[parameter.name])
            let isSame = try old.isBitwiseEqual(to: parameter.tensor.detached())
            #expect(isSame != CLIP.recipeWeights.matches(parameter.name), "\(parameter.name)")
        }
        recipe.pretrainingLoss = .own
        let error = #expect(throws: TrainingError.self) {
            try recipe.trainer(for: PairTask(folder, pairs: pairs))
        }
        #expect(error?.description.contains("the last of 9 pairs") == true)
    }

    @Test("Defaults are CLIP's own") func defaults() {
        let recipe = RECIPE(defaults: CLIP.paperDefaults)
        #expect(
            recipe.run.training.epochs == 20 && recipe.run.batchSize == 64 && recipe.weight == 1)
        #expect(recipe.run.training.learningRate == 1e-5 && recipe.run.training.clip == nil)
        #expect(recipe.run.training.schedule == Schedule(.linear))
        #expect(
            recipe.run.training.optimizer
                == .adamW(beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: 0))
    }
}
