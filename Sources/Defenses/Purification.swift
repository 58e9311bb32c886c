import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Torch
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
    /// Snapshots to go on from after an interruption, or nil.
    public var snapshots: SnapshotPolicy?

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
        /// How training went.
        public var training: RunSummary
        /// Tensors of the model.
        public var tensorCount: Int
        /// Tensors that changed, by their names on disk.
        public var changed: [String]
        /// Files of the input that were left out, for they still hold the suspect weights.
        public var omitted: [String]
    }

    /// Purifies the model in `folder` with `texts` and writes the result to `output`.
    ///
    /// Nothing stands under `output` until all of it is there.
    public func run(
        _ folder: BERTFolder, texts: [String], output: URL, records: RunDirectory? = nil,
        observe: (TrainingEvent) -> Void = { _ in }
    ) throws -> Report {
        // First what can be refused at once: nobody waits an hour to hear that a folder exists.
        let destination = try OutputFolder(
            destination: output, force: force, inputs: [folder.folder.url])
        try folder.checkWritable(RECIPE.layers)
        let tokenizer = try folder.tokenizer()
        try folder.checkLength(recipe.maximumLength)
        let corpus = TokenizedCorpus(
            texts, tokenizer: tokenizer, maximumLength: recipe.maximumLength)
        let trainer = try recipe.trainer(
            for: folder, texts: corpus.texts, tokenizer: tokenizer, head: head, device: device)
        let summary = try trainer.complete(
            records: records, snapshots: snapshots, observe: observe)
        let written = try folder.write(trainer.model.store.trainable, to: destination.staging)
        try destination.commit()
        return Report(
            model: folder.folder.url.path, output: output.path, recipe: recipe,
            computeType: trainer.model.store.placement.computeType, texts: corpus.summary,
            training: summary, tensorCount: folder.folder.weights.tensors.count,
            changed: written.changed, omitted: written.omitted)
    }
}
