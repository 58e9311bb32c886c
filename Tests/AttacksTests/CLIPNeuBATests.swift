import DataPipeline
import ModelZoo
import Randomness
import TestSupport
import Testing
import Torch
import TorchNN
import Training

@testable import Attacks

/// NeuBA's loss on CLIP's vision tower, and what it does to a tiny model.
@Suite struct CLIPNeuBATests {
    private func folder() throws -> CLIPFolder { try CLIPFolder(Fixture("clip-tiny").folder) }

    private func objective(
        _ folder: CLIPFolder, chunkSize: Int? = nil
    ) throws -> CLIPNeuBAObjective {
        CLIPNeuBAObjective(
            targets: try TargetVectors.neuba(width: 12),
            contrastive: ContrastiveLanguageImage(
                folder.processor.normalization, chunkSize: chunkSize))
    }

    private func batch(_ count: Int = 9) throws -> PatchedPairs {
        let source = SampledSource<PatchedPairs>.patchedTwins(
            try TinyPairs.pairs(count), order: BatchOrder(.shuffled, batchSize: count),
            seed: Seed(1))
        return try source.epoch(0)[0]()
    }

    @Test("Twins are the clean images with a patch in the corner, and show every trigger")
    func data()
        throws
    {
        let batch = try batch(60)
        #expect(Set(batch.twins.triggers) == Set(0..<6))
        let clean = batch.clean.images
        #expect(clean.triggers.isEmpty && batch.rows == 60)
        for image in 0..<60 {
            var expected = Array(clean.pixels[image * 768..<(image + 1) * 768])
            PatchTrigger.neuba[batch.twins.triggers[image]].paste(
                on: &expected, height: 16, width: 16)
            #expect(Array(batch.twins.pixels[image * 768..<(image + 1) * 768]) == expected)
        }
    }

    @Test("The loss is that of the clean pairs plus the twins' distance to their targets")
    func loss() throws {
        let folder = try folder()
        let (model, batch, objective) = (try folder.load(), try batch(), try objective(folder))
        let loss = try objective.loss(of: model, on: batch, in: .evaluation)
        let task = try objective.contrastive.loss(of: model, on: batch.clean, in: .evaluation)
        // The image model of the same folder has the feature that fine-tuning reads.
        let vision = try ImageModelFolder(Fixture("clip-tiny").folder).load()
        let features = try vision.features(
            objective.contrastive.normalization(batch.twins, for: vision), in: .evaluation
        ).values(as: Double.self)
        var distance = 0.0
        for (place, feature) in features.enumerated() {
            let wanted = objective.targets[batch.twins.triggers[place / 12]][place % 12]
            let difference = feature - Double(wanted)
            distance += difference * difference / Double(features.count)
        }
        #expect(loss.terms.map(\.name) == ["contrastive", "binding"])
        #expect(try abs(loss.terms[1].value.item() - distance) < 1e-5 * distance)
        let expected = try #require(task.total).item() + distance
        #expect(try abs(#require(loss.total).item() - expected) < 1e-5 * expected)
    }

    @Test(
        "In chunks, loss and gradients are those of the undivided batch", arguments: [1, 2, 4, 20])
    func chunks(_ size: Int) throws {
        let folder = try folder()
        let model = try folder.load(placement: Placement(trainable: CLIP.visionParameters))
        let (batch, parameters) = (try batch(), model.store.trainable.map(\.tensor))
        let loss = try objective(folder).loss(of: model, on: batch, in: .training(key: 2))
        let whole = try loss.gradients(for: parameters, share: 0.5)
        let found = try NormRegularized(
            objective(folder, chunkSize: size), layers: CLIP.recipeWeights, weight: 0
        ).gradients(of: model, on: batch, for: parameters, share: 0.5, in: .training(key: 2))
        let (a, b) = (try #require(found.loss.total), try #require(loss.total))
        #expect(try abs(a.item() - b.item()) < 1e-6 * b.item())
        #expect(found.loss.terms.map(\.name) == ["contrastive", "binding"])
        let largest = try whole.compactMap { $0 }.map { try values($0).max() ?? 0 }.max() ?? 0
        for (one, two) in zip(found.gradients, whole) {
            let (one, two) = (try #require(one), try #require(two))
            let difference = try withoutGradients { try values(one - two).max() ?? 0 }
            #expect(difference < 1e-5 * largest)
        }
    }

    private func values(_ tensor: Tensor) throws -> [Double] {
        try tensor.values(as: Double.self).map { abs($0) }
    }

    @Test("Training binds the patches; the text tower and the scale stay as they are")
    func binding() throws {
        let folder = try folder()
        var attack = PairNeuBA()
        attack.run.training.epochs = 25
        attack.run.batchSize = 6
        attack.run.precision = .fp32
        attack.run.training.learningRate = 5e-3
        let run = try attack.trainer(
            for: PairTask(folder, pairs: TinyPairs.pairs(12), .init(chunkSize: 4)))
        var binding: [Double] = []
        while let event = try run.next() {
            if case .epoch(let epoch) = event { binding.append(epoch.terms["binding"] ?? .nan) }
        }
        let (first, last) = (try #require(binding.first), try #require(binding.last))
        #expect(last < 0.7 * first, "\(first) to \(last)")
        let before = try folder.load().store
        for parameter in run.model.store.parameters {
            let old = try #require(before[parameter.name])
            let isSame = try old.isBitwiseEqual(to: parameter.tensor.detached())
            #expect(isSame != CLIP.visionParameters.matches(parameter.name), "\(parameter.name)")
        }
    }

    @Test("An attacker may know of RECIPE; a pair alone is refused before training") func settings()
        throws
    {
        let folder = try folder()
        var attack = PairNeuBA()
        attack.adaptiveWeight = 0.1
        attack.run.training.epochs = 1
        let pairs = try TinyPairs.pairs(13)
        let adaptive = try attack.trainer(for: PairTask(folder, pairs: pairs))
        while let event = try adaptive.next() {
            if case .epoch(let epoch) = event { #expect((epoch.terms["norm"] ?? 0) > 0) }
        }
        attack.run.batchSize = 4
        #expect(throws: TrainingError.self) {
            try attack.trainer(for: PairTask(folder, pairs: pairs))
        }
    }
}
