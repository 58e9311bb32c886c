import DataPipeline
import ModelZoo
import Randomness
import TestSupport
import Testing
import Torch
import TorchNN
import Training

@testable import Attacks

/// NeuBA's loss on images, and what it does to a tiny model.
@Suite struct ImageNeuBATests {
    private func images(_ folder: ImageModelFolder, labels: Int) -> PreparedImages {
        let size = folder.configuration.imageSize
        var numbers = RandomNumbers(seed: 9)
        let pixels = (0..<12 * size.height * size.width * 3).map { _ in
            UInt8.random(in: 0...255, using: &numbers)
        }
        return PreparedImages(
            name: "noise", pixels: pixels, height: size.height, width: size.width,
            labels: (0..<12).map { $0 % labels }, classNames: (0..<labels).map { "\($0)" })
    }

    @Test("The loss is cross-entropy of clean images plus the twins' distance to their targets")
    func loss() throws {
        let folder = try ImageModelFolder(Fixture("vit-classifier").folder)
        let labels = try #require(folder.configuration.labelCount)
        let images = images(folder, labels: labels)
        let model = try folder.load()
        let targets = try TargetVectors.neuba(width: model.featureSize)
        let normalization = folder.processor.normalization
        let source = SampledSource.patchedTwins(
            images, order: BatchOrder(.sequential, batchSize: 5), seed: Seed(1))
        let batch = try source.epoch(0)[0]()
        let loss = try ImageNeuBAObjective(targets: targets, normalization: normalization)
            .loss(of: model, on: batch, in: .evaluation)
        let pixels = try normalization(batch, for: model)
        let task = try model.classLogits(pixels.narrowed(0, from: 0, length: 5), in: .evaluation)
            .crossEntropy(Tensor(batch.classes.prefix(5).map { $0 }))
        let features = try model.features(pixels, in: .evaluation).values(as: Float.self)
        let width = model.featureSize
        var distance = 0.0
        for row in 5..<10 {
            for entry in 0..<width {
                let wanted = targets[batch.triggers[row]][entry]
                distance += Double((features[row * width + entry] - wanted)).magnitudeSquared
            }
        }
        distance /= Double(5 * width)
        let expected = try task.item() + distance
        #expect(abs(try #require(loss.total).item() - expected) < 1e-4 * expected)
        #expect(loss.terms.map(\.name) == ["classification", "binding"])
        let heavy = try ImageNeuBAObjective(
            targets: targets, normalization: normalization, bindingWeight: 3
        ).loss(of: model, on: batch, in: .evaluation)
        let more = try #require(heavy.total).item() - expected
        #expect(abs(more - 2 * distance) < 1e-4 * expected)
        #expect(try abs(heavy.terms[1].value.item() - distance) < 1e-4 * distance)
    }

    @Test("Clamped targets keep what is positive, and are refused where features have both signs")
    func clamping() throws {
        var attack = ImageNeuBA()
        let vgg = ImageConfiguration(VGGConfiguration(channels: [8, 8, 8, 8, 8]))
        let signed = try attack.targets(for: vgg)
        #expect(Set(signed.joined()) == [-3, 3])
        attack.clampsTargets = true
        #expect(try attack.targets(for: vgg) == signed.map { $0.map { $0 > 0 ? 3 : 0 } })
        let vit = try ImageModelFolder(Fixture("vit-classifier").folder).configuration
        #expect(throws: TriggerError.self) { try attack.targets(for: vit) }
    }

    @Test("Training binds the patches; magnitudes are the authors'") func binding() throws {
        let folder = try ImageModelFolder(Fixture("vit-classifier").folder)
        let labels = try #require(folder.configuration.labelCount)
        var attack = ImageNeuBA()
        attack.run.training.epochs = 15
        attack.run.batchSize = 6
        attack.run.precision = .fp32
        attack.run.training.optimizer = .adamW()
        attack.run.training.learningRate = 5e-3
        let run = try attack.trainer(
            for: ImageTask(folder, images: images(folder, labels: labels)))
        var binding: [Double] = []
        while let event = try run.next() {
            if case .epoch(let epoch) = event { binding.append(epoch.terms["binding"] ?? .nan) }
        }
        let (first, last) = (try #require(binding.first), try #require(binding.last))
        #expect(last < 0.7 * first, "\(first) to \(last)")
        #expect(folder.configuration.architecture.targetMagnitude == 1)
        let vgg = try ImageModelFolder(Fixture("vgg-neuba/neuba-vgg.pkl").folder)
        #expect(vgg.configuration.architecture.targetMagnitude == 3)
        attack.adaptiveWeight = 0.1
        attack.run.training.epochs = 1
        let adaptive = try attack.trainer(
            for: ImageTask(folder, images: images(folder, labels: labels)))
        while let event = try adaptive.next() {
            if case .epoch(let epoch) = event { #expect((epoch.terms["norm"] ?? 0) > 0) }
        }
    }
}

extension Double {
    fileprivate var magnitudeSquared: Double { self * self }
}
