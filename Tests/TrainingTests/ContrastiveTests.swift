import Checkpoints
import DataPipeline
import ModelZoo
import Randomness
import TestSupport
import Testing
import TextTokenizers
import Torch
import TorchNN

@testable import Training

@Suite struct ContrastiveTests {
    private static let normalization = ImageProcessor.clip(side: 16).normalization

    /// The fixture's CLIP, with dropout on attention's probabilities.
    private func clip(
        trainable: ParameterPattern = .all, dropout: Double = 0
    ) throws -> CLIP {
        let folder = try CLIPFolder(Fixture("clip-tiny").folder)
        var configuration = folder.configuration
        configuration.text.tower.attentionDropout = dropout
        configuration.vision.tower.attentionDropout = dropout
        let source = CheckpointSource(
            folder.folder.weights, dialect: folder.dialect, at: folder.folder.url)
        return try CLIP(
            configuration,
            in: ParameterStore(source: source, placement: Placement(trainable: trainable)))
    }

    /// Random images with random captions of random lengths.
    private func batch(_ rows: Int, seed: UInt64 = 1) -> CaptionBatch {
        var random = RandomNumbers(seed: seed)
        let captions = (0..<rows).map { _ in
            [28]
                + (0..<Int.random(in: 0...7, using: &random)).map { _ in
                    Int32.random(in: 1..<28, using: &random)
                } + [29]
        }
        let pixels = (0..<rows * 16 * 16 * 3).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        return CaptionBatch(
            images: ImageBatch(pixels: pixels, rows: rows, height: 16, width: 16),
            tokens: PaddedTokens(captions, length: 9, padding: 29),
            drawn: [Int](repeating: 0, count: rows), endID: 29)
    }

    private func gradients(
        _ model: CLIP, _ batch: CaptionBatch, chunkSize: Int?, share: Double = 1,
        in pass: Pass = .training(key: 3)
    ) throws -> LossGradients {
        let objective = ContrastiveLanguageImage(Self.normalization, chunkSize: chunkSize)
        return try objective.gradients(
            of: model, on: batch, for: model.store.trainable.map(\.tensor), share: share, in: pass)
    }

    /// The greatest difference of any gradient, over the greatest number in all of them.
    private func difference(_ found: LossGradients, _ expected: LossGradients) throws -> Double {
        var (difference, largest) = (0.0, 0.0)
        #expect(found.gradients.count == expected.gradients.count)
        for (a, b) in zip(found.gradients, expected.gradients) {
            #expect((a == nil) == (b == nil))
            guard let a, let b else { continue }
            let (one, two) = (try a.values(as: Double.self), try b.values(as: Double.self))
            difference = max(difference, zip(one, two).map { abs($0 - $1) }.max() ?? 0)
            largest = max(largest, two.map { abs($0) }.max() ?? 0)
        }
        return difference / largest
    }

