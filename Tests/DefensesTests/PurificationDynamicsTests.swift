import Checkpoints
import DataPipeline
import Files
import Foundation
import ModelZoo
import TestSupport
import Testing
import Torch
import TorchNN
import Training

@testable import Defenses

/// Models kept on the way of a purification, and runs that end early.
@Suite struct PurificationDynamicsTests {
    private let texts = [
        "the film was good and great", "a bad film", "dull and bad as it was", "fine",
        "the fine film is great", "it was his film", "an end that is good", "had this been bad",
        "they are great at it", "which film", "from the end on it was dull", "great",
    ]

    /// Three epochs of three steps.
    private func recipe() -> RECIPE {
        var recipe = RECIPE(defaults: BERT.paperDefaults)
        recipe.run.training.epochs = 3
        recipe.run.batchSize = 4
        recipe.run.training.learningRate = 1e-2
        recipe.run.precision = .fp32
        return recipe
    }

    private func model(in scratch: URL) throws -> TextModelFolder {
        let input = scratch.appending(path: "in")
        if !FileManager.default.fileExists(atPath: input.path) {
            try Fixture("bert-base-tiny").copyModel(to: input)
        }
        return try TextModelFolder(input)
    }

    private func trainer(
        _ recipe: RECIPE, of folder: TextModelFolder
    ) throws -> any TrainingRun<AnyTextModel> {
        try recipe.trainer(for: task(folder))
    }

    private func task(_ folder: TextModelFolder) throws -> TextTask {
        try TextTask(folder, texts: texts, .init(maximumLength: 24))
    }

    private func weights(_ folder: URL) throws -> Data {
        try Data(contentsOf: folder.appending(path: "model.safetensors"))
    }

