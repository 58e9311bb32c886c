import ArgumentParser
import DataPipeline
import Experiments
import Files
import Foundation
import ModelZoo
import Provenance
import Torch
import Training

/// Where a run writes its output and its records, and whether it goes on from an earlier one.
struct RunPlace {
    let output: URL
    let records: URL
    let force: Bool
    let resumes: Bool
    let acceptsChanges: Bool

    /// Notes the state of all that will be read, refuses an output or records that stand or touch
    /// an input, and keeps other processes away from both; before anything is read.
    func claim(reading inputs: [URL]) throws -> OutputClaim {
        let (own, result) = (records.standardizedFileURL.path, output.standardizedFileURL.path)
        guard own != result, !own.hasPrefix(result + "/") else {
            throw ValidationError(
                "--run \(records.path): expected another folder than the output, and none in it")
        }
        let inputs = Inputs(inputs)
        try OutputFolder.check(output, force: force, inputs: inputs)
        return try OutputClaim(
            output, records: records, mayReplaceRecords: force || resumes, reading: inputs)
    }

    /// Opens the records of a run, under the plan that makes it.
    func open(_ plan: some Encodable, _ device: Device) throws -> RunDirectory {
        try RunDirectory.open(
            at: records, force: force, resuming: resumes, plan: plan, device: device)
    }

    /// Where and how often snapshots are written.
    func snapshots(every steps: Int) -> SnapshotPolicy {
        var policy = SnapshotPolicy(
            file: records.appendingPathComponent(RunDirectory.snapshot), every: steps,
            resumes: resumes)
        policy.acceptsChanges = acceptsChanges
        return policy
    }

    /// The folder of records that goes with an output where none is named.
    static func records(of output: URL) -> URL {
        output.deletingLastPathComponent()
            .appendingPathComponent(output.lastPathComponent + ".run")
    }
}

extension OutputOptions {
    /// Where the run writes.
    func place(_ snapshots: SnapshotOptions) -> RunPlace {
        RunPlace(
            output: output, records: runFolder, force: force, resumes: snapshots.resume,
            acceptsChanges: snapshots.acceptChanges)
    }

    /// The folder of the run's records.
    var runFolder: URL { run ?? RunPlace.records(of: output) }
}

extension OutputOptions {
    /// How files are read and written, as far as every command says it.
    func files(_ snapshots: SnapshotOptions) -> WorkFiles {
        var files = WorkFiles()
        (files.dropsCode, files.snapshotEvery) = (dropCode, snapshots.snapshotEvery)
        return files
    }
}

extension Work {
    /// Work done on `device` with the threads that are set.
    init(
        _ command: WorkCommand, _ method: String, _ settings: Settings, samples: Samples? = nil,
        model: String?, beside: String? = nil, beginning: ModelBeginning? = nil, data: Data,
        output: String, files: WorkFiles, _ device: Device
    ) {
        self.init(
            command, method, settings, samples: samples, model: model, beside: beside,
            beginning: beginning, data: data, output: output, files: files, device: "\(device)",
            threads: Hardware.threadCount)
    }
}