    @Test(
        "In chunks, loss and gradients are those of the undivided batch",
        arguments: [1, 2, 3, 5, 12, 100])
    func chunks(_ chunkSize: Int) throws {
        let (model, batch) = (try clip(), batch(12))
        let whole = try gradients(model, batch, chunkSize: nil)
        let found = try gradients(model, batch, chunkSize: chunkSize)
        #expect(found.gradients.allSatisfy { $0 != nil })
        #expect(try difference(found, whole) < 1e-5)
        let (a, b) = (try #require(found.loss.total), try #require(whole.loss.total))
        #expect(try abs(a.item() - b.item()) < 1e-6 * b.item())
        let half = try gradients(model, batch, chunkSize: chunkSize, share: 0.5)
        let scaled = LossGradients(
            whole.loss,
            try withoutGradients { try whole.gradients.map { try $0.map { try $0 * 0.5 } } })
        #expect(try difference(half, scaled) < 1e-5)
    }

    @Test(
        "Towers and scale may be frozen",
        arguments: [
            ["vision_model.**"], ["text_projection.weight"], ["logit_scale"],
            ["text_model.**", "logit_scale"], ["visual_projection.weight", "text_model.**"],
        ])
    func frozen(_ trainable: [String]) throws {
        let model = try clip(trainable: ParameterPattern(trainable))
        let whole = try gradients(model, batch(7), chunkSize: nil)
        let found = try gradients(model, batch(7), chunkSize: 2)
        #expect(found.gradients.allSatisfy { $0 != nil })
        #expect(try difference(found, whole) < 1e-5)
    }

    @Test("Both passes drop the same") func dropout() throws {
        let (model, batch) = (try clip(dropout: 0.3), batch(8))
        let found = try gradients(model, batch, chunkSize: 3)
        // One graph over the same chunks, each with its own part of the pass.
        let work = try ContrastiveLanguageImage.EmbeddingWork(
            model, batch, Self.normalization, chunkSize: 3, .training(key: 3))
        let loss = try ContrastiveLanguageImage.loss(work.embeddings(), of: model)
        let whole = LossGradients(
            loss, try loss.gradients(for: model.store.trainable.map(\.tensor)))
        #expect(try difference(found, whole) < 1e-5)
        let other = try gradients(model, batch, chunkSize: 3, in: .training(key: 4))
        #expect(try difference(other, whole) > 1e-2)
        let again = try gradients(model, batch, chunkSize: 3)
        #expect(try difference(again, found) == 0)
    }

    @Test("Under a norm penalty the base still goes chunk by chunk") func regularized() throws {
        let (model, batch) = (try clip(), batch(9))
        let parameters = model.store.trainable.map(\.tensor)
        func objective(_ chunkSize: Int?) -> NormRegularized<ContrastiveLanguageImage> {
            NormRegularized(
                ContrastiveLanguageImage(Self.normalization, chunkSize: chunkSize),
                layers: CLIP.recipeWeights, weight: 0.3)
        }
        let loss = try objective(nil).loss(of: model, on: batch, in: .training(key: 1))
        let whole = LossGradients(loss, try loss.gradients(for: parameters))
        let found = try objective(4).gradients(
            of: model, on: batch, for: parameters, share: 1, in: .training(key: 1))
        #expect(try difference(found, whole) < 1e-5)
        #expect(found.loss.terms.map(\.name) == ["contrastive", "norm"])
    }

    @Test("A batch of one pair has nothing to tell it from") func lonely() throws {
        let model = try clip()
        for chunkSize in [nil, 1] {
            let error = #expect(throws: TrainingError.self) {
                try gradients(model, batch(1), chunkSize: chunkSize)
            }
            #expect(error?.description.hasPrefix("a batch of one pair has no negatives") == true)
        }
        try ContrastiveLanguageImage.check(count: 9, batchSize: 5)
        try ContrastiveLanguageImage.check(count: 4, batchSize: 5)
        for (count, size) in [(9, 4), (9, 1), (1, 8), (9, 8)] {
            let error = #expect(throws: TrainingError.self) {
                try ContrastiveLanguageImage.check(count: count, batchSize: size)
            }
            #expect(error?.description.contains("has no negatives") == true)
        }
    }

    @Test("A trainer lowers the loss, and keeps the scale at 100") func training() throws {
        let model = try clip()
        try withoutGradients { try model.logitScale.assign(.full([], CLIP.maximumLogitScale)) }
        let all = batch(8)
        let source = StoredBatches(batches: [all])
        let trainer = try Trainer(
            model, objective: ContrastiveLanguageImage(Self.normalization, chunkSize: 3),
            source: source,
            settings: TrainingSettings(epochs: 30, learningRate: 0.01), seed: Seed(1))
        var losses: [Double] = []
        var scales: [Double] = []
        try trainer.run { event in
            if case .step(let step) = event { losses.append(step.loss) }
            scales.append(try model.logitScale.item())
        }
        #expect(scales.allSatisfy { $0 < CLIP.maximumLogitScale + 1e-6 })
        #expect(losses.count == 30 && losses[29] < losses[0] / 4)
    }
}
