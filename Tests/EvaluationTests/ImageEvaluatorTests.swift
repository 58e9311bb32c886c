import Attacks
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TestSupport
import Testing
import Torch
import TorchNN
import Training

@testable import Evaluation

/// Noise with a blob in it, whose colour is the class.
private enum Blobs {
    static let classNames = ["blue", "red"]

    /// A third of the images are of the first class.
    static func images(
        _ count: Int, size: Int, seed: UInt64, labels: [Int]? = nil,
        classNames: [String] = classNames
    ) -> PreparedImages {
        var stream = Seed(seed).stream("blobs")
        let labels = labels ?? (0..<count).map { $0 % 3 == 0 ? 0 : 1 }
        var pixels = (0..<count * size * size * 3).map { _ in
            UInt8.random(in: 90...160, using: &stream)
        }
        for image in 0..<count {
            let place = (0..<2).map { _ in Int.random(in: 0...size / 2, using: &stream) }
            let color: [UInt8] =
                (labels.isEmpty ? 0 : labels[image]) == 0 ? [30, 30, 220] : [220, 30, 30]
            for (row, column) in (0..<size * size / 4).map({ ($0 / (size / 2), $0 % (size / 2)) }) {
                let start = ((image * size + place[0] + row) * size + place[1] + column) * 3
                pixels.replaceSubrange(start..<start + 3, with: color)
            }
        }
        return PreparedImages(
            name: "blobs", pixels: pixels, height: size, width: size, labels: labels,
            classNames: classNames)
    }

    /// Every other pixel of every other row.
    static func halved(_ images: PreparedImages) -> PreparedImages {
        let (height, width) = (images.height / 2, images.width / 2)
        let pixels = (0..<images.count).flatMap { index in
            let image = images.image(index)
            return (0..<height * width).flatMap { image[$0 / width * 2, $0 % width * 2] }
        }
        return PreparedImages(
            name: images.name, pixels: pixels, height: height, width: width, labels: images.labels,
            classNames: images.classNames)
    }

    static func task(size: Int) throws -> DownstreamImages {
        try DownstreamImages(
            train: images(96, size: size, seed: 1), test: images(30, size: size, seed: 2),
            preparation: ImagePreparation(size: size), paths: ("train", "test"))
    }
}

@Suite struct ImageEvaluatorTests {
    private static let vit = ImageConfiguration(
        ViTConfiguration(
            imageSize: PixelSize(16, 16), patchSize: PixelSize(8, 8), hiddenSize: 16,
            layerCount: 1, headCount: 2, intermediateSize: 32, labelCount: nil))
    private static let vgg = ImageConfiguration(
        VGGConfiguration(
            .vgg11, batchNorm: true, channels: [4, 4, 8, 8, 8], imageSize: PixelSize(32, 32),
            head: .none))

    /// A new model of random weights.
    private func withModel(
        _ configuration: ImageConfiguration, _ body: (ImageModelFolder) throws -> Void
    ) throws {
        try withTemporaryFolder { scratch in
            let model = try configuration.model(
                in: ParameterStore(source: FreshSource(seed: Seed(7).key("parameters"))))
            try ImageModelFolder.create(
                model, processor: ImageProcessor(resize: .exactly(configuration.imageSize)),
                at: scratch)
            try body(ImageModelFolder(scratch))
        }
    }

    private func evaluator() -> ImageEvaluator {
        var evaluator = ImageEvaluator(FineTuning(Self.vit.paperDefaults.fineTuning))
        evaluator.fineTuning.training.epochs = 5
        evaluator.fineTuning.training.learningRate = 5e-3
        evaluator.fineTuning.batchSize = 16
        evaluator.fineTuning.training.optimizer = .adamW()
        evaluator.fineTuning.precision = .fp32
        evaluator.triggers = [PatchTrigger.neuba[0], PatchTrigger.neuba[3]]
        evaluator.seeds = [Seed(42)]
        return evaluator
    }

