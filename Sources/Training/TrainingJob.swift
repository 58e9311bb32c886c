import Checkpoints
import DataPipeline
import Files
import Foundation
import ModelZoo
import Torch

/// What a job that trains says as it goes.
public enum JobProgress {
    /// A head is being fitted.
    case fitting(TrainingEvent)
    /// The training itself.
    case training(TrainingEvent)
    /// What a reader must know before trusting the result.
    case caveat(Caveat)
}

/// A model and data of its kind in, the model as training leaves it out: what pre-training and attacks
/// have in common.
public struct TrainingJob: Sendable {
    /// Where the work is done.
    public var device = Device.cpu
    /// Whether an existing output may be replaced.
    public var force = false
    /// All that is read, noted before it was read; nil for the model alone.
    public var inputs: Inputs?
    /// Snapshots to go on from after an interruption, or nil.
    public var snapshots: SnapshotPolicy?
    /// What was found while the data were read, which the record has too.
    public var caveats: [Caveat] = []

    /// A job on the CPU that replaces nothing.
    public init() {}

    /// What came of a job.
    public struct Outcome {
        /// How training went, with what a reader must know.
        public var training: RunSummary
        /// What became of the model's files.
        public var written: ModelFolder.WriteReport
    }

    /// How the parts of a job that differ are done.
    package struct Work<Task: PretrainingTask> {
        /// Which term guessing would leave where, if it tells anything.
        package var guessing: Caveat.Guessing?
        /// λ of a norm penalty; 0 for none.
        package var normWeight: Double
        /// What is to be said of a head, if training read one.
        package var headCaveat: Caveat?
        /// Called when all is trained.
        package var finish: (Task.Model) throws -> Void

        /// The parts of a job that trains and does no more.
        package init(
            guessing: Caveat.Guessing? = nil, normWeight: Double = 0, headCaveat: Caveat? = nil,
            finish: @escaping (Task.Model) throws -> Void = { _ in }
        ) {
            (self.guessing, self.normWeight) = (guessing, normWeight)
            (self.headCaveat, self.finish) = (headCaveat, finish)
        }
    }
}

extension TrainingJob {
    /// The place of the output; refused where one stands that may not be replaced.
    package func destination(_ output: URL, reading model: URL) throws -> OutputFolder {
        try OutputFolder(destination: output, force: force, inputs: inputs ?? Inputs([model]))
    }

    /// Trains by `trainer` and writes the model to `destination`.
    ///
    /// Nothing stands there until all of it is written and `finish`, which has the outcome, has
    /// written what goes with it.
    package func run<Task: PretrainingTask>(
        _ task: Task, _ work: Work<Task>, by trainer: any TrainingRun<Task.Model>,
        into destination: OutputFolder, records: RunDirectory?,
        observe: @escaping (JobProgress) -> Void, finish: (Outcome) throws -> Void
    ) throws -> Outcome {
        var found = Findings(caveats, tell: { observe(.caveat($0)) })
        found.add(task.caveats)
        found.add(work.headCaveat)
        var summary = try trainer.complete(
            records: records, snapshots: snapshots, observe: { observe(.training($0)) })
        try work.finish(trainer.model)
        let written = try task.writeExtended(trainer.model, to: destination.staging)
        found.add(Caveat.of(summary, weight: work.normWeight, guessing: work.guessing))
        summary.warnings = found.all
        let outcome = Outcome(training: summary, written: written)
        try finish(outcome)
        try destination.commitUnproven()
        snapshots?.discard()
        return outcome
    }
}
