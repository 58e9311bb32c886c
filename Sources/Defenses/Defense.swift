import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Synchronization
import Torch
import TorchNN
import Training

/// A setting or a figure as reports show it.
public struct Fact: Sendable, Codable, Equatable {
    /// What it is.
    public var name: String
    /// Its value, as text.
    public var value: String

    /// A fact.
    public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}

/// A way to take a backdoor out of a pre-trained model: settings, which are also its record, and what
/// is done with a model and data of any kind.
///
/// One that trains is a ``TrainedDefense``, which needs no more than an objective.
public protocol Defense: Sendable, Codable, Equatable {
    /// Its name, as in `--method` and in records.
    var name: String { get }
    /// The type of activations and frozen weights.
    var precision: Precision { get }
    /// What reports say of it.
    var facts: [Fact] { get }
    /// Purifies the model of `task` and writes it to `output`, as `job` asks.
    func purify<Task: PretrainingTask>(
        _ task: Task, to output: URL, by job: Purification<Self>, records: RunDirectory?,
        observe: @escaping (PurificationProgress) -> Void,
        finish: (Purification<Self>.Report, URL) throws -> Void
    ) throws -> Purification<Self>.Report
}

/// A defense that continues training.
public protocol TrainedDefense: Defense {
    /// How it trains.
    var run: RunSettings { get set }
    /// λ, where the objective has the norm of the regularized weights; 0 where it has not.
    var normWeight: Double { get }
    /// Whether the objective has the model's own pre-training loss.
    var hasPretrainingLoss: Bool { get }
    /// What is trained in a model of some family.
    func trained(_ defaults: PaperDefaults) -> ParameterPattern
    /// The model of `task`, loaded for training, and what is minimized.
    ///
    /// `observe` hears of a head that is fitted first, where there is one.
    func prepare<Task: PretrainingTask>(
        _ task: Task, device: Device, observe: (TrainingEvent) -> Void
    ) throws -> (model: Task.Model, objective: any Objective<Task.Model, Task.Batch>)
}

extension TrainedDefense {
    /// The type of activations and frozen weights.
    public var precision: Precision { run.precision }
    /// λ, or 0 where no norm is made small.
    public var normWeight: Double { 0 }
    /// Whether the objective has the model's own pre-training loss.
    public var hasPretrainingLoss: Bool { false }
    /// What is trained in a model of some family.
    public func trained(_ defaults: PaperDefaults) -> ParameterPattern { defaults.trained }

    /// Throws `TrainingError` where a figure is beyond any use.
    func check() throws {
        try run.check()
        try RunSettings.check("weight", normWeight)
    }

    /// A trainer that purifies the model of `task`.
    public func trainer<Task: PretrainingTask>(
        for task: Task, device: Device = .cpu, observe: (TrainingEvent) -> Void = { _ in }
    ) throws -> any TrainingRun<Task.Model> {
        try check()
        let (model, objective) = try prepare(task, device: device, observe: observe)
        return try Trainer(
            model, objective: AnyObjective(objective),
            source: task.source(batchSize: run.batchSize, seed: run.seed), settings: run.training,
            watching: task.defaults.regularized,
            plan: TaskPlan(name, self, samples: task.settings), seed: run.seed)
    }
}

/// A defense by its name, with its settings for a family of models.
public struct DefenseMethod: Sendable {
    /// Its name, as in `--method`.
    public let name: String
    /// What it does, in half a sentence.
    public let abstract: String
    /// Its settings for a family of models.
    public let settings: @Sendable (PaperDefaults) -> any Defense

    /// A defense called `name`.
    public init(
        _ name: String, _ abstract: String,
        _ settings: @escaping @Sendable (PaperDefaults) -> any Defense
    ) {
        (self.name, self.abstract, self.settings) = (name, abstract, settings)
    }
}

/// The defenses there are: a new one is a file and a line here.
public enum Defenses {
    private static let builtIn = [
        DefenseMethod("recipe", "continued pre-training under a norm penalty") {
            RECIPE(defaults: $0)
        },
        DefenseMethod("fp", "pruning of the last layer") { FinePruning(.lastLayer, defaults: $0) },
        DefenseMethod("fp-gm", "moderate pruning of all layers") {
            FinePruning(.globalModerate, defaults: $0)
        },
        DefenseMethod("fp-ga", "aggressive pruning of all layers") {
            FinePruning(.globalAggressive, defaults: $0)
        },
        DefenseMethod("distillation", "training towards the model's own features on clean data") {
            Distillation(defaults: $0)
        },
        DefenseMethod("unlearn", "unlearning of altered inputs, with clean features kept") {
            Unlearning(defaults: $0)
        },
    ]
    private static let added = Mutex<[DefenseMethod]>([])

    /// All defenses, those of other packages behind recipe's own.
    public static var all: [DefenseMethod] { builtIn + added.withLock { $0 } }

    /// Makes a defense of another package known by its name, in place of an earlier one of that name.
    public static func add(_ method: DefenseMethod) {
        added.withLock {
            $0.removeAll { $0.name == method.name }
            $0.append(method)
        }
    }
}
