import Attacks
import Checkpoints
import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Randomness
import TextTokenizers
import Torch
import TorchNN
import Training

/// Texts: a classifier is fine-tuned, and trigger words are put into the test texts.
public struct TextEvaluator: Evaluator, Equatable {
    /// `texts`.
    public static let name = "texts"

    /// How classifiers are trained.
    public var fineTuning = FineTuning(BERT.paperDefaults.fineTuning)
    /// Tokens a text is cut to, special tokens included.
    public var maximumLength = 128
    /// How texts are put into batches.
    public var order = BatchOrder.Kind.bucketed
    /// Which poolers classifiers begin with: each makes a report.
    public var poolers = [PoolerPolicy.keep]
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

    /// The paper's settings with three seeds.
    public init() {}

    /// The paper's settings.
    public static func paper(
        for folder: TextModelFolder, on data: DownstreamData
    ) throws -> TextEvaluator {
        var evaluator = TextEvaluator()
        evaluator.fineTuning = FineTuning(folder.defaults.fineTuning)
        return evaluator
    }

    /// Reads two files of labelled texts.
    public static func read(
        _ data: DownstreamData, for folder: TextModelFolder,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> DownstreamTexts { try DownstreamTexts(data) }

    /// The pooler of a classifier where there is one choice.
    public var poolerPolicy: PoolerPolicy? { poolers.first }

    /// The same with each of the poolers.
    public var variants: [(name: String, evaluator: TextEvaluator)] {
        poolers.map { pooler in
            var one = self
            one.poolers = [pooler]
            return ("pooler \(pooler.rawValue)", one)
        }
    }

    /// Throws where a setting is none, and where a model has no tokenizer or too few positions.
    public func check(_ folder: TextModelFolder) throws {
        try fineTuning.check()
        try TriggerSet.check(triggers, insertions: insertions)
        guard !poolers.isEmpty, !seeds.isEmpty else {
            throw TrainingError("an evaluation needs at least one seed and one pooler")
        }
        try folder.checkLength(maximumLength)
        _ = try folder.tokenizer()
    }

    /// Whether the model's tokenizer knows the texts; throws where it knows hardly any.
    public func remarks(on task: DownstreamTexts, for folder: TextModelFolder) throws -> [String] {
        [
            try UnreadableTexts.caveat(
                of: task.train.texts + task.test.texts, by: folder, maximumLength: maximumLength)
        ].compactMap { $0?.text }
    }

    /// The settings as reports show them.
    public func settings(
        on task: DownstreamTexts, device: Device
    ) -> EvaluationSettings {
        var settings = EvaluationSettings(fineTuning, triggers, filter, device)
        settings.samples = .texts(
            .init(maximumLength: maximumLength, position: position, insertions: insertions))
        return settings
    }

    /// Makes a classifier with each seed, and measures it.
    public func results(
        of folder: TextModelFolder, on task: DownstreamTexts, device: Device,
        observe: (EvaluationProgress) throws -> Void
    ) throws -> [SeedResult] {
        try check(folder)
        return try TextTrial(folder: folder, task: task, evaluator: self, device: device)
            .results(seeds: seeds, filter: filter, observe: observe)
    }

    /// A trainer of a classifier with `labelCount` classes on the model of `folder`; everything is
    /// trained but neurons that were pruned for good.
    func trainer(
        on folder: TextModelFolder, texts: [[Int32]], labels: [Int], labelCount: Int, seed: Seed,
        device: Device
    ) throws -> Trainer<RowsHeldAtZero<SequenceClassification>, SampledSource<TokenBatch>> {
        let fresh: TextModelParts =
            poolerPolicy == .reset ? [.classifier, .pooler] : .classifier
        let model = try folder.load(
            parts: [.pooler, .classifier],
            placement: Placement(
                device: device, computeType: fineTuning.precision.computeType(on: device),
                trainable: .all),
            fresh: folder.configuration.architecture.parameters(of: fresh), labelCount: labelCount,
            seed: seed)
        let source = SampledSource.classified(
            texts, labels: labels, order: BatchOrder(order, batchSize: fineTuning.batchSize),
            seed: seed)
        let objective = try RowsHeldAtZero(
            SequenceClassification(), rows: folder.folder.rowsHeldAtZero(at: model.neurons),
            of: model)
        return try Trainer(
            model, objective: objective, source: source, settings: fineTuning.training, seed: seed)
    }
}

/// A model on texts, which are tokenized once for all seeds.
private struct TextTrial: ClassifierTrial {
    let task: DownstreamTexts
    private let folder: TextModelFolder
    private let evaluator: TextEvaluator
    private let device: Device
    private let train: [[Int32]]
    private let test: TriggeredTexts

