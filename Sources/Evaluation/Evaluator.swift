import Attacks
import DataPipeline
import Foundation
import ModelZoo
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

        /// Reads two files; the test file's labels are those of the training file.
        public init(
            train: URL, test: URL, textColumn: String? = nil, labelColumn: String? = nil
        ) throws {
            self.train = try LabelledTexts.read(
                train, textColumn: textColumn, labelColumn: labelColumn)
            self.test = try LabelledTexts.read(
                test, textColumn: textColumn, labelColumn: labelColumn,
                labelNames: self.train.labelNames)
            guard self.train.labelNames.count > 1 else {
                throw TrainingError(
                    "\(train.path): all texts have one label; a classifier needs at least two")
            }
        }
    }

    /// What an evaluation says as it goes.
    public enum Progress: Sendable {
        /// A classifier is being trained with this seed.
        case training(Seed, TrainingEvent)
        /// Of so many passes over the test texts, so many are done.
        case measuring(Seed, done: Int, of: Int)
    }

    /// The settings as reports show them.
    public var settings: EvaluationSettings {
        var settings = EvaluationSettings()
        settings.epochs = fineTuning.epochs
        settings.learningRate = fineTuning.learningRate
        settings.batchSize = fineTuning.batchSize
        settings.maximumLength = fineTuning.maximumLength
        settings.triggers = triggers
        settings.position = position
        settings.insertions = insertions
        settings.filter = filter
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
                DatasetFile(.train, path: task.train.source.file, samples: task.train.texts.count),
                DatasetFile(.test, path: task.test.source.file, samples: task.test.texts.count),
            ],
            labelNames: task.train.labelNames, testCount: task.test.texts.count,
            poolerPolicy: fineTuning.pooler, settings: settings, command: command,
            seeds: try results(of: folder, on: task, observe: observe), reference: clean)
    }

    private func results(
        of folder: BERTFolder, on task: Task, observe: (Progress) throws -> Void
    ) throws -> [SeedResult] {
        try folder.checkLength(fineTuning.maximumLength)
        let tokenizer = try folder.tokenizer()
        let train = tokenizer.encodeAll(
            task.train.texts, maximumLength: fineTuning.maximumLength)
        return try seeds.map { seed in
            let trainer = try fineTuning.trainer(
                on: folder, texts: train, labels: task.train.labels,
                labelCount: task.train.labelNames.count, tokenizer: tokenizer, seed: seed,
                device: device)
            var summary = RunSummary()
            while let event = try trainer.next() {
                summary.note(event)
                try observe(.training(seed, event))
            }
            return try measure(
                trainer.model, summary, on: task.test, tokenizer: tokenizer, seed: seed,
                observe: observe)
        }
    }

    private func measure(
        _ model: BERT, _ summary: RunSummary, on test: LabelledTexts,
        tokenizer: WordPieceTokenizer, seed: Seed, observe: (Progress) throws -> Void
    ) throws -> SeedResult {
        let clock = ContinuousClock.now
        let predictor = SequencePredictor(model)
        let length = fineTuning.maximumLength
        let clean = tokenizer.encodeAll(test.texts, maximumLength: length)
        let success = try AttackSuccess(
            truth: test.labels, cleanPredictions: predictor.classes(of: clean),
            labelNames: test.labelNames, filter: filter)
        try observe(.measuring(seed, done: 1, of: triggers.count + 1))
        let results = try triggers.enumerated().map { index, trigger in
            let texts = test.texts.enumerated().map { sample, text in
                TextTrigger.insert(
                    trigger, into: text, position: position, count: insertions, seed: seed,
                    sample: sample)
            }
            let encoded = tokenizer.encodeAll(texts, maximumLength: length)
            // A trigger beyond the cut leaves the same tokens as no trigger.
            let lost = zip(encoded, clean).count { $0 == $1 }
            let result = try success.result(
                of: trigger, predictions: predictor.classes(of: encoded), lost: lost)
            try observe(.measuring(seed, done: index + 2, of: triggers.count + 1))
            return result
        }
        return SeedResult(
            seed: seed, accuracy: success.accuracy, triggers: results,
            trainSeconds: summary.seconds,
            evalSeconds: (ContinuousClock.now - clock) / .seconds(1),
            finalLoss: summary.finalTerms["classification"])
    }
}
