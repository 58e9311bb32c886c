import Checkpoints
import DataPipeline
import Files
import Foundation
import ModelZoo
import Torch
import TorchNN

/// A model's own pre-training on data of its kind, with no regularizer: gone on with, or begun.
public struct Pretraining: Sendable, Codable, Equatable {
    /// How it trains.
    public var run: RunSettings
    /// What is trained.
    public var trained = ParameterPattern.all

    /// The usual settings for models of a kind.
    public init<Task: PretrainingTask>(of task: Task.Type) { run = task.pretraining.run }

    /// A trainer of the model of `task`.
    public func trainer<Task: PretrainingTask>(
        for task: Task, device: Device = .cpu, observe: (TrainingEvent) -> Void = { _ in }
    ) throws -> any TrainingRun<Task.Model> {
        try run.check()
        let (model, loss) = try task.pretraining(
            run, run.placement(on: device, training: trained), whole: true, observe: observe)
        return try Trainer(
            model, objective: AnyObjective(loss),
            source: task.source(batchSize: run.batchSize, seed: run.seed), settings: run.training,
            watching: task.defaults.regularized,
            plan: TaskPlan("pretrain", self, samples: task.settings), seed: run.seed)
    }

    /// Goes on with the pre-training of the model of `task` and writes it to `output`, a folder.
    ///
    /// Nothing stands there until all of it is written and `finish` has written what goes with it.
    @discardableResult
    public func run<Task: PretrainingTask>(
        _ task: Task, output: URL, as job: TrainingJob = TrainingJob(),
        records: RunDirectory? = nil,
        observe: @escaping (JobProgress) -> Void = { _ in },
        finish: (TrainingJob.Outcome) throws -> Void = { _ in }
    ) throws -> TrainingJob.Outcome {
        try train(
            task, into: job.destination(output, reading: task.folder.root), as: job,
            isNew: false, records: records, observe: observe, finish: finish)
    }

    /// Begins a model, pre-trains it and writes it to `output`, a folder.
    ///
    /// `records` opens the records when the data are read.
    @discardableResult
    public func begin<Task: PretrainingTask>(
        _ beginning: ModelBeginning, with data: AuxiliaryData, _ samples: Task.Settings,
        output: URL, as job: TrainingJob = TrainingJob(),
        records: (ReadData<Task>) throws -> RunDirectory? = { _ in nil },
        reading: @escaping @Sendable (ReadingProgress) -> Void = { _ in },
        observe: @escaping (JobProgress) -> Void = { _ in },
        finish: (ReadData<Task>, TrainingJob.Outcome) throws -> Void = { _, _ in }
    ) throws -> TrainingJob.Outcome {
        let destination = try job.destination(output, reading: beginning.configuration)
        // A model that begins is a folder like any other: it is written as drawn, and gone on with.
        let drawn = destination.staging.appendingPathComponent(".drawn")
        try FileManager.default.createDirectory(at: drawn, withIntermediateDirectories: false)
        let data = try Task.begin(
            beginning, with: data, samples, at: drawn, seed: run.seed, observe: reading)
        var job = job
        job.caveats += data.caveats
        return try train(
            data.task, into: destination, as: job, isNew: true, records: try records(data),
            observe: observe,
            finish: { outcome in
                try FileManager.default.removeItem(at: drawn)
                try finish(data, outcome)
            })
    }

    private func train<Task: PretrainingTask>(
        _ task: Task, into destination: OutputFolder, as job: TrainingJob, isNew: Bool,
        records: RunDirectory?, observe: @escaping (JobProgress) -> Void,
        finish: (TrainingJob.Outcome) throws -> Void
    ) throws -> TrainingJob.Outcome {
        try task.checkWritable(trained)
        try task.check()
        let trainer = try trainer(for: task, device: job.device) { observe(.fitting($0)) }
        // A model that begins from nothing is meant to begin where guessing is.
        var guessing = task.guessing(batchSize: run.batchSize)
        if isNew { guessing = .init(guessing.term, among: 1) }
        return try job.run(
            task, .init(guessing: guessing, headCaveat: task.headCaveat), by: trainer,
            into: destination, records: records, observe: observe, finish: finish)
    }
}