    @Test(
        "A classifier is learned, and patches are counted over all other labels",
        arguments: [vit, vgg])
    func whole(_ configuration: ImageConfiguration) throws {
        try withModel(configuration) { folder in
            var evaluator = evaluator()
            evaluator.seeds = [Seed(42), Seed(43)]
            var trained: [Seed] = []
            var measured: [Int] = []
            let report = try evaluator.evaluate(
                folder, on: Blobs.task(size: configuration.imageSize.width), reference: folder
            ) {
                switch $0 {
                case .training(let seed, .started): trained.append(seed)
                case .measuring(_, let done, let total):
                    measured.append(done)
                    #expect(total == 3)
                default: break
                }
            }
            #expect(report.testCount == 30 && report.labelNames == ["blue", "red"])
            #expect(report.data.map(\.path) == ["train", "test"])
            #expect(report.data.map(\.samples) == [96, 30])
            #expect(report.poolerPolicy == nil && report.lostInsertions == 0)
            for seed in report.seeds {
                // Always the larger class would be 20 of 30.
                #expect(seed.accuracy.total == 30 && seed.accuracy.count > 24)
                #expect(seed.triggers.map(\.trigger) == ["neuba:0", "neuba:3"])
                for trigger in seed.triggers {
                    #expect(trigger.perLabel.map(\.proportion.total) == [20, 10])
                }
            }
            // The same model is its own floor.
            #expect(report.reference?.summary == report.summary)
            #expect(report.excessAASR == 0)
            #expect(report.reference?.preparation == nil)
            #expect(report.settings.computeType == .float32)
            #expect(report.sharedSamples?.count == 0)
            #expect(trained == [Seed(42), Seed(43), Seed(42), Seed(43)])
            #expect(measured == [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
            let data = try JSONEncoder().encode(report)
            #expect(try JSONDecoder().decode(EvaluationReport.self, from: data) == report)
        }
    }

    @Test("A clean model that takes images in another way is evaluated on its own") func ownTask()
        throws
    {
        try withModel(Self.vit) { folder in
            let evaluator = evaluator()
            let task = try Blobs.task(size: 16)
            // The same images at half the size.
            let small = try DownstreamImages(
                train: Blobs.halved(#require(task.train)), test: Blobs.halved(task.test),
                preparation: ImagePreparation(size: 8, filter: .bicubic))
            let report = try evaluator.evaluate(
                folder, on: task, reference: folder, referenceTask: small)
            #expect(report.reference?.preparation == small.preparation)
            let alone = try evaluator.evaluate(folder, on: small)
            #expect(report.reference?.summary == alone.summary)
            #expect(report.summary == (try evaluator.evaluate(folder, on: task).summary))
            let others = try DownstreamImages(
                train: task.train, test: Blobs.images(6, size: 16, seed: 4),
                preparation: task.prepared)
            let error = #expect(throws: (any Error).self) {
                try evaluator.evaluate(folder, on: task, reference: folder, referenceTask: others)
            }
            #expect("\(String(describing: error))".contains("give both the same"))
        }
    }

    @Test("Rates are what counting predictions by hand gives") func byHand() throws {
        try withModel(Self.vit) { folder in
            var evaluator = evaluator()
            // Barely trained, so that it errs.
            evaluator.fineTuning.training.epochs = 1
            evaluator.fineTuning.training.learningRate = 1e-3
            let task = try Blobs.task(size: 16)
            let result = try evaluator.evaluate(folder, on: task).seeds[0]
            let trainer = try evaluator.trainer(
                on: folder, images: #require(task.train), seed: Seed(42), device: .cpu)
            while try trainer.next() != nil {}
            let predictor = ImagePredictor(
                trainer.model, normalization: folder.processor.normalization)
            let clean = try predictor.classes(of: task.test)
            let truth = task.test.labels
            #expect(result.accuracy.count == zip(clean, truth).count { $0 == $1 })
            for (trigger, found) in zip(evaluator.triggers, result.triggers) {
                let answers = try predictor.classes(of: task.test, with: trigger)
                for label in 0...1 {
                    let others = truth.indices.filter { truth[$0] != label }
                    #expect(
                        found.perLabel[label].proportion
                            == Proportion(others.count { answers[$0] == label }, of: others.count))
                }
                #expect(found.flip.count == zip(answers, clean).count { $0 != $1 })
            }
        }
    }

    @Test("Classes come in the order of the images, patched or not") func predictor() throws {
        try withModel(Self.vit) { folder in
            let images = Blobs.images(23, size: 16, seed: 3)
            // A head of many classes, so that images differ in theirs.
            let model = try folder.load(head: .fresh(labels: 50), seed: Seed(1))
            let normalization = folder.processor.normalization
            var predictor = ImagePredictor(model, normalization: normalization)
            predictor.pixelBudget = 7 * 16 * 16
            for trigger in [nil, PatchTrigger.neuba[1]] {
                let found = try predictor.classes(of: images, with: trigger)
                #expect(found.count == 23)
                for (index, label) in found.enumerated() {
                    var batch = images.batch([index])
                    if let trigger { batch = batch.poisoned(by: trigger, number: 0) }
                    let alone = try model.classLogits(
                        normalization(batch, for: model), in: .evaluation)
                    #expect(try alone.argmax(-1).values(as: Int64.self) == [Int64(label)])
                }
            }
        }
    }

