import Attacks
import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import Torch
import Training

/// Fine-tunes a pre-trained image model on a task, and measures how well the result works and how
/// far patches steer it.
///
/// A patch is pasted on prepared images, as NeuBA's authors have it: after the resize.
public struct ImageEvaluator: Sendable {
    /// How classifiers are made.
    public var fineTuning: ImageFineTuning
    /// Patches to try.
    public var triggers = PatchTrigger.neuba
    /// Which samples count for the attack success rate.
    public var filter = AttackSuccess.Filter.none
    /// One classifier is made and measured with each.
    public var seeds = [Seed(42), Seed(43), Seed(44)]
    /// Where the work is done.
    public var device = Device.cpu

    /// An evaluation with three seeds; by default with the paper's settings, which
    /// `ImageFineTuning.paper` knows better for some models and data sets.
    public init(_ fineTuning: ImageFineTuning = ImageFineTuning()) {
        self.fineTuning = fineTuning
    }

    /// Training and test images of a task, prepared alike.
    public struct Task: Sendable {
        /// What classifiers are trained on.
        public let train: PreparedImages
        /// What they are measured on; classes as in `train`.
        public let test: PreparedImages
        /// How both were prepared.
        public let preparation: ImagePreparation
        /// Where they come from, as reports say it.
        public let paths: (train: String, test: String)
        /// The images that `train` and `test` were drawn from, where they are a part of them.
        public let available: (train: Int, test: Int)?
        /// The images of `test` that are in `train` too.
        public let shared: SharedSamples

        /// A task of images that were prepared alike; `paths` are their names by default.
        ///
        /// Throws `TrainingError` where training images have fewer than two classes, and where test
        /// images have others than training images, or another size.
        public init(
            train: PreparedImages, test: PreparedImages, preparation: ImagePreparation,
            paths: (train: String, test: String)? = nil,
            available: (train: Int, test: Int)? = nil
        ) throws {
            self.train = train
            self.test = test
            self.preparation = preparation
            self.paths = paths ?? (train.name, test.name)
            self.available = available
            shared = SharedSamples(train: train, test: test)
            try checkClasses()
            for images in [train, test]
            where [images.height, images.width] != [preparation.size, preparation.size] {
                throw TrainingError(
                    "\(images.name): the images are \(PixelSize(images.height, images.width)) "
                        + "pixels; expected \(preparation.size) a side")
            }
        }

        private func checkClasses() throws {
            guard Set(train.labels).count > 1 else {
                throw TrainingError(
                    train.labels.isEmpty
                        ? "\(train.name): the images have no classes; a classifier needs them"
                        : "\(train.name): all images are of one class; a classifier needs at "
                            + "least two")
            }
            guard test.classNames == train.classNames, !test.labels.isEmpty else {
                throw TrainingError(
                    "\(test.name): the classes are \(Self.list(test.classNames)); expected those "
                        + "of the training images, \(Self.list(train.classNames))")
            }
        }

        private static func list(_ names: [String]) -> String {
            names.isEmpty
                ? "not named"
                : names.prefix(10).joined(separator: ", ") + (names.count > 10 ? ", …" : "")
        }

        /// The files as reports list them.
        var files: [DatasetFile] {
            [
                DatasetFile(
                    .train, path: paths.train, samples: train.count, available: available?.train,
                    skipped: train.skipped.count),
                DatasetFile(
                    .test, path: paths.test, samples: test.count, available: available?.test,
                    skipped: test.skipped.count),
            ]
        }
    }

    /// The settings on images so prepared, as reports show them.
    public func settings(for preparation: ImagePreparation) -> EvaluationSettings {
        var settings = EvaluationSettings()
        settings.epochs = fineTuning.epochs
        settings.learningRate = fineTuning.learningRate
        settings.batchSize = fineTuning.batchSize
        settings.triggers = triggers.map(\.description)
        settings.filter = filter
        settings.computeType = fineTuning.precision.computeType(on: device)
        settings.samples = .images(
            .init(
                preparation: preparation, optimizer: fineTuning.optimizer,
                schedule: fineTuning.schedule))
        return settings
    }

    /// Evaluates the model of `folder`; with `reference`, a clean model is evaluated alike and its
    /// attack success rate is the floor that the report compares with.
    ///
    /// `referenceTask` is the same task prepared as the clean model takes it; by default that sees
    /// the bytes of `task`. Each model normalizes them as its own files say. Throws `TrainingError`
    /// where the two tasks differ in more than the preparation.
    public func evaluate(
        _ folder: ImageModelFolder, on task: Task, reference: ImageModelFolder? = nil,
        referenceTask: Task? = nil, command: String? = nil,
        observe: (Evaluator.Progress) throws -> Void = { _ in }
    ) throws -> EvaluationReport {
        let clean = try reference.map {
            try floor(of: $0, on: referenceTask ?? task, beside: task, observe: observe)
        }
        return EvaluationReport(
            model: folder.folder.url.path, data: task.files, labelNames: task.train.classNames,
            testCount: task.test.count, sharedSamples: task.shared,
            settings: settings(for: task.preparation), command: command,
            seeds: try results(of: folder, on: task, observe: observe), reference: clean)
    }

    private func floor(
        of clean: ImageModelFolder, on task: Task, beside other: Task,
        observe: (Evaluator.Progress) throws -> Void
    ) throws -> EvaluationReference {
        for (own, theirs) in [(task.train, other.train), (task.test, other.test)] {
            guard own.labels == theirs.labels, own.classNames == theirs.classNames else {
                throw TrainingError(
                    "\(own.name): the images that the clean model is evaluated on are others than "
                        + "the model's; give both the same")
            }
        }
        return EvaluationReference(
            model: clean.folder.url.path,
            preparation: task.preparation == other.preparation ? nil : task.preparation,
            seeds: try results(of: clean, on: task, observe: observe))
    }

    private func results(
        of folder: ImageModelFolder, on task: Task, observe: (Evaluator.Progress) throws -> Void
    ) throws -> [SeedResult] {
        try ImageTrial(
            folder: folder, task: task, fineTuning: fineTuning, triggers: triggers, device: device
        ).results(seeds: seeds, filter: filter, observe: observe)
    }
}

/// An image model on images.
private struct ImageTrial: ClassifierTrial {
    let folder: ImageModelFolder
    let task: ImageEvaluator.Task
    let fineTuning: ImageFineTuning
    let triggers: [PatchTrigger]
    let device: Device

    var labelNames: [String] { task.train.classNames }
    var truth: [Int] { task.test.labels }
    var triggerNames: [String] { triggers.map(\.description) }

    func trainer(
        seed: Seed
    ) throws -> Trainer<RowsHeldAtZero<ImageClassification>, SampledSource<ImageBatch>> {
        try fineTuning.trainer(on: folder, images: task.train, seed: seed, device: device)
    }

    func answers(of model: AnyImageModel, trigger: Int?, seed: Seed) throws -> TrialAnswers {
        let predictor = ImagePredictor(model, normalization: folder.processor.normalization)
        return TrialAnswers(
            labels: try predictor.classes(of: task.test, with: trigger.map { triggers[$0] }))
    }
}
