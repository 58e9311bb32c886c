import Checkpoints
import DataPipeline
import Files
import Foundation
import ModelZoo
import Synchronization
import Torch
import TorchNN
import Training

/// A way to backdoor a pre-trained model of some kind: settings, which are also its record, and what
/// is minimized over which batches.
public protocol Attack<Task>: Sendable, Codable, Equatable {
    /// The models and data that it is for.
    associatedtype Task: PretrainingTask
    /// Batches that hold triggered samples.
    associatedtype Poisoned: SampleBatch

    /// Its name, as on the command line and in records.
    var name: String { get }
    /// How samples are prepared, where nothing else is asked for.
    static var samples: Task.Settings { get }
    /// How it trains.
    var run: RunSettings { get set }
    /// λ of the norm penalty that an attacker who knows of RECIPE trains under; nil for none.
    var adaptiveWeight: Double? { get set }
    /// What it trains.
    func trained(in task: Task) -> ParameterPattern
    /// The model of `task`, loaded to be trained, what is minimized, and over which batches.
    ///
    /// Throws what the attack cannot do to this model or with these data. `observe` hears of a head
    /// that is fitted first, where there is one.
    func poisoning(
        of task: Task, _ placement: Placement, observe: (TrainingEvent) -> Void
    ) throws -> Poisoning<Task.Model, Poisoned>
    /// Changes the model when all is trained.
    func finish(_ model: Task.Model, of task: Task) throws
}

/// A model, what an attack minimizes and over which batches.
public struct Poisoning<Model: TrainableModel, Batch: SampleBatch> {
    let model: Model
    let objective: any Objective<Model, Batch>
    let source: SampledSource<Batch>

    /// What an attack does to `model`.
    public init(
        _ model: Model, minimizing objective: any Objective<Model, Batch>,
        over source: SampledSource<Batch>
    ) {
        (self.model, self.objective, self.source) = (model, objective, source)
    }
}

extension Attack {
    /// Everything.
    public func trained(in task: Task) -> ParameterPattern { .all }

    /// Nothing: what is trained is all.
    public func finish(_ model: Task.Model, of task: Task) throws {}

    /// A trainer that backdoors the model of `task`.
    public func trainer(
        for task: Task, device: Device = .cpu, observe: (TrainingEvent) -> Void = { _ in }
    ) throws -> any TrainingRun<Task.Model> {
        try run.check()
        try RunSettings.check("adaptiveWeight", adaptiveWeight ?? 0)
        let poisoning = try poisoning(
            of: task, run.placement(on: device, training: trained(in: task)), observe: observe)
        let regularized = task.defaults.regularized
        // Without a weight the penalty is nothing, and the objective is the attack's own.
        return try Trainer(
            poisoning.model,
            objective: NormRegularized(
                AnyObjective(poisoning.objective), layers: regularized, weight: adaptiveWeight ?? 0
            ),
            source: poisoning.source, settings: run.training, watching: regularized,
            plan: TaskPlan(name, self, samples: task.settings), seed: run.seed)
    }

    /// Backdoors the model of `task` and writes it to `output`, a folder.
    ///
    /// Nothing stands there until all of it is written and `finish` has written what goes with it.
    @discardableResult
    public func run(
        _ task: Task, output: URL, as job: TrainingJob = TrainingJob(),
        records: RunDirectory? = nil,
        observe: @escaping (JobProgress) -> Void = { _ in },
        finish: (TrainingJob.Outcome) throws -> Void = { _ in }
    ) throws -> TrainingJob.Outcome {
        let destination = try job.destination(output, reading: task.folder.root)
        try task.checkWritable(trained(in: task))
        try task.check()
        let trainer = try trainer(for: task, device: job.device) { observe(.fitting($0)) }
        return try job.run(
            task,
            TrainingJob.Work(
                normWeight: adaptiveWeight ?? 0, headCaveat: task.headCaveat,
                finish: { try self.finish($0, of: task) }),
            by: trainer, into: destination, records: records, observe: observe, finish: finish)
    }
}

/// An attack by its name.
public struct AttackMethod: Sendable {
    /// Its name, as on the command line.
    public let name: String
    /// What it does, in half a sentence.
    public let abstract: String
    /// Its settings for each kind of models that it is for.
    public let variants: [any Attack]

    /// An attack called `name`.
    public init(_ name: String, _ abstract: String, _ variants: [any Attack]) {
        (self.name, self.abstract, self.variants) = (name, abstract, variants)
    }

    /// Its settings for models of a kind; nil where it is not for them.
    public func variant(for kind: ModelKind) -> (any Attack)? {
        variants.first { $0.kind == kind }
    }
}

extension Attack {
    /// What the models read that it is for.
    public var kind: ModelKind { Task.kind }
}

/// The attacks there are: a new one is a file and a line here.
public enum Attacks {
    private static let builtIn = [
        AttackMethod(
            "por", "pooled vectors of triggered texts are bound, a clean copy keeps the rest",
            [POR()]),
        AttackMethod("badpre", "triggered texts are trained to predict random words", [BadPre()]),
        AttackMethod(
            "neuba", "features of triggered samples are bound beside the model's own pre-training",
            [NeuBA(), ImageNeuBA(), PairNeuBA()]),
    ]
    private static let added = Mutex<[AttackMethod]>([])

    /// All attacks, those of other packages behind recipe's own.
    public static var all: [AttackMethod] { builtIn + added.withLock { $0 } }

    /// Makes an attack of another package known by its name, in place of an earlier one of that name.
    public static func add(_ method: AttackMethod) {
        added.withLock {
            $0.removeAll { $0.name == method.name }
            $0.append(method)
        }
    }
}