    @Test("A classifier begins with a fresh head, and all of it is trained") func freshHead() throws
    {
        try withModel(Self.vgg) { folder in
            func start(_ seed: UInt64) throws -> AnyImageModel {
                try evaluator().trainer(
                    on: folder, images: Blobs.images(4, size: 32, seed: 1), seed: Seed(seed),
                    device: .cpu
                ).model
            }
            func same(_ name: String) throws -> Bool {
                let pair = try [start(1), start(2)].map { try #require($0.store[name]) }
                return try pair[0].detached().isBitwiseEqual(to: pair[1].detached())
            }
            let model = try start(1)
            #expect(model.labelCount == 2)
            #expect(model.store.trainable.count == model.store.parameters.count)
            #expect(try same("features.0.weight"))
            #expect(try !same("fc.weight"))
        }
    }

    @Test("What is no task is refused") func refusals() throws {
        func message(_ train: PreparedImages, _ test: PreparedImages) -> String {
            do {
                _ = try DownstreamImages(
                    train: train, test: test, preparation: ImagePreparation(size: 8))
                return ""
            } catch { return "\(error)" }
        }
        let good = Blobs.images(6, size: 8, seed: 1)
        #expect(message(good, good).isEmpty)
        let single = Blobs.images(2, size: 8, seed: 1, labels: [1, 1])
        #expect(message(single, good).contains("all images are of one class"))
        let unlabelled = Blobs.images(2, size: 8, seed: 1, labels: [], classNames: [])
        #expect(message(unlabelled, good).contains("no classes"))
        #expect(message(good, unlabelled).contains("not named; expected"))
        let others = Blobs.images(6, size: 8, seed: 1, classNames: ["cat", "dog"])
        #expect(message(good, others).contains("cat, dog; expected"))
        #expect(message(good, Blobs.images(6, size: 16, seed: 1)).contains("16×16"))
    }

    private func paper(
        _ configuration: ImageConfiguration, on layout: ImageLayout
    ) -> FineTuning { FineTuning(configuration.paperDefaults.fineTuning, on: layout) }

    @Test("A CLIP's tower is fine-tuned as the paper does it, the rate falling to 0")
    func paperCLIP() throws {
        let clip = ImageConfiguration(CLIPVisionConfiguration())
        let usual = paper(clip, on: .folders)
        #expect(usual.training.epochs == 3 && usual.training.learningRate == 1e-5)
        #expect(usual.training.schedule.shape == .linear && usual.training.clip == nil)
        #expect(usual.training.optimizer == .adamW() && usual.batchSize == 32)
        #expect(paper(clip, on: .gtsrb).training.learningRate == 2e-5)
        let task = try Blobs.task(size: 8)
        let settings = ImageEvaluator(usual).settings(on: task, device: .cpu)
        #expect(
            settings.samples
                == .images(
                    .init(preparation: task.prepared, optimizer: .adamW(), schedule: .linear)))
        let data = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(EvaluationSettings.self, from: data) == settings)
    }

    @Test("The paper's settings depend on the model and the data") func paper() throws {
        let usual = paper(Self.vgg, on: .folders)
        #expect(usual.training.epochs == 10 && usual.training.learningRate == 1e-3)
        #expect(usual.batchSize == 64 && usual.training.optimizer == .sgd())
        #expect(usual.training.schedule.shape == .constant && usual.training.clip == nil)
        #expect(paper(Self.vgg, on: .cifar10) == usual)
        #expect(paper(Self.vit, on: .gtsrb) == usual)
        let exception = paper(Self.vit, on: .cifar10)
        #expect(exception.training.epochs == 4 && exception.training.learningRate == 0.01)
        let evaluator = ImageEvaluator(exception)
        let data = try JSONEncoder().encode(evaluator)
        #expect(try JSONDecoder().decode(ImageEvaluator.self, from: data) == evaluator)
        let task = try Blobs.task(size: 8)
        let settings = evaluator.settings(on: task, device: .cpu)
        #expect(settings.epochs == 4 && settings.triggers.count == 6)
        #expect(settings.computeType != nil)
        #expect(
            settings.samples == .images(.init(preparation: task.prepared, optimizer: .sgd())))
    }
}
