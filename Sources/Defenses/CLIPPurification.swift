import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
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
    /// Where snapshots are kept, and whether to go on from one.
    public var snapshots: SnapshotPolicy?

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
        /// How training went.
        public var training: RunSummary
        /// Tensors of the model.
        public var tensorCount: Int
        /// Tensors that changed, by their names on disk.
        public var changed: [String]
        /// Files of the input that were left out, for they still hold the suspect weights.
        public var omitted: [String]
    }

    /// Purifies the model in `folder` with `pairs` and writes the result to `output`, a folder.
    ///
    /// Nothing stands under `output` until all of it is there.
    public func run(
        _ folder: CLIPFolder, pairs: PreparedPairs, output: URL, records: RunDirectory? = nil,
        observe: (TrainingEvent) -> Void = { _ in }
    ) throws -> Report {
        let destination = try OutputFolder(
            destination: output, force: force, inputs: [folder.folder.url])
        try folder.checkWritable(.all)
        let trainer = try recipe.trainer(for: folder, pairs: pairs, device: device)
        let summary = try trainer.complete(
            records: records, snapshots: snapshots, observe: observe)
        let written = try folder.write(trainer.model.store.trainedState, to: destination.staging)
        try destination.commit()
        return Report(
            model: folder.folder.url.path, output: output.path, recipe: recipe,
            computeType: trainer.model.store.placement.computeType, images: pairs.count,
            captions: pairs.captions.captionCount, truncated: pairs.captions.truncated,
            skipped: pairs.skipped, training: summary,
            tensorCount: folder.folder.weights.tensors.count, changed: written.changed,
            omitted: written.omitted)
    }
}
