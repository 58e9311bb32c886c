import Checkpoints
import DataPipeline
import Files
import Foundation
import ModelZoo
import Provenance
import Torch
import Training

/// Runs a job that trains a model and is no defense, shows how it goes and leaves records.
struct TrainedOutput {
    let out: OutputOptions
    let snapshots: SnapshotOptions
    let device: Device
    let claim: OutputClaim
    /// The model, as it was named.
    let model: URL
    /// The data, as snapshots know them.
    let sources: [DataSource]
    /// The command, and what it does in half a line.
    let (command, title): (String, String)

    /// The job, which reads what was claimed.
    func job(_ caveats: [Caveat] = []) throws -> TrainingJob {
        var job = TrainingJob()
        (job.device, job.force, job.inputs) = (device, out.force, claim.inputs)
        job.caveats = caveats
        job.snapshots = try snapshots.policy(in: out.runFolder, reading: model, sources)
        return job
    }

    /// Opens the records of a run under the plan that makes it.
    func records(_ plan: some Encodable) throws -> RunDirectory {
        try out.records(
            of: command, inputs: [model.path] + sources.map(\.url.path), settings: plan,
            snapshots: snapshots, device: device)
    }

    /// Shows how the job goes.
    func show() -> (JobProgress) -> Void {
        let fitting = TrainingProgress("fit a head", on: .standard)
        let training = TrainingProgress(title, on: .standard)
        return { progress in
            switch progress {
            case .fitting(let event): fitting.show(event)
            case .training(let event): training.show(event)
            case .caveat(let caveat): Console.standard.tell(caveat)
            }
        }
    }

    /// Writes what came of the job, before its output gets its name.
    func write<Task>(
        _ outcome: TrainingJob.Outcome, of data: ReadData<Task>, heading: String,
        in records: RunDirectory?
    ) throws {
        try records?.write(
            outcome.training, title: heading, output: out.output,
            data: data.amounts.map { ($0.name, $0.text) })
    }
}
