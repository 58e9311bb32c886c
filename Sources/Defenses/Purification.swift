import Checkpoints
import DataPipeline
import Files
import Foundation
import JSON
import ModelZoo
import Provenance
import Randomness
import Torch
import TorchNN
import Training

/// What a purification says as it goes.
public enum PurificationProgress {
    /// A head is being fitted.
    case fitting(TrainingEvent)
    /// What the run will take from the weights.
    case budget(NormBudget, TrainingSettings)
    /// What a reader must know before trusting the result.
    case caveat(Caveat)
    /// The purification itself.
    case purifying(TrainingEvent)
    /// So many of all samples were read.
    case reading(Int, of: Int)
}

/// The main job: a suspect model and data of its kind in, a drop-in replacement out.
public struct Purification<Method: Defense>: Sendable {
    /// The defense and its settings.
    public var method: Method
    /// Where the work is done.
    public var device = Device.cpu
    /// Whether an existing output may be replaced.
    public var force = false
    /// All that is read, noted before it was read; nil for the model alone.
    public var inputs: Inputs?
    /// Snapshots to go on from after an interruption, or nil.
    public var snapshots: SnapshotPolicy?
    /// After which epochs the model is kept, in a folder beside the output; nil for none.
    public var keptEpochs: KeptEpochs?
    /// What was found while the data were read, which the report has too.
    public var caveats: [Caveat] = []
    /// What the record says that the output carries.
    public var proof = ProofOptions()

    /// A purification by `method`.
    public init(_ method: Method) { self.method = method }

    /// What came of a purification.
    public struct Report: Sendable, Codable {
        /// The suspect model.
        public var model: String
        /// The purified one.
        public var output: String
        /// The defense.
        public var method: String
        /// Its settings.
        public var settings: Method
        /// The type that activations and frozen weights had.
        public var computeType: DType
        /// Of texts: what became of them.
        public var texts: TokenizedCorpus.Summary?
        /// Images, with captions or without.
        public var images: Int?
        /// Captions of the images.
        public var captions: Int?
        /// Captions that were too long and cut.
        public var truncated: Int?
        /// Images that were missing or damaged and left out.
        public var skipped: [SkippedImage]?
        /// Whether the checkpoint's own head was trained against; otherwise one was fitted, or none.
        public var usesOwnHead: Bool
        /// What the run was to take from the weights; nil where no norm is made small.
        public var budget: NormBudget?
        /// What a reader must know before trusting the output.
        public var warnings: [Caveat]
        /// How training went; nil where nothing was trained.
        public var training: RunSummary?
        /// The pruned neurons; nil where none were.
        public var pruned: PrunedNeurons?
        /// Seconds of training, or of reading activations.
        public var seconds: Double
        /// Samples a second.
        public var samplesPerSecond: Double
        /// Tensors of the model.
        public var tensorCount: Int
        /// Tensors that changed, by their names on disk.
        public var changed: [String]
        /// Files of the input that were left out, and why.
        public var omitted: [FileNote]
        /// Files that were carried though there is something to say of them.
        public var remarks: [FileNote]
        /// The models that were kept on the way, in the order of epochs; nil where none was asked
        /// for.
        public var kept: [String]?

        /// How many samples there were, and what became of those that were given.
        public var data: DataSummary {
            DataSummary(
                texts: texts, images: images, captions: captions, truncated: truncated,
                skipped: skipped)
        }

        init<Task: PretrainingTask>(
            _ job: Purification, _ task: Task, output: URL, _ placement: Placement,
            _ written: ModelFolder.WriteReport, seconds: Double, samplesPerSecond: Double,
            warnings: [Caveat]
        ) {
            let data = task.data
            (model, self.output) = (task.folder.root.path, output.path)
            (method, settings) = (job.method.name, job.method)
            computeType = placement.computeType
            (texts, images, captions) = (data.texts, data.images, data.captions)
            (truncated, skipped) = (data.truncated, data.skipped)
            usesOwnHead = false
            self.warnings = warnings
            (self.seconds, self.samplesPerSecond) = (seconds, samplesPerSecond)
            tensorCount = task.folder.weights.tensors.count
            (changed, omitted, remarks) = (written.changed, written.omitted, written.remarks)
        }
    }

