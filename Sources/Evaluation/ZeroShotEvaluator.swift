import Attacks
import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Torch
import TorchNN
import Training

/// Measures a CLIP as most of its users use it, without any training: how well prompts tell classes,
/// and how far patches steer that.
///
/// A patch is pasted on prepared images, as for fine-tuned classifiers.
public struct ZeroShotEvaluator: Sendable {
    /// What the model is asked of each class.
    public var prompts = ClassPrompts.plain
    /// What prompts call the classes, in the order of the labels; nil for the names in the data.
    public var classNames: [String]?
    /// The tokenizer's folder, or OpenAI's merges; nil for that of each model's own folder.
    public var tokenizer: URL?
    /// Patches to try.
    public var triggers = PatchTrigger.neuba
    /// Which samples count for the attack success rate.
    public var filter = AttackSuccess.Filter.none
    /// The type of activations and weights.
    public var precision = Precision.auto
    /// Where the work is done.
    public var device = Device.cpu

    /// An evaluation with one prompt, and all of NeuBA's patches.
    public init() {}

    /// Images to tell the classes of.
    public struct Task: Sendable {
        /// The images.
        public let test: PreparedImages
        /// How they were prepared.
        public let preparation: ImagePreparation
        /// Where they come from, as reports say it.
        public let path: String
        /// How many images these were drawn from, where they are a part of them.
        public let available: Int?

        /// A task; `path` is the images' name by default. Throws `TrainingError` where images have no
        /// classes, or another size than the preparation's.
        public init(
            test: PreparedImages, preparation: ImagePreparation, path: String? = nil,
            available: Int? = nil
        ) throws {
            guard !test.labels.isEmpty else {
                throw TrainingError("\(test.name): the images have no classes to be told")
            }
            guard [test.height, test.width] == [preparation.size, preparation.size] else {
                throw TrainingError(
                    "\(test.name): the images are \(PixelSize(test.height, test.width)) pixels; "
                        + "expected \(preparation.size) a side")
            }
            self.test = test
            self.preparation = preparation
            self.path = path ?? test.name
            self.available = available
        }
    }

    /// What prompts call classes that the data calls `labels`; throws `TrainingError` where names were
    /// given, but not one for each.
    public func names(for labels: [String]) throws -> [String] {
        guard let classNames else { return labels }
        guard classNames.count == labels.count else {
            let listed =
                labels.prefix(10).joined(separator: ", ") + (labels.count > 10 ? ", …" : "")
            throw TrainingError(
                "\(classNames.count) names were given for \(labels.count) classes: name each of "
                    + "\(listed), in this order (--class-names)")
        }
        return classNames
    }

    /// The settings on classes that the data calls `labels`, as reports show them.
    public func settings(
        for preparation: ImagePreparation, labels: [String]
    ) throws -> EvaluationSettings {
        var settings = EvaluationSettings()
        (settings.epochs, settings.learningRate, settings.batchSize) = (nil, nil, nil)
        settings.triggers = triggers.map(\.description)
        settings.filter = filter
        settings.computeType = precision.computeType(on: device)
        settings.samples = .zeroShot(
            .init(preparation: preparation, prompts: prompts, classNames: try names(for: labels)))
        return settings
    }

    /// Evaluates the model of `folder`; with `reference`, a clean model is evaluated alike and its
    /// attack success rate is the floor that the report compares with.
    ///
    /// `referenceTask` is the same task prepared as the clean model takes it; by default that sees
    /// the bytes of `task`. Throws `TrainingError` where the two are of other images.
    public func evaluate(
        _ folder: CLIPFolder, on task: Task, reference: CLIPFolder? = nil,
        referenceTask: Task? = nil, command: String? = nil,
        observe: (Evaluator.Progress) throws -> Void = { _ in }
    ) throws -> EvaluationReport {
        let settings = try settings(for: task.preparation, labels: task.test.classNames)
        let clean = try reference.map {
            try floor(of: $0, on: referenceTask ?? task, beside: task, observe: observe)
        }
        return EvaluationReport(
            model: folder.folder.url.path,
            data: [
                DatasetFile(
                    .test, path: task.path, samples: task.test.count,
                    available: task.available, skipped: task.test.skipped.count)
            ],
            labelNames: task.test.classNames, testCount: task.test.count, settings: settings,
            command: command, seeds: [try result(of: folder, on: task, observe: observe)],
            reference: clean)
    }

    private func floor(
        of clean: CLIPFolder, on task: Task, beside other: Task,
        observe: (Evaluator.Progress) throws -> Void
    ) throws -> EvaluationReference {
        guard task.test.labels == other.test.labels, task.test.classNames == other.test.classNames
        else {
            throw TrainingError(
                "\(task.test.name): the images that the clean model is evaluated on are others than "
                    + "the model's; give both the same")
        }
        return EvaluationReference(
            model: clean.folder.url.path,
            preparation: task.preparation == other.preparation ? nil : task.preparation,
            seeds: [try result(of: clean, on: task, observe: observe)])
    }

    private func result(
        of folder: CLIPFolder, on task: Task, observe: (Evaluator.Progress) throws -> Void
    ) throws -> SeedResult {
        let model = try folder.load(
            placement: Placement(device: device, computeType: precision.computeType(on: device)))
        let classifier = try ZeroShotClassifier(
            model, classNames: names(for: task.test.classNames), prompts: prompts,
            tokenizer: folder.tokenizer(from: tokenizer))
        let predictor = ImagePredictor(
            AnyImageModel(classifier), normalization: folder.processor.normalization)
        let trial = ZeroShotTrial(task: task, triggers: triggers)
        return try trial.measure(seed: nil, filter: filter, observe: observe) { trigger in
            TrialAnswers(
                labels: try predictor.classes(of: task.test, with: trigger.map { triggers[$0] }))
        }
    }
}

/// Images whose classes are told by prompts.
private struct ZeroShotTrial: Trial {
    let task: ZeroShotEvaluator.Task
    let triggers: [PatchTrigger]

    var labelNames: [String] { task.test.classNames }
    var truth: [Int] { task.test.labels }
    var triggerNames: [String] { triggers.map(\.description) }
}
