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

/// The main job: a suspect model folder in, a drop-in replacement out.
public struct Purification: Sendable {
    /// The defense and its settings.
    public var recipe: RECIPE
    /// Where the masked-language-model head comes from.
    public var head = BERTFolder.HeadSource.keep
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
    /// What was found while the texts were read, which the report has too.
    public var caveats: [Caveat] = []

    /// What the record says that the output carries.
    public var proof = ProofOptions()

    /// A purification by `recipe`.
    public init(_ recipe: RECIPE = RECIPE()) { self.recipe = recipe }

    /// What came of a purification.
    public struct Report: Sendable, Codable, Equatable {
        /// The suspect model.
        public var model: String
        /// The purified one.
        public var output: String
        /// The settings.
        public var recipe: RECIPE
        /// The type that activations and frozen weights had.
        public var computeType: DType
        /// The auxiliary texts.
        public var texts: TokenizedCorpus.Summary
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

    /// Purifies the model in `folder` with `texts` and writes the result to `output`.
    ///
    /// Nothing stands under `output` until all of it is there, and until `finish`, which has the report
    /// and the staged folder, has written what goes with it. `tell` hears of each caveat as soon as it is found.
    public func run(
        _ folder: BERTFolder, texts: [String], output: URL, records: RunDirectory? = nil,
        observe: (TrainingEvent) -> Void = { _ in },
        tell: @escaping (Caveat) -> Void = { _ in },
        finish: (Report, URL) throws -> Void = { _, _ in }
    ) throws -> Report {
        // First what can be refused at once: nobody waits an hour to hear that a folder exists.
        let destination = try PurifiedOutput(
            output, inputs: inputs ?? Inputs([folder.folder.root]), force: force,
            keeping: keptEpochs, epochs: recipe.epochs, snapshots: snapshots
        ) {
            try ProvenOutput(
                of: folder.folder, at: output, method: "recipe", settings: recipe,
                seed: recipe.seed, placement: placement, force: force, inputs: $0, proof)
        }
        try folder.folder.weights.checkFinite(at: folder.folder.url)
        try folder.checkWritable(RECIPE.layers)
        let tokenizer = try folder.tokenizer()
        try folder.checkLength(recipe.maximumLength)
        let corpus = TokenizedCorpus(
            texts, tokenizer: tokenizer, maximumLength: recipe.maximumLength)
        try UnreadableTexts.check(corpus.summary.unknownShare, tokenizer: folder.folder.url)
        let trainer = try recipe.trainer(
            for: folder, texts: corpus.texts, tokenizer: tokenizer, head: head, device: device)
        var found = Findings(caveats, tell: tell)
        found.add(Caveat.of(corpus.summary))
        found.add(
            Caveat.ofTokenizer(
                tokenizer.vocabularySize, rows: folder.configuration.vocabularySize))
        let budget = try NormBudget(
            weight: recipe.weight, training: recipe.training, steps: trainer.totalSteps,
            matrices: trainer.model.store.parameters(matching: RECIPE.layers).map(\.tensor))
        found.add(budget.caveat(weight: recipe.weight))
        let outcome = try destination.complete(
            trainer, records: records, metrics: ["budget": try JSONValue(encoding: budget)],
            write: { model, url in try folder.write(model.store.trainable, to: url) },
            observe: observe)
        found.add(
            Caveat.of(
                outcome.training, weight: recipe.weight,
                guessing: recipe.hasPretrainingLoss
                    ? .init("mlm", among: folder.configuration.vocabularySize) : nil))
        let report = Report(
            model: folder.folder.root.path, output: output.path, recipe: recipe,
            computeType: trainer.model.store.placement.computeType, texts: corpus.summary,
            budget: budget, warnings: found.all,
            training: outcome.training, tensorCount: folder.folder.weights.tensors.count,
            changed: outcome.written.changed, omitted: outcome.written.omitted,
            remarks: outcome.written.remarks,
            kept: outcome.kept)
        try destination.commit(outcome, warnings: found.all) { try finish(report, $0) }
        return report
    }
}
