import ArgumentParser
import Attacks
import DataPipeline
import Defenses
import Experiments
import Foundation
import ModelZoo
import Provenance
import TensorFormats
import Torch
import Training

/// Does a piece of work: reads what it names, runs its job, shows how it goes and leaves records.
struct WorkRunner {
    let place: RunPlace
    let format: OutputFormat

    /// Work under way: what was claimed for it, and where it is done.
    struct Session {
        let claim: OutputClaim
        let device: Device
    }

    /// Claims the places of work that reads `inputs`, and calls `body` while files are read as
    /// `weights` says.
    func session(
        reading inputs: [URL], weights: String?, _ device: Device,
        _ body: (Session) throws -> Void
    ) throws {
        try WeightsChoice.$key.withValue(weights) {
            let claim = try place.claim(reading: inputs)
            defer { claim.release() }
            try body(Session(claim: claim, device: device))
        }
    }

    // MARK: Attacks

    /// Backdoors the model of `source`.
    func attack<Method: Attack>(
        _ work: Work<Method, Method.Task.Settings, AuxiliaryData>, _ source: Method.Task.Source,
        in session: Session
    ) throws {
        let read = try Method.Task.read(
            work.data, for: source, samples(of: work), observe: ReadingReporter().show)
        try session.claim.add(read.found)
        let records = try place.open(work, session.device)
        let outcome = try records.removedIfNothingHappens {
            try work.settings.run(
                read.task, output: place.output, as: job(work, session, read.caveats),
                records: records, observe: show("attack \(work.method)")
            ) {
                try write(
                    $0, of: read, "Attack \(work.method) on \(work.model ?? "")", in: records)
            }
        }
        Console.standard.writeOutput(place.output, outcome.written)
    }

    // MARK: Pre-training

    /// Goes on with the pre-training of the model of `source`, or begins one.
    func pretrain<Task: PretrainingTask>(
        _: Task.Type, _ work: Work<Pretraining, Task.Settings, AuxiliaryData>,
        _ source: Task.Source?,
        in session: Session
    ) throws {
        let heading = "Pre-training of \(work.model ?? work.beginning?.configuration.path ?? "")"
        guard let source else { return try begin(Task.self, work, heading, in: session) }
        let read = try Task.read(
            work.data, for: source, samples(of: work), observe: ReadingReporter().show)
        try session.claim.add(read.found)
        let records = try place.open(work, session.device)
        let outcome = try records.removedIfNothingHappens {
            try work.settings.run(
                read.task, output: place.output, as: job(work, session, read.caveats),
                records: records, observe: show("pretrain")
            ) { try write($0, of: read, heading, in: records) }
        }
        Console.standard.writeOutput(place.output, outcome.written)
    }

    private func begin<Task: PretrainingTask>(
        _: Task.Type, _ work: Work<Pretraining, Task.Settings, AuxiliaryData>, _ heading: String,
        in session: Session
    ) throws {
        guard let beginning = work.beginning else {
            throw ValidationError("the plan names neither a model nor what one begins with")
        }
        var records: RunDirectory?
        try work.settings.begin(
            beginning, with: work.data, samples(of: work), output: place.output,
            as: job(work, session),
            records: { (read: ReadData<Task>) in
                try session.claim.add(read.found)
                let opened = try place.open(work, session.device)
                records = opened
                return opened
            }, reading: ReadingReporter().show, observe: show("pretrain")
        ) { try write($1, of: $0, heading, in: records) }
        Console.standard.writeOutput(place.output)
    }

    // MARK: What both have in common

    /// How samples are prepared, which work that makes a model says.
    func samples<Settings, Samples>(
        of work: Work<Settings, Samples, AuxiliaryData>
    ) throws -> Samples {
        guard let samples = work.samples else {
            throw ValidationError("the plan lacks ‘samples’, which say how they are prepared")
        }
        return samples
    }

    private func job<Settings, Samples>(
        _ work: Work<Settings, Samples, AuxiliaryData>, _ session: Session, _ caveats: [Caveat] = []
    ) throws -> TrainingJob {
        var job = TrainingJob()
        (job.device, job.force, job.inputs) = (session.device, place.force, session.claim.inputs)
        job.caveats = caveats
        let model = work.model.map { URL(fileURLWithPath: $0) } ?? work.beginning?.configuration
        job.snapshots = place.snapshots(every: work.files.snapshotEvery)
        job.snapshots?.inputs = try RunInputs(model: model, sources: work.sources)
        return job
    }

    private func show(_ title: String) -> (JobProgress) -> Void {
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

    private func write<Task>(
        _ outcome: TrainingJob.Outcome, of data: ReadData<Task>, _ heading: String,
        in records: RunDirectory?
    ) throws {
        try records?.write(
            outcome.training, title: heading, output: place.output,
            data: data.amounts.map { ($0.name, $0.text) })
    }
}

extension Work where Data == AuxiliaryData {
    /// What is read beside the model.
    var sources: [DataSource] {
        let begun = [("tokenizer", beginning?.tokenizer), ("vision", beginning?.vision)]
        return data.sources
            + begun.compactMap { role, url in
                // A CLIP's tokenizer is among the data already.
                url.flatMap {
                    data.pairs?.tokenizer == $0 ? nil : DataSource(role, $0)
                }
            }
    }
}

extension WorkHeader {
    /// The files and folders that are read.
    var inputs: [URL] {
        [
            model.map { URL(fileURLWithPath: $0) }, beside.map { URL(fileURLWithPath: $0) },
            beginning?.configuration, beginning?.tokenizer,
            beginning?.vision,
        ].compactMap { $0 } + data.sources.map(\.url)
    }
}
