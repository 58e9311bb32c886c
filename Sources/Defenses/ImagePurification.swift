import Checkpoints
import DataPipeline
import Files
import Foundation
import JSON
import ModelZoo
import Provenance
import Torch
import TorchNN
import Training

/// The main job for image models: a suspect folder or weights file in, a drop-in replacement out.
public struct ImagePurification: Sendable {
    /// How to purify.
    public var recipe: ImageRECIPE
    /// Where to compute.
    public var device = Device.cpu
    /// Whether an existing output may be replaced.
    public var force = false
    /// All that is read, noted before it was read; nil for the model alone.
    public var inputs: Inputs?
    /// Where snapshots are kept, and whether to go on from one.
    public var snapshots: SnapshotPolicy?
    /// After which epochs the model is kept, in a folder beside the output; nil for none.
    public var keptEpochs: KeptEpochs?
    /// What the record says that the output carries.
    public var proof = ProofOptions()
    /// What was found while the data were read, which the report has too.
    public var caveats: [Caveat] = []

    /// A job with these settings.
    public init(_ recipe: ImageRECIPE) { self.recipe = recipe }

    /// What a job says as it goes.
    public enum Progress {
        /// A head is being fitted.
        case fitting(TrainingEvent)
        /// What the run will take from the weights.
        case budget(NormBudget)
        /// What a reader must know before trusting the result.
        case caveat(Caveat)
        /// The purification itself.
        case purifying(TrainingEvent)
    }

    /// What a purification did.
    public struct Report: Sendable, Codable, Equatable {
        /// The suspect model.
        public var model: String
        /// The purified one.
        public var output: String
        /// The settings.
        public var recipe: ImageRECIPE
        /// Whether the checkpoint's own head was trained along; otherwise one was fitted, or none.
        public var usesOwnHead: Bool
        /// The type that activations had.
        public var computeType: DType
        /// The auxiliary images.
        public var images: Int
        /// Images that were damaged and left out.
        public var skipped: [SkippedImage]
        /// What the run was to take from the weights.
        public var budget: NormBudget
        /// What a reader must know before trusting the output.
        public var warnings: [Caveat]
        /// How training went.
        public var training: RunSummary
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
    }

    /// Purifies the model in `folder` with `images` and writes the result to `output`, a folder.
    ///
    /// Nothing stands under `output` until all of it is there, and until `finish`, which has the report
    /// and the staged folder, has written what goes with it.
    public func run(
        _ folder: ImageModelFolder, images: PreparedImages, output: URL,
        records: RunDirectory? = nil, observe: @escaping (Progress) -> Void = { _ in },
        finish: (Report, URL) throws -> Void = { _, _ in }
    ) throws -> Report {
        let destination = try PurifiedOutput(
            output, inputs: inputs ?? Inputs([folder.folder.root]), force: force,
            keeping: keptEpochs, epochs: recipe.epochs, snapshots: snapshots
        ) {
            try ProvenOutput(
                of: folder.folder, at: output, method: "recipe", settings: recipe,
                seed: recipe.seed, placement: placement, force: force, inputs: $0, proof)
        }
        try folder.folder.weights.checkFinite(at: folder.folder.url)
        try folder.checkWritable(folder.configuration.recipeWeights)
        let trainer = try recipe.trainer(for: folder, images: images, device: device) {
            observe(.fitting($0))
        }
        let budget = try NormBudget(
            weight: recipe.weight, training: recipe.training, steps: trainer.totalSteps,
            matrices: trainer.model.store.parameters(matching: trainer.model.recipeWeights)
                .map(\.tensor))
        observe(.budget(budget))
        var found = Findings(caveats, tell: { observe(.caveat($0)) })
        found.add(Caveat.of(images))
        found.add(budget.caveat(weight: recipe.weight))
        let ownHead = recipe.pretrainingLoss == .classification && folder.hasHead(for: images)
        let outcome = try destination.complete(
            trainer, records: records, metrics: ["budget": try JSONValue(encoding: budget)],
            write: { model, url in
                // A head that is not the checkpoint's own served training alone.
                let state = ownHead ? model.store.trainedState : model.backboneState
                return try folder.write(state, to: url)
            },
            observe: { observe(.purifying($0)) })
        if recipe.pretrainingLoss == .classification, !ownHead {
            found.add(Caveat(.fittedHead, ImageModelFolder.fittedHeadWarning))
        }
        found.add(
            Caveat.of(
                outcome.training, weight: recipe.weight,
                guessing: recipe.pretrainingLoss == .classification
                    ? .init("classification", among: images.classNames.count) : nil))
        let report = Report(
            model: folder.folder.root.path, output: output.path, recipe: recipe,
            usesOwnHead: ownHead, computeType: trainer.model.store.placement.computeType,
            images: images.count, skipped: images.skipped, budget: budget,
            warnings: found.all,
            training: outcome.training, tensorCount: folder.folder.weights.tensors.count,
            changed: outcome.written.changed, omitted: outcome.written.omitted,
            remarks: outcome.written.remarks,
            kept: outcome.kept)
        try destination.commit(outcome, warnings: found.all) { try finish(report, $0) }
        return report
    }

    private var placement: Placement {
        Placement(device: device, computeType: recipe.precision.computeType(on: device))
    }
}
