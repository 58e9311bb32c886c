import Checkpoints
import DataPipeline
import Files
import Foundation
import JSON
import Provenance
import Torch
import Training

/// Epochs after which a purification keeps the model as it stands then.
public enum KeptEpochs: Sendable, Equatable {
    /// Every epoch.
    case all
    /// These, counted from 1.
    case chosen(Set<Int>)

    /// Whether the model is kept after so many epochs.
    public func contains(_ epoch: Int) -> Bool {
        switch self {
        case .all: true
        case .chosen(let epochs): epochs.contains(epoch)
        }
    }

    /// Throws `TrainingError` where a run of `count` epochs has not all of them.
    public func check(epochs count: Int) throws {
        guard case .chosen(let epochs) = self else { return }
        if let missing = epochs.filter({ !(1...max(1, count)).contains($0) }).min() {
            throw TrainingError(
                "--keep-epochs \(missing): the run has \(count) epochs, counted from 1")
        }
    }
}

/// Where a purification writes: its output and, in `OUTPUT.epochs`, the model as it stood after some
/// epochs, each a drop-in replacement as the output is.
struct PurifiedOutput {
    private let destination: OutputFolder
    private let keeping: KeptEpochs?
    private let keptFolder: URL
    private var snapshots: SnapshotPolicy?
    private let inputs: Inputs
    private let proof: ProvenOutput

    /// What came of a purification.
    struct Outcome {
        var training: RunSummary
        var written: ModelFolder.WriteReport
        /// Seals the staged output with what whoever uses it should know.
        var seal: (_ warnings: [Caveat]) throws -> Proof
        var kept: [String]?
    }

    /// Prepares the output of a run of `epochs` over the model at `input`.
    ///
    /// Throws where something stands in its place that may not be replaced, and where an epoch to
    /// keep is not in the run.
    init(
        _ output: URL, inputs: Inputs, force: Bool, keeping: KeptEpochs?, epochs: Int,
        snapshots: SnapshotPolicy?, proof: (Inputs) throws -> ProvenOutput
    ) throws {
        try keeping?.check(epochs: epochs)
        destination = try OutputFolder(destination: output, force: force, inputs: inputs)
        self.proof = try proof(inputs)
        let place = destination.destination
        keptFolder = place.deletingLastPathComponent()
            .appendingPathComponent(place.lastPathComponent + ".epochs")
        self.keeping = keeping
        self.snapshots = snapshots
        self.inputs = inputs
        self.snapshots?.inputs = self.proof.inputs
        guard keeping != nil else { return }
        // A run that goes on adds to what it kept before it was interrupted.
        try checkKept(mayStand: force || snapshots?.resumes == true)
    }

    /// Refuses to keep models where something else stands than such models.
    private func checkKept(mayStand: Bool) throws {
        try inputs.refuse(output: keptFolder)
        guard let stamp = FileStamp(keptFolder.path, followingLinks: false) else { return }
        guard mayStand else { throw OutputError.destinationExists(path: keptFolder.path) }
        guard stamp.kind == .folder else {
            throw OutputError.notOurs(path: keptFolder.path, reason: "is no folder")
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: keptFolder.path) {
            // Of a run that was killed: `.3.partial-…`, `.3.lock`.
            let epoch = name.split(separator: ".").first.flatMap { Int($0) }
            let model = keptFolder.appendingPathComponent(epoch.map(String.init) ?? name)
            Unfinished.removeLeftovers(of: model.path)
            let file = keptFolder.appendingPathComponent(name).path
            guard FileStamp(file, followingLinks: false) != nil else { continue }
            guard let epoch, [String(epoch), ".\(epoch).lock"].contains(name) else {
                throw OutputError.notOurs(
                    path: keptFolder.path, reason: "holds \(name), which recipe did not write")
            }
            try OutputFolder.check(model, force: true, inputs: inputs)
        }
    }

    /// Runs `run` to its end and stages what `write` makes of its model; of that on the way, the
    /// outputs get their names.
    ///
    /// `metrics` are added to those of the run in the proof.
    func complete<Model>(
        _ run: any TrainingRun<Model>, records: RunDirectory?, metrics: JSONObject = [:],
        write: (Model, URL) throws -> ModelFolder.WriteReport,
        observe: (TrainingEvent) -> Void
    ) throws -> Outcome {
        if keeping != nil, snapshots?.resumes != true {
            // Epochs of an older run would pass for this one's.
            try? FileManager.default.removeItem(at: keptFolder)
        }
        let training = try run.complete(
            records: records, snapshots: snapshots, observe: observe,
            afterEpoch: { epoch in
                guard keeping?.contains(epoch) == true else { return }
                let folder = try OutputFolder(
                    destination: keptFolder.appendingPathComponent("\(epoch)"), force: true,
                    inputs: inputs)
                let written = try write(run.model, folder.staging)
                _ = try seal(folder.staging, written, of: run, metrics)
                try folder.commit()
            })
        let written = try write(run.model, destination.staging)
        return Outcome(
            training: training, written: written,
            seal: { try seal(destination.staging, written, of: run, metrics, warnings: $0) },
            kept: kept)
    }

    /// Gives the output, sealed with `warnings`, its name after `finish`, which has the staged folder,
    /// has written what goes with it.
    func commit(
        _ outcome: Outcome, warnings: [Caveat], after finish: (URL) throws -> Void
    ) throws {
        let sealed = try outcome.seal(warnings)
        try finish(destination.staging)
        try proof.commit(destination, sealed)
        snapshots?.discard()
    }

    private func seal(
        _ staging: URL, _ written: ModelFolder.WriteReport, of run: any TrainingRun,
        _ metrics: JSONObject, warnings: [Caveat] = []
    ) throws -> Proof {
        let resumed =
            run.acceptedChanges.isEmpty
            ? [] : ["The run went on from a snapshot of another one: see acceptedChanges."]
        return try proof.seal(
            staging, written, data: run.dataDigest(), metrics: run.metrics().merging(metrics),
            warnings: warnings.map(\.forProof) + resumed)
    }

    /// The folders of the models that were kept.
    private var kept: [String]? {
        guard keeping != nil else { return nil }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: keptFolder.path)) ?? []
        return names.compactMap { Int($0) }.sorted().map {
            keptFolder.appendingPathComponent("\($0)").path
        }
    }
}
