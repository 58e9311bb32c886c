import Attacks
import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Provenance
import Randomness
import Torch
import Training

/// A way to use a pre-trained model on a task, as a downstream user would, and to measure how well the
/// result works and how far triggers steer it (paper, section 5.1).
///
/// The value is its own record: what `plan.yaml` in a report's folder has as settings.
public protocol Evaluator: Sendable, Codable {
    /// The model's files.
    associatedtype Folder: TaskModel
    /// The samples.
    associatedtype Task: DownstreamTask

    /// What plans call it.
    static var name: String { get }
    /// The paper's settings for a model and data.
    static func paper(for folder: Folder, on data: DownstreamData) throws -> Self
    /// Reads data for a model.
    ///
    /// - Throws: What is wrong with the data, and where the model cannot take them.
    static func read(
        _ data: DownstreamData, for folder: Folder,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> Task
    /// Whether two models take samples prepared alike.
    static func takesAlike(_ folder: Folder, _ other: Folder, _ data: DownstreamData) throws -> Bool

    /// Which samples count for the attack success rate.
    var filter: AttackSuccess.Filter { get }
    /// The same with one of the values of a setting that has several, by the names of the values.
    var variants: [(name: String, evaluator: Self)] { get }
    /// What is read beside the model and the data.
    var sources: [DataSource] { get }
    /// What becomes of the pooler before fine-tuning; nil where models have none.
    var poolerPolicy: PoolerPolicy? { get }
    /// Throws what can be refused before data are read.
    func check(_ folder: Folder) throws
    /// What is to be said of the samples before a model is tried on them; throws where it cannot be.
    func remarks(on task: Task, for folder: Folder) throws -> [String]
    /// The settings as reports show them.
    func settings(on task: Task, device: Device) throws -> EvaluationSettings
    /// Makes classifiers of a model, and measures them.
    func results(
        of folder: Folder, on task: Task, device: Device,
        observe: (EvaluationProgress) throws -> Void
    ) throws -> [SeedResult]
}

/// What an evaluation says as it goes.
public enum EvaluationProgress: Sendable {
    /// A classifier is being trained with this seed.
    case training(Seed, TrainingEvent)
    /// Of so many passes over the test samples, so many are done; without a seed where nothing was
    /// trained.
    case measuring(Seed?, done: Int, of: Int)
}

extension Evaluator {
    /// Itself.
    public var variants: [(name: String, evaluator: Self)] { [("", self)] }
    /// None.
    public var poolerPolicy: PoolerPolicy? { nil }
    /// Nothing.
    public var sources: [DataSource] { [] }
    /// Always.
    public static func takesAlike(
        _ folder: Folder, _ other: Folder, _ data: DownstreamData
    ) throws -> Bool { true }

    /// Evaluates the model of `folder`; with `reference`, a clean model is evaluated alike and its
    /// attack success rate is the floor that the report compares with.
    ///
    /// `referenceTask` is the same task prepared as the clean model takes it; by default that sees the
    /// bytes of `task`. Each model normalizes images as its own files say. Throws `TrainingError` where
    /// the two tasks differ in more than the preparation.
    public func evaluate(
        _ folder: Folder, on task: Task, reference: Folder? = nil, referenceTask: Task? = nil,
        device: Device = .cpu, command: String? = nil,
        observe: (EvaluationProgress) throws -> Void = { _ in }
    ) throws -> EvaluationReport {
        let settings = try settings(on: task, device: device)
        let own = referenceTask ?? task
        guard own.isSame(as: task) else {
            throw TrainingError(
                "\(own.files.first?.path ?? "the reference"): the samples that the clean model is "
                    + "evaluated on are others than the model's; give both the same")
        }
        let clean = try reference.map {
            EvaluationReference(
                model: $0.folder.url.path,
                preparation: own.preparation == task.preparation ? nil : own.preparation,
                seeds: try results(of: $0, on: own, device: device, observe: observe))
        }
        return EvaluationReport(
            model: folder.folder.url.path, data: task.files, labelNames: task.labelNames,
            testCount: task.truth.count, sharedSamples: task.shared, poolerPolicy: poolerPolicy,
            settings: settings, command: command,
            seeds: try results(of: folder, on: task, device: device, observe: observe),
            reference: clean)
    }

