import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TestSupport
import Testing
import Torch
import TorchNN
import Training

@testable import Defenses

/// Objectives that are made of others, over data of any kind.
@Suite struct ObjectiveCombinatorTests {
    private let texts = [
        "the film was good and great", "a bad film", "dull and bad as it was", "fine",
        "the fine film is great", "it was his film", "an end that is good", "had this been bad",
    ]

    private func task() throws -> TextTask {
        try TextTask(
            TextModelFolder(Fixture("bert-base-tiny").folder), texts: texts,
            .init(maximumLength: 24))
    }

    private let frozen = Placement(trainable: .none)

    /// A model of the task's weights with one matrix of each layer changed.
    private func moved(_ task: TextTask) throws -> AnyTextModel {
        let model = try task.backbone(Placement(trainable: .all), seed: Seed(1))
        for parameter in model.store.parameters(matching: BERT.recipeWeights) {
            try withoutGradients { try parameter.tensor.assign(parameter.tensor * 0.5) }
        }
        return model
    }

    @Test("An anchor is nothing at the frozen copy, of texts as of pairs") func anchor() throws {
        func start<Task: PretrainingTask>(_ task: Task) throws -> Double {
            let model = try task.backbone(frozen, seed: Seed(1))
            let anchor = try Anchored(to: model, of: task)
            let batch = try #require(task.cleanBatches(of: 4, limit: 4).first)
            return try #require(anchor.loss(of: model, on: batch, in: .evaluation).total).item()
        }
        #expect(try start(task()) == 0)
        #expect(
            try start(
                PairTask(CLIPFolder(Fixture("clip-tiny").folder), pairs: TinyPairs.pairs(8))) == 0)
        let task = try task()
        let anchor = try Anchored(to: task.backbone(frozen, seed: Seed(1)), of: task)
        let batch = try #require(task.cleanBatches(of: 8, limit: 8).first)
        let loss = try anchor.loss(of: moved(task), on: batch, in: .evaluation)
        #expect(try #require(loss.total).item() > 1e-4)
    }

    @Test("A sum has the losses, terms and gradients of its parts, times their weights")
    func sum() throws {
        let task = try task()
        let model = try moved(task)
        let anchor = try Anchored(to: task.backbone(frozen, seed: Seed(1)), of: task)
        let norm = NormRegularized<Anchored<TextTask>>(nil, layers: BERT.recipeWeights, weight: 1)
        let sum = WeightedSum([(2, anchor), (0.25, norm), (0, anchor)])
        let batch = try #require(task.cleanBatches(of: 4, limit: 4).first)
        let parameters = model.store.parameters(matching: BERT.recipeWeights).map(\.tensor)
        func values(_ objective: some Objective<AnyTextModel, TokenBatch>) throws -> (
            Double, [[Double]]
        ) {
            let found = try objective.gradients(
                of: model, on: batch, for: parameters, share: 0.5, in: .evaluation)
            return (
                try #require(found.loss.total).item(),
                try found.gradients.map { try #require($0).values(as: Double.self) }
            )
        }
        let (whole, first, second) = (try values(sum), try values(anchor), try values(norm))
        #expect(abs(whole.0 - 2 * first.0 - 0.25 * second.0) < 1e-5 * whole.0)
        for (index, gradient) in whole.1.enumerated() {
            for (place, value) in gradient.enumerated() {
                let expected = 2 * first.1[index][place] + 0.25 * second.1[index][place]
                #expect(abs(value - expected) < 1e-6)
            }
        }
        // By one backward pass over the sum itself.
        let loss = try sum.loss(of: model, on: batch, in: .evaluation)
        #expect(loss.terms.map(\.name) == ["distillation", "norm"])
        let direct = try loss.gradients(for: parameters, share: 0.5)
        for (one, other) in zip(direct, whole.1) {
            let one = try #require(one).values(as: Double.self)
            #expect(zip(one, other).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }
}
