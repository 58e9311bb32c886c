import Attacks
import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TextTokenizers
import Torch
import Training

/// Fine-tunes a pre-trained model on a task, as a downstream user would, and measures how well the
/// result works and how far triggers steer it (paper, section 5.1).
public struct Evaluator: Sendable {
    /// How classifiers are made.
    public var fineTuning = FineTuning()
    /// Trigger words to try.
    public var triggers = TriggerSet.por
    /// Where a trigger is put among the words.
    public var position = TriggerPosition.random
    /// How often a trigger is put into a text.
    public var insertions = 1
    /// Which samples count for the attack success rate.
    public var filter = AttackSuccess.Filter.none
    /// One classifier is made and measured with each.
    public var seeds = [Seed(42), Seed(43), Seed(44)]
    /// Where the work is done.
    public var device = Device.cpu

    /// The paper's settings with three seeds.
    public init() {}

    /// Training and test texts of a task.
    public struct Task: Sendable {
        /// What classifiers are trained on.
        public let train: LabelledTexts
        /// What they are measured on; labels as in `train`.
        public let test: LabelledTexts
        /// The texts of `test` that are in `train` too.
        public let shared: SharedSamples

        /// Reads two files; the test file's labels are those of the training file.
        ///
        /// With `samples`, at most so many texts of each are used, drawn from `seed`. Throws
        /// `DataError` for a malformed file, and `TrainingError` where the training texts have one
        /// label only.
        public init(
            train: URL, test: URL, textColumn: String? = nil, labelColumn: String? = nil,
            samples: (train: Int?, test: Int?) = (nil, nil), seed: Seed = Seed(42)
        ) throws {
            let texts = try LabelledTexts.read(
                train, textColumn: textColumn, labelColumn: labelColumn)
            self.train = texts.randomSubset(of: samples.train ?? .max, seed: seed)
            self.test = try LabelledTexts.read(
                test, textColumn: textColumn, labelColumn: labelColumn,
                labelNames: texts.labelNames
            ).randomSubset(of: samples.test ?? .max, seed: seed)
            guard Set(self.train.labels).count > 1 else {
                throw TrainingError(
                    texts.labelNames.count > 1
                        ? "\(train.path): the \(self.train.texts.count) texts that were drawn have "
                            + "one label; use more of them"
                        : "\(train.path): all texts have one label; a classifier needs at least two"
                )
            }
            shared = SharedSamples(train: self.train, test: self.test)
        }
    }

    /// What an evaluation says as it goes.
    public enum Progress: Sendable {
        /// A classifier is being trained with this seed.
        case training(Seed, TrainingEvent)
        /// Of so many passes over the test samples, so many are done; without a seed where nothing
        /// was trained.
        case measuring(Seed?, done: Int, of: Int)
    }

    /// The settings as reports show them.
    public var settings: EvaluationSettings {
        var settings = EvaluationSettings()
        settings.epochs = fineTuning.epochs
        settings.learningRate = fineTuning.learningRate
        settings.batchSize = fineTuning.batchSize
        settings.triggers = triggers
        settings.filter = filter
        settings.computeType = fineTuning.precision.computeType(on: device)
        settings.samples = .texts(
            .init(
                maximumLength: fineTuning.maximumLength, position: position,
                insertions: insertions))
        return settings
    }

    /// Evaluates the model of `folder`; with `reference`, a clean model is evaluated alike and its
    /// attack success rate is the floor that the report compares with.
    public func evaluate(
        _ folder: BERTFolder, on task: Task, reference: BERTFolder? = nil, command: String? = nil,
        observe: (Progress) throws -> Void = { _ in }
    ) throws -> EvaluationReport {
        let clean = try reference.map {
            EvaluationReference(
                model: $0.folder.url.path, seeds: try results(of: $0, on: task, observe: observe))
        }
        return EvaluationReport(
            model: folder.folder.url.path,
            data: [
                Self.file(.train, task.train), Self.file(.test, task.test),
            ],
            labelNames: task.train.labelNames, testCount: task.test.texts.count,
            sharedSamples: task.shared,
            poolerPolicy: fineTuning.pooler, settings: settings, command: command,
            seeds: try results(of: folder, on: task, observe: observe), reference: clean)
    }

    private static func file(_ role: DatasetFile.Role, _ texts: LabelledTexts) -> DatasetFile {
        DatasetFile(
            role, path: texts.source.file, samples: texts.texts.count,
            available: texts.source.rows)
    }

    private func results(
        of folder: BERTFolder, on task: Task, observe: (Progress) throws -> Void
    ) throws -> [SeedResult] {
        try TextTrial(folder: folder, task: task, evaluator: self)
            .results(seeds: seeds, filter: filter, observe: observe)
    }
}

/// A BERT on texts, which are tokenized once for all seeds.
private struct TextTrial: ClassifierTrial {
    private let folder: BERTFolder
    private let task: Evaluator.Task
    private let evaluator: Evaluator
    private let tokenizer: WordPieceTokenizer
    private let train: [[Int32]]
    private let clean: [[Int32]]

    init(folder: BERTFolder, task: Evaluator.Task, evaluator: Evaluator) throws {
        let length = evaluator.fineTuning.maximumLength
        try folder.checkLength(length)
        self.folder = folder
        self.task = task
        self.evaluator = evaluator
        tokenizer = try folder.tokenizer()
        train = tokenizer.encodeAll(task.train.texts, maximumLength: length)
        clean = tokenizer.encodeAll(task.test.texts, maximumLength: length)
    }

    var labelNames: [String] { task.test.labelNames }
    var truth: [Int] { task.test.labels }
    var triggerNames: [String] { evaluator.triggers }

    func trainer(
        seed: Seed
    ) throws -> Trainer<RowsHeldAtZero<SequenceClassification>, SampledSource<TokenBatch>> {
        try evaluator.fineTuning.trainer(
            on: folder, texts: train, labels: task.train.labels,
            labelCount: task.train.labelNames.count, tokenizer: tokenizer, seed: seed,
            device: evaluator.device)
    }

    func answers(of model: BERT, trigger: Int?, seed: Seed) throws -> TrialAnswers {
        let predictor = SequencePredictor(model)
        guard let trigger else { return TrialAnswers(labels: try predictor.classes(of: clean)) }
        let texts = zip(task.test.indices, task.test.texts).map { sample, text in
            TextTrigger.insert(
                evaluator.triggers[trigger], into: text, position: evaluator.position,
                count: evaluator.insertions, seed: seed, sample: sample)
        }
        let encoded = tokenizer.encodeAll(
            texts, maximumLength: evaluator.fineTuning.maximumLength)
        // A trigger beyond the cut leaves the same tokens as no trigger.
        let lost = zip(encoded, clean).count { $0 == $1 }
        return TrialAnswers(labels: try predictor.classes(of: encoded), lost: lost)
    }
}
