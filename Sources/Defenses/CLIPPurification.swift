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

/// The main job for CLIP: a suspect folder or weights file in, a drop-in replacement out.
public struct CLIPPurification: Sendable {
    /// How to purify.
    public var recipe: CLIPRECIPE
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
    public init(_ recipe: CLIPRECIPE) { self.recipe = recipe }

    /// What a purification did.
    public struct Report: Sendable, Codable, Equatable {
        /// The suspect model.
        public var model: String
        /// The purified one.
        public var output: String
        /// The settings.
        public var recipe: CLIPRECIPE
        /// The type that activations had.
        public var computeType: DType
        /// The auxiliary images.
        public var images: Int
        /// Their captions.
        public var captions: Int
        /// Captions that were too long and cut.
        public var truncated: Int
        /// Images that were missing or damaged and left out.
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

    private var placement: Placement {
        Placement(device: device, computeType: recipe.precision.computeType(on: device))
    }

    /// Purifies the model in `folder` with `pairs` and writes the result to `output`, a folder.
    ///
    /// Nothing stands under `output` until all of it is there, and until `finish`, which has the report
    /// and the staged folder, has written what goes with it. `tell` hears of each caveat as soon as it is found.
    public func run(
        _ folder: CLIPFolder, pairs: PreparedPairs, output: URL, records: RunDirectory? = nil,
        observe: (TrainingEvent) -> Void = { _ in },
        tell: @escaping (Caveat) -> Void = { _ in },
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
        try folder.checkWritable(.all)
        try UnreadableTexts.check(pairs.captions.unknownShare, tokenizer: folder.folder.url)
        let trainer = try recipe.trainer(for: folder, pairs: pairs, device: device)
        var found = Findings(caveats, tell: tell)
        found.add(Caveat.of(pairs))
        let budget = try NormBudget(
            weight: recipe.weight, training: recipe.training, steps: trainer.totalSteps,
            matrices: trainer.model.store.parameters(matching: CLIP.recipeWeights).map(\.tensor))
        found.add(budget.caveat(weight: recipe.weight))
        let outcome = try destination.complete(
            trainer, records: records, metrics: ["budget": try JSONValue(encoding: budget)],
            write: { model, url in try folder.write(model.store.trainedState, to: url) },
            observe: observe)
        found.add(
            Caveat.of(
                outcome.training, weight: recipe.weight,
                guessing: recipe.hasPretrainingLoss
                    ? .init("contrastive", among: min(pairs.count, recipe.batchSize)) : nil))
        let report = Report(
            model: folder.folder.root.path, output: output.path, recipe: recipe,
            computeType: trainer.model.store.placement.computeType, images: pairs.count,
            captions: pairs.captions.captionCount, truncated: pairs.captions.truncated,
            skipped: pairs.skipped, budget: budget, warnings: found.all, training: outcome.training,
            tensorCount: folder.folder.weights.tensors.count, changed: outcome.written.changed,
            omitted: outcome.written.omitted, remarks: outcome.written.remarks,
            kept: outcome.kept)
        try destination.commit(outcome, warnings: found.all) { try finish(report, $0) }
        return report
    }
}
