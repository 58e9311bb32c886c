import ArgumentParser
import Attacks
import DataPipeline
import Evaluation
import Files
import Foundation
import JSON
import ModelZoo
import Randomness
import Reports
import Training

extension EvaluateCommand {
    /// Training and test images before they are decoded, and how the one set was split in two.
    private struct Images {
        var train: ImageSet
        var test: ImageSet
        var split: ImageSplit?
    }

    private struct ImagePlan: Encodable {
        let evaluation: EvaluationSettings
        let precision: Precision
        /// How the clean model takes images, where that is not as the model does.
        let referencePreparation: ImagePreparation?
        let seeds: [Seed]
        let classes: [String]
        let trainSamples: Int?
        let testSamples: Int?
        /// Where the images of these, and of a split that is drawn, come from.
        let dataSeed: Seed
        let split: SplitRatio?
    }

    /// Evaluates an image model.
    func evaluateImages(_ train: URL) throws {
        let patches = try parsedPatches()
        let device = try compute.prepare()
        let folder = try ImageModelFolder(model)
        let clean = try reference.map { try ImageModelFolder($0) }
        for folder in [folder, clean] { try folder.map { try tell(ofPrunedNeurons: $0.folder) } }
        let preparation = try imageOptions.preparation(for: folder)
        // A clean model that takes images as the model does shares them.
        let cleanPreparation = try clean.map(imageOptions.preparation).flatMap {
            $0 == preparation ? nil : $0
        }
        let images = try readImages(train)
        var evaluator = ImageEvaluator(
            fineTuning(of: folder.configuration, on: images.train.layout))
        evaluator.triggers = patches
        evaluator.filter = filter
        evaluator.seeds = try parsedSeeds()
        evaluator.device = device
        let records = try records(
            device,
            ImagePlan(
                evaluation: evaluator.settings(for: preparation), precision: compute.precision,
                referencePreparation: cleanPreparation, seeds: evaluator.seeds,
                classes: images.train.classNames, trainSamples: trainingLimit,
                testSamples: testSamples, dataSeed: dataSeed, split: images.split?.ratio))
        let progress = EvaluationProgress(on: .standard, records)
        let evaluate = {
            if let split = images.split { try records?.write(split: split) }
            let task = try self.task(images, preparation, of: train)
            self.warn(of: task.shared, among: task.test.count)
            let cleanTask = try cleanPreparation.map {
                try self.task(images, $0, of: train, namesSkipped: false)
            }
            return try evaluator.evaluate(
                folder, on: task, reference: clean, referenceTask: cleanTask,
                command: Invocation.text, observe: progress.show)
        }
        let report = try records?.removedIfNothingHappens(evaluate) ?? evaluate()
        try show(report, EvaluationDocument(report).document, records)
    }

    func parsedPatches() throws -> [PatchTrigger] {
        guard let triggers else { return PatchTrigger.neuba }
        do {
            return try PatchTrigger.parse(triggers)
        } catch {
            throw ValidationError("--triggers: \(PlainWords.of(error))")
        }
    }

    private func fineTuning(
        of configuration: ImageConfiguration, on layout: ImageLayout
    ) -> ImageFineTuning {
        var settings = ImageFineTuning.paper(for: configuration, layout: layout)
        settings.epochs = epochs ?? settings.epochs
        settings.learningRate = learningRate ?? settings.learningRate
        settings.batchSize = batchSize ?? settings.batchSize
        settings.optimizer = optimizer?.configuration(for: .images) ?? settings.optimizer
        settings.precision = compute.precision
        return settings
    }

    // MARK: Images

    private func readImages(_ train: URL) throws -> Images {
        let parts = try ImageSet.parts(of: train, layout: imageOptions.layout)
        if let split { return try splitting(train, split, parts) }
        // A set by itself is not trained and tested on one and the same part.
        let trained = try imageOptions.read(
            train, part: test == nil ? .train : nil, labels: .folder)
        let source = test ?? train
        let isParted =
            try test == nil
            || ImageSet.parts(of: source, layout: imageOptions.layout).contains(.test)
        // The test images' classes are those of the training images, in their order.
        let tested = try ImageSet.read(
            source, layout: imageOptions.layout, part: isParted ? .test : nil,
            classes: trained.classNames)
        return Images(train: trained, test: tested)
    }

    /// The images of `train` in two parts: as a file says, or in a ratio.
    private func splitting(
        _ train: URL, _ text: String, _ parts: [ImagePart]
    ) throws -> Images {
        let whole = try imageOptions.read(train, part: nil, labels: .folder)
        let split: ImageSplit
        if let ratio = SplitRatio(text) {
            guard !parts.contains(.test) else {
                throw DataError(
                    file: train, "has a test part of its own; leave --split out to test on that")
            }
            split = try whole.split(ratio, seed: dataSeed)
        } else {
            split = try ImageSplit(contentsOf: text)
        }
        return Images(
            train: try whole.selecting(.train, of: split),
            test: try whole.selecting(.test, of: split), split: split)
    }

    private func task(
        _ images: Images, _ preparation: ImagePreparation, of train: URL, namesSkipped: Bool = true
    ) throws -> ImageEvaluator.Task {
        func prepared(_ set: ImageSet, _ limit: Int?) throws -> PreparedImages {
            var options = imageOptions
            options.limit = limit
            return try options.prepare(
                set, preparation, seed: dataSeed, namesSkipped: namesSkipped)
        }
        return try ImageEvaluator.Task(
            train: prepared(images.train, trainingLimit), test: prepared(images.test, testSamples),
            preparation: preparation, paths: (train.path, (test ?? train).path),
            available: (images.train.count, images.test.count))
    }

    /// How many images are trained on: a limit is about training.
    private var trainingLimit: Int? { trainSamples ?? imageOptions.limit }
}

extension ImageSplit {
    /// Reads the `split.json` of an earlier report; `argument` is what stood after `--split`.
    init(contentsOf argument: String) throws {
        guard let file = URL(argument: argument),
            FileManager.default.fileExists(atPath: file.path)
        else {
            throw ValidationError(
                "--split \(argument): expected a ratio such as 9:1, or a split.json that is there")
        }
        do {
            let data = try BoundedRead.data(of: file, atMost: 256 << 20)
            self = try JSONDecoder().decodeStrictly(ImageSplit.self, from: data)
        } catch let error as JSONError {
            throw DataError(file: file, "is not a split of images: \(error)")
        } catch let error as DecodingError {
            throw DataError(file: file, "is not a split of images: \(PlainWords.of(error))")
        }
    }
}