    /// Reads `data` and evaluates the model of `folder` on them in each variant.
    ///
    /// - Parameters:
    ///   - begin: Called once all is read and checked, before anything is computed.
    public func evaluate(
        _ folder: Folder, reading data: DownstreamData, reference: Folder? = nil,
        device: Device = .cpu, command: String? = nil,
        reading: @escaping @Sendable (ReadingProgress) -> Void = { _ in },
        begin: (Task) throws -> Void = { _ in },
        observe: (EvaluationProgress) throws -> Void = { _ in }
    ) throws -> [EvaluationReport] {
        for folder in [folder, reference].compactMap({ $0 }) { try check(folder) }
        let task = try Self.read(data, for: folder, observe: reading)
        let other = try reference.flatMap {
            // What was left out is named once.
            try Self.takesAlike(folder, $0, data) ? nil : Self.read(data, for: $0) { _ in }
        }
        var said: Set<String> = []
        for remark in try [folder, reference].compactMap({ $0 }).flatMap({
            try remarks(on: task, for: $0)
        }) where said.insert(remark).inserted {
            reading(.remark(remark))
        }
        try begin(task)
        return try variants.map {
            try $0.evaluator.evaluate(
                folder, on: task, reference: reference, referenceTask: other, device: device,
                command: command, observe: observe)
        }
    }
}

// MARK: Trials

/// A model on a task: how a classifier is made of it, and what that answers with a trigger in every
/// test sample.
protocol ClassifierTrial {
    associatedtype Goal: Objective
    associatedtype Source: BatchSource where Source.Batch == Goal.Batch
    associatedtype Task: DownstreamTask

    var task: Task { get }
    /// The triggers to try, as reports name them.
    var triggerNames: [String] { get }
    /// A trainer of a classifier.
    func trainer(seed: Seed) throws -> Trainer<Goal, Source>
    /// The answers to all test samples with the trigger of that index in them, or with none.
    func answers(of model: Goal.Model, trigger: Int?, seed: Seed) throws -> TrialAnswers
}

/// What a classifier answers to all test samples.
struct TrialAnswers {
    /// The predicted label of each.
    var labels: [Int]
    /// In how many of them the trigger is not to be seen.
    var lost = 0
}

extension ClassifierTrial {
    /// Makes a classifier with each seed and measures it.
    func results(
        seeds: [Seed], filter: AttackSuccess.Filter,
        observe: (EvaluationProgress) throws -> Void
    ) throws -> [SeedResult] {
        try seeds.map { seed in
            let trainer = try trainer(seed: seed)
            var summary = RunSummary()
            while let event = try trainer.next() {
                summary.note(event)
                try observe(.training(seed, event))
            }
            return try task.measure(
                triggerNames, summary, seed: seed, filter: filter, observe: observe
            ) { try answers(of: trainer.model, trigger: $0, seed: seed) }
        }
    }
}

extension DownstreamTask {
    /// Counts what a classifier `answers` to all test samples, with the trigger of an index in them or
    /// with none; `summary` is that of its training, if it was trained.
    func measure(
        _ triggers: [String], _ summary: RunSummary = RunSummary(), seed: Seed?,
        filter: AttackSuccess.Filter, observe: (EvaluationProgress) throws -> Void,
        answers: (_ trigger: Int?) throws -> TrialAnswers
    ) throws -> SeedResult {
        let clock = ContinuousClock.now
        let passes = triggers.count + 1
        let success = try AttackSuccess(
            truth: truth, cleanPredictions: answers(nil).labels, labelNames: labelNames,
            filter: filter)
        try observe(.measuring(seed, done: 1, of: passes))
        let results = try triggers.enumerated().map { index, name in
            let answers = try answers(index)
            let result = try success.result(
                of: name, predictions: answers.labels, lost: answers.lost)
            try observe(.measuring(seed, done: index + 2, of: passes))
            return result
        }
        return SeedResult(
            seed: seed, accuracy: success.accuracy, triggers: results,
            trainSeconds: summary.seconds,
            evalSeconds: (ContinuousClock.now - clock) / .seconds(1),
            finalLoss: summary.finalTerms["classification"])
    }
}
