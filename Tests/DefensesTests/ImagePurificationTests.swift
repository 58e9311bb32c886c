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

/// RECIPE on tiny image models.
@Suite struct ImagePurificationTests {
    private func folder(_ name: String = "vit-classifier") throws -> ImageModelFolder {
        try ImageModelFolder(Fixture(name).folder)
    }

    /// Random images that fit the model, with as many classes as asked for.
    private func images(_ folder: ImageModelFolder, labels: Int, count: Int = 12) -> PreparedImages
    {
        let size = folder.configuration.imageSize
        var numbers = RandomNumbers(seed: 4)
        let pixels = (0..<count * size.height * size.width * 3).map { _ in
            UInt8.random(in: 0...255, using: &numbers)
        }
        return PreparedImages(
            name: "noise", pixels: pixels, height: size.height, width: size.width,
            labels: labels == 0 ? [] : (0..<count).map { $0 % labels },
            classNames: (0..<labels).map { "class \($0)" })
    }

    private func recipe(_ folder: ImageModelFolder) -> RECIPE {
        var recipe = RECIPE(defaults: folder.configuration.paperDefaults)
        recipe.run.precision = .fp32
        recipe.run.batchSize = 4
        recipe.run.training.epochs = 2
        return recipe
    }

    @Test("The norm alone takes the rate off each norm at every step, as budgeted")
    func normAlone() throws {
        let folder = try folder()
        var recipe = recipe(folder)
        recipe.pretrainingLoss = .none
        recipe.weight = 0.5
        recipe.run.training.learningRate = 0.01
        let images = images(folder, labels: 0)
        let trainer = try recipe.trainer(for: ImageTask(folder, images: images))
        func norms() throws -> [Double] {
            try withoutGradients {
                try Tensor.norms(
                    of: trainer.model.store.parameters(matching: trainer.model.recipeWeights)
                        .map(\.tensor)
                ).map { try $0.item() }
            }
        }
        let before = try norms()
        let budget = try NormBudget(
            weight: recipe.weight, training: recipe.run.training, steps: trainer.totalSteps,
            matrices: trainer.model.store.parameters(matching: trainer.model.recipeWeights)
                .map(\.tensor))
        // Six steps of 0.5 · 0.01.
        #expect(abs(budget.budget - 0.03) < 1e-12)
        while try trainer.next() != nil {}
        for (after, before) in try zip(norms(), before) {
            #expect(abs(before - after - 0.03) < 1e-5 * before)
        }
        #expect(budget.medianNorm == before.sorted()[before.count / 2])
        #expect(budget.smallestNorm == before.min())
    }

    @Test("A trainer does the paper's epochs in the batches of the architecture")
    func defaults() throws {
        // 130 images in batches of 64 are three steps an epoch.
        for (name, epochs) in [("vit-classifier", 4), ("vgg-neuba/neuba-vgg.pkl", 10)] {
            let folder = try folder(name)
            let recipe = RECIPE(defaults: folder.configuration.paperDefaults)
            let labels = try #require(folder.configuration.labelCount)
            let trainer = try recipe.trainer(
                for: ImageTask(folder, images: images(folder, labels: labels, count: 130)))
            #expect(trainer.totalSteps == 3 * epochs, "\(name)")
            // 50,000 images, as the paper has them: 782 steps an epoch.
            #expect(recipe.run.steps(over: 50000) == 782 * epochs)
        }
    }

    @Test("Distillation from the model itself begins at zero and keeps the features")
    func distillation() throws {
        let folder = try folder()
        var recipe = recipe(folder)
        recipe.pretrainingLoss = .distillation
        let images = images(folder, labels: 0)
        let model = try folder.load(head: .none)
        let objective = try Anchored(to: model, of: ImageTask(folder, images: images))
        let batch = images.batch([0, 1, 2])
        let start = try objective.loss(of: model, on: batch, in: .evaluation)
        #expect(try #require(start.total).item() == 0)
        let other = try folder.load(head: .none)
        for parameter in other.store.parameters(matching: other.recipeWeights) {
            try withoutGradients { try parameter.tensor.assign(parameter.tensor * 0.5) }
        }
        let moved = try objective.loss(of: other, on: batch, in: .evaluation)
        #expect(try #require(moved.total).item() > 0.01)
        // Over the images that σ was measured on, a constant vector is at distance one on average.
        let deviation = try objective.inverseDeviation.values(as: Double.self)
        #expect(deviation.allSatisfy { $0 > 0 && $0.isFinite })
        var last: TrainingEvent.Epoch?
        let trainer = try recipe.trainer(for: ImageTask(folder, images: images))
        while let event = try trainer.next() { if case .epoch(let epoch) = event { last = epoch } }
        #expect(last?.terms.keys.sorted() == ["distillation", "norm"])
    }

    @Test(
        "The output is a drop-in replacement, of a folder and of a single file",
        arguments: ["vit-classifier", "vgg-neuba/neuba-vgg.pkl", "vgg-neuba/neuba-vgg-legacy.pkl"])
    func dropIn(_ name: String) throws {
        try withTemporaryFolder { scratch in
            let folder = try folder(name)
            let labels = try #require(folder.configuration.labelCount)
            let images = images(folder, labels: labels)
            let output = scratch.appending(path: "out")
            let report = try Purification(recipe(folder)).run(
                ImageTask(folder, images: images), output: output)
            #expect(try report.usesOwnHead && report.taken.share > 0)
            let written =
                folder.folder.isFile
                ? output.appending(path: folder.folder.url.lastPathComponent) : output
            let comparison = try FolderComparison(
                before: folder.folder, after: ImageModelFolder(written).folder)
            #expect(comparison.dropIn, "\(comparison.violations)")
            #expect(Set(comparison.changed.map(\.name)) == Set(report.changed))
            #expect(try report.trained.normRatios.values.allSatisfy { $0 < 1 })
            // An output that stands is not touched.
            #expect(throws: (any Error).self) {
                try Purification(recipe(folder)).run(
                    ImageTask(folder, images: images), output: output)
            }
        }
    }

    @Test("A head for other classes is fitted first and is no part of the output") func fitted()
        throws
    {
        try withTemporaryFolder { scratch in
            let folder = try folder()
            let labels = try #require(folder.configuration.labelCount) + 1
            var fittingSteps = 0
            let report = try Purification(recipe(folder)).run(
                ImageTask(folder, images: images(folder, labels: labels)),
                output: scratch.appending(path: "out"),
                observe: { if case .fitting(.step) = $0 { fittingSteps += 1 } })
            #expect(!report.usesOwnHead && fittingSteps > 0)
            #expect(!report.changed.contains { $0.hasPrefix("classifier") })
        }
    }
}