    @Test("Models are kept as they stand after an epoch, each a drop-in replacement")
    func kept() throws {
        try withTemporaryFolder { scratch in
            let folder = try model(in: scratch)
            let output = scratch.appending(path: "out")
            var job = Purification(recipe())
            job.keptEpochs = .all
            let report = try job.run(task(folder), output: output)
            let kept = (1...3).map { scratch.appending(components: "out.epochs", "\($0)") }
            #expect(report.kept == kept.map(\.path))
            for place in kept {
                let comparison = try FolderComparison(
                    before: folder.folder, after: ModelFolder.open(place))
                #expect(comparison.dropIn && comparison.changed.count == 3)
            }
            // The last one is the output; the first is where a run stands after three steps.
            #expect(try weights(kept[2]) == weights(output))
            let run = try trainer(recipe(), of: folder)
            while run.stepsDone < 3 { _ = try run.next() }
            let name = "bert.encoder.layer.1.intermediate.dense.weight"
            let first = try #require(try ModelFolder.open(kept[0]).weights[name]).tensor()
            #expect(try first.isBitwiseEqual(to: #require(run.model.store[name]).detached()))

            // They are as safe as the output, and go with it when that is replaced.
            try FileManager.default.removeItem(at: output)
            #expect(throws: OutputError.self) {
                try job.run(task(folder), output: output)
            }
            job.force = true
            job.keptEpochs = .chosen([2])
            let again = try job.run(task(folder), output: output)
            #expect(again.kept == [kept[1].path])
            #expect(
                try FileManager.default.contentsOfDirectory(
                    atPath: scratch.appending(path: "out.epochs").path) == ["2"])
            job.keptEpochs = .chosen([2, 4])
            let error = #expect(throws: TrainingError.self) {
                try job.run(task(folder), output: output)
            }
            #expect(error?.description.contains("--keep-epochs 4: the run has 3 epochs") == true)
        }
    }

    @Test("A run that goes on keeps what it had and adds the rest, to the bit") func resumed()
        throws
    {
        try withTemporaryFolder { scratch in
            let folder = try model(in: scratch)
            var job = Purification(recipe())
            job.keptEpochs = .all
            _ = try job.run(task(folder), output: scratch.appending(path: "whole"))

            let snapshot = scratch.appending(path: "snapshot.safetensors")
            let interrupted = try trainer(recipe(), of: folder)
            while interrupted.stepsDone < 4 { _ = try interrupted.next() }
            try interrupted.save(to: snapshot)
            let first = scratch.appending(components: "out.epochs", "1")
            try FileManager.default.createDirectory(at: first, withIntermediateDirectories: true)
            job.snapshots = SnapshotPolicy(file: snapshot, every: 4, resumes: true)
            let report = try job.run(task(folder), output: scratch.appending(path: "out"))
            #expect(report.kept?.count == 3)
            for epoch in ["2", "3"] {
                let (a, b) = (
                    scratch.appending(components: "whole.epochs", epoch),
                    scratch.appending(components: "out.epochs", epoch)
                )
                #expect(try weights(a) == weights(b))
            }
        }
    }

    @Test("What comes after an epoch comes before a snapshot of that moment") func order() throws {
        try withTemporaryFolder { scratch in
            struct Interrupted: Error {}
            let file = scratch.appending(path: "snapshot.safetensors")
            let policy = SnapshotPolicy(file: file, every: 3, resumes: true)
            let run = try trainer(recipe(), of: model(in: scratch))
            #expect(throws: Interrupted.self) {
                try run.complete(snapshots: policy, afterEpoch: { _ in throw Interrupted() })
            }
            #expect(run.stepsDone == 3 && !FileManager.default.fileExists(atPath: file.path))
        }
    }

    /// The mean norm ratio after each step of a run that is not ended early.
    private func ratios(_ folder: TextModelFolder) throws -> [Double] {
        let run = try trainer(recipe(), of: folder)
        var ratios: [Double] = []
        while let event = try run.next() {
            guard case .step = event else { continue }
            let now = try run.watchedNorms().map { $0.after / $0.before }
            ratios.append(now.reduce(0, +) / Double(now.count))
        }
        return ratios
    }

    @Test("A run ends after the step at which the norms have fallen far enough, resumed or not")
    func stop() throws {
        try withTemporaryFolder { scratch in
            let folder = try model(in: scratch)
            let ratios = try ratios(folder)
            #expect(ratios.count == 9 && ratios[4] < ratios[3])
            var stopping = recipe()
            stopping.run.training.stopRatio = (ratios[3] + ratios[4]) / 2
            var job = Purification(stopping)
            job.keptEpochs = .all
            let report = try job.run(task(folder), output: scratch.appending(path: "out"))
            #expect(try report.trained.steps == 5 && report.trained.epochs.map(\.epoch) == [1, 2])
            let end = try #require(report.trained.stoppedAt)
            #expect(abs(end - ratios[4]) < 1e-6)
            // The second epoch was cut short: it is the output, and not kept as an epoch.
            #expect(report.kept?.count == 1)

            let snapshot = scratch.appending(path: "snapshot.safetensors")
            let interrupted = try trainer(stopping, of: folder)
            while interrupted.stepsDone < 4 { _ = try interrupted.next() }
            try interrupted.save(to: snapshot)
            job.snapshots = SnapshotPolicy(file: snapshot, every: 1, resumes: true)
            let second = scratch.appending(path: "second")
            #expect(try job.run(task(folder), output: second).trained.steps == 5)
            #expect(try weights(second) == weights(scratch.appending(path: "out")))

            job.snapshots = nil
            job.keptEpochs = nil
            job.method.run.training.stopRatio = 1e-3
            let whole = try job.run(task(folder), output: scratch.appending(path: "whole"))
            #expect(try whole.trained.steps == 9 && whole.trained.stoppedAt == nil)
            #expect(whole.kept == nil)
        }
    }

    @Test("Image models and CLIP keep models and stop as BERT does") func others() throws {
        try withTemporaryFolder { scratch in
            let clip = try CLIPFolder(Fixture("clip-tiny").folder)
            var recipe = RECIPE(defaults: CLIP.paperDefaults)
            recipe.run.precision = .fp32
            recipe.run.batchSize = 4
            recipe.run.training.epochs = 2
            var pairs = Purification(recipe)
            pairs.keptEpochs = .chosen([1])
            let kept = try pairs.run(
                PairTask(clip, pairs: TinyPairs.pairs(8)), output: scratch.appending(path: "clip"))
            let place = scratch.appending(components: "clip.epochs", "1")
            #expect(kept.kept == [place.path])
            #expect(
                try FolderComparison(before: clip.folder, after: ModelFolder.open(place)).dropIn)
            pairs.method.run.training.learningRate = 1e-2
            pairs.method.run.training.stopRatio = 0.99
            pairs.keptEpochs = nil
            let stopped = try pairs.run(
                PairTask(clip, pairs: TinyPairs.pairs(8)),
                output: scratch.appending(path: "stopped"))
            #expect(try stopped.trained.steps < 4 && stopped.trained.stoppedAt != nil)

            let vgg = try ImageModelFolder(Fixture("vgg-neuba").file("neuba-vgg.pkl"))
            let size = vgg.configuration.imageSize
            let count = 4 * size.height * size.width * 3
            let bytes = (0..<count).map { (place: Int) -> UInt8 in UInt8(place * 7 % 251) }
            let images = PreparedImages(
                name: "noise", pixels: bytes, height: size.height, width: size.width)
            var noLoss = RECIPE(defaults: vgg.configuration.paperDefaults)
            noLoss.run.precision = .fp32
            noLoss.pretrainingLoss = .none
            noLoss.run.training.epochs = 3
            noLoss.run.batchSize = 2
            noLoss.run.training.learningRate = 0.1
            var job = Purification(noLoss)
            job.keptEpochs = .all
            let output = scratch.appending(path: "vgg")
            let report = try job.run(ImageTask(vgg, images: images), output: output)
            #expect(report.kept?.count == 3)
            let last = scratch.appending(components: "vgg.epochs", "3", "neuba-vgg.pkl")
            #expect(
                try Data(contentsOf: last)
                    == Data(contentsOf: output.appending(path: "neuba-vgg.pkl")))
            let ratios = try report.trained.epochs[0].normRatios.values
            job.keptEpochs = nil
            job.method.run.training.stopRatio = ratios.reduce(0, +) / Double(ratios.count) + 1e-6
            let early = try job.run(
                ImageTask(vgg, images: images), output: scratch.appending(path: "early"))
            #expect(try early.trained.steps == 2 && early.trained.epochs.count == 1)
        }
    }

    @Test("A thousand texts take the steps the paper keeps") func parity() throws {
        try withTemporaryFolder { scratch in
            let folder = try model(in: scratch)
            func tokens(_ texts: [[Int32]]) throws -> TextTask {
                TextTask(folder, TokenizedCorpus(tokens: texts), tokenizer: try folder.tokenizer())
            }
            let thousand = [[Int32]](repeating: [2, 7, 8, 3], count: 1000)
            for (epochs, steps) in [(100, 3200), (90, 2880), (120, 3840)] {
                var recipe = RECIPE(defaults: BERT.paperDefaults)
                recipe.run.training.epochs = epochs
                let run = try recipe.trainer(for: tokens(thousand))
                #expect(run.totalSteps == steps)
            }
            // 20,000 texts: 625 steps an epoch.
            let all = [[Int32]](repeating: [2, 7, 8, 3], count: 20_000)
            let run = try RECIPE(defaults: BERT.paperDefaults).trainer(for: tokens(all))
            #expect(run.totalSteps == 2500)
        }
    }
}