    /// Where the model's parameters lie, and in which type.
    var placement: Placement {
        Placement(device: device, computeType: method.precision.computeType(on: device))
    }

    /// Purifies the model of `task` and writes the result to `output`, a folder.
    ///
    /// Nothing stands under `output` until all of it is there, and until `finish`, which has the report
    /// and the staged folder, has written what goes with it.
    public func run<Task: PretrainingTask>(
        _ task: Task, output: URL, records: RunDirectory? = nil,
        observe: @escaping (PurificationProgress) -> Void = { _ in },
        finish: (Report, URL) throws -> Void = { _, _ in }
    ) throws -> Report {
        try method.purify(
            task, to: output, by: self, records: records, observe: observe, finish: finish)
    }

    /// The record of a purification of `task` by seeds of `seed`.
    func proven<Task: PretrainingTask>(
        _ task: Task, at output: URL, seed: Seed?, inputs: Inputs
    ) throws -> ProvenOutput {
        try ProvenOutput(
            of: task.folder, at: output, method: method.name,
            settings: TaskPlan(method.name, method, samples: task.settings), seed: seed,
            placement: placement, force: force, inputs: inputs, proof)
    }
}

extension TrainedDefense {
    /// Trains the model and writes what training changed.
    public func purify<Task: PretrainingTask>(
        _ task: Task, to output: URL, by job: Purification<Self>, records: RunDirectory?,
        observe: @escaping (PurificationProgress) -> Void,
        finish: (Purification<Self>.Report, URL) throws -> Void
    ) throws -> Purification<Self>.Report {
        // First what can be refused at once: nobody waits an hour to hear that a folder exists.
        try check()
        let destination = try PurifiedOutput(
            output, inputs: job.inputs ?? Inputs([task.folder.root]), force: job.force,
            keeping: job.keptEpochs, epochs: run.training.epochs, snapshots: job.snapshots
        ) { try job.proven(task, at: output, seed: run.seed, inputs: $0) }
        try task.folder.weights.checkFinite(at: task.folder.url)
        try task.checkWritable(trained(task.defaults))
        try task.check()
        let trainer = try trainer(for: task, device: job.device) { observe(.fitting($0)) }
        var found = Findings(job.caveats, tell: { observe(.caveat($0)) })
        found.add(task.caveats)
        var budget: NormBudget?
        if normWeight > 0 {
            let matrices = trainer.model.store.parameters(matching: task.defaults.regularized)
            let taken = try NormBudget(
                weight: normWeight, training: run.training, steps: trainer.totalSteps,
                matrices: matrices.map(\.tensor))
            observe(.budget(taken, run.training))
            found.add(taken.caveat(weight: normWeight))
            budget = taken
        }
        let outcome = try destination.complete(
            trainer, records: records,
            metrics: try budget.map { ["budget": try JSONValue(encoding: $0)] } ?? [:],
            write: { try task.write($0, to: $1) }, observe: { observe(.purifying($0)) })
        if hasPretrainingLoss { found.add(task.headCaveat) }
        found.add(
            Caveat.of(
                outcome.training, weight: normWeight,
                guessing: hasPretrainingLoss ? task.guessing(batchSize: run.batchSize) : nil))
        var report = Purification<Self>.Report(
            job, task, output: output, trainer.model.store.placement, outcome.written,
            seconds: outcome.training.seconds,
            samplesPerSecond: outcome.training.samplesPerSecond, warnings: found.all)
        report.usesOwnHead = hasPretrainingLoss && task.headCaveat == nil
        (report.budget, report.training, report.kept) = (budget, outcome.training, outcome.kept)
        try destination.commit(outcome, warnings: found.all) { try finish(report, $0) }
        return report
    }
}