    init(
        folder: TextModelFolder, task: DownstreamTexts, evaluator: TextEvaluator, device: Device
    ) throws {
        (self.folder, self.task, self.evaluator, self.device) = (folder, task, evaluator, device)
        let tokenizer = try folder.tokenizer()
        train = tokenizer.encodeAll(task.train.texts, maximumLength: evaluator.maximumLength)
        test = TriggeredTexts(
            task.test.texts, at: task.test.indices, tokenizer, evaluator.maximumLength,
            evaluator.position, evaluator.insertions)
    }

    var triggerNames: [String] { evaluator.triggers }

    func trainer(
        seed: Seed
    ) throws -> Trainer<RowsHeldAtZero<SequenceClassification>, SampledSource<TokenBatch>> {
        try evaluator.trainer(
            on: folder, texts: train, labels: task.train.labels,
            labelCount: task.labelNames.count, seed: seed, device: device)
    }

    func answers(of model: AnyTextModel, trigger: Int?, seed: Seed) throws -> TrialAnswers {
        let predictor = SequencePredictor(model)
        guard let trigger else {
            return TrialAnswers(labels: try predictor.classes(of: test.clean))
        }
        let (texts, lost) = test.with(evaluator.triggers[trigger], seed: seed)
        return TrialAnswers(labels: try predictor.classes(of: texts), lost: lost)
    }
}

/// Texts as tokens, and the same with a trigger in each.
struct TriggeredTexts {
    /// Without a trigger.
    let clean: [[Int32]]
    private let texts: [String]
    private let indices: [Int]
    private let tokenizer: any TextTokenizer
    private let maximumLength: Int
    private let position: TriggerPosition
    private let insertions: Int

    /// `indices` are the texts' places in their file, which random places of triggers hang on.
    init(
        _ texts: [String], at indices: [Int], _ tokenizer: any TextTokenizer,
        _ maximumLength: Int, _ position: TriggerPosition, _ insertions: Int
    ) {
        (self.texts, self.indices, self.tokenizer) = (texts, indices, tokenizer)
        (self.maximumLength, self.position) = (maximumLength, position)
        self.insertions = insertions
        clean = tokenizer.encodeAll(texts, maximumLength: maximumLength)
    }

    /// The texts with `trigger`, and in how many of them it is not to be seen.
    func with(_ trigger: String, seed: Seed) -> (texts: [[Int32]], lost: Int) {
        let texts = zip(indices, texts).map { sample, text in
            TextTrigger.insert(
                trigger, into: text, position: position, count: insertions, seed: seed,
                sample: sample)
        }
        let encoded = tokenizer.encodeAll(texts, maximumLength: maximumLength)
        // A trigger beyond the cut leaves the same tokens as no trigger.
        return (encoded, zip(encoded, clean).count { $0 == $1 })
    }
}

extension UnreadableTexts {
    /// The warning where many tokens of `texts`, cut to `maximumLength`, are unknown to a model's
    /// tokenizer; throws where most are.
    static func caveat(
        of texts: [String], by folder: TextModelFolder, maximumLength: Int
    ) throws -> Caveat? {
        let tokenizer = try folder.tokenizer()
        return try caveat(
            of: tokenizer.encodeAll(texts, maximumLength: maximumLength),
            unknownID: tokenizer.unknownID, tokenizer: folder.folder.url)
    }
}

extension TriggerSet {
    /// Throws where there is no trigger, one is empty or stands twice, or is put in no text.
    static func check(_ triggers: [String], insertions: Int) throws {
        guard !triggers.isEmpty else { throw TriggerError("name at least one trigger") }
        // A comma ends a trigger in a list of them.
        _ = try parse(
            triggers.map { $0.replacingOccurrences(of: ",", with: ";") }.joined(separator: ","))
        guard (1...1000).contains(insertions) else {
            throw TriggerError("insertions \(insertions): expected 1 to 1000")
        }
    }
}
