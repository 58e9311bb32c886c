import Attacks
import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Randomness
import Torch
import TorchNN
import Training

/// Images: a classifier is fine-tuned, and patches are pasted on the test images.
///
/// A patch is pasted on prepared images, as NeuBA's authors have it: after the resize.
public struct ImageEvaluator: Evaluator, Equatable {
    /// `images`.
    public static let name = "images"

    /// How classifiers are trained; gradients are not clipped.
    public var fineTuning: FineTuning
    /// Patches to try.
    public var triggers = PatchTrigger.neuba
    /// Which samples count for the attack success rate.
    public var filter = AttackSuccess.Filter.none
    /// One classifier is made and measured with each.
    public var seeds = [Seed(42), Seed(43), Seed(44)]

    /// An evaluation with three seeds.
    public init(_ fineTuning: FineTuning) { self.fineTuning = fineTuning }

    /// The paper's settings for VGG and ViT; optimizer and batch are those of NeuBA's scripts, which
    /// the paper does not state, nor does it state those of CLIP.
    public static func paper(
        for folder: ImageModelFolder, on data: DownstreamData
    ) throws -> ImageEvaluator {
        let layout = try data.train.map { try ImageSet.layout(of: $0, data.images?.layout) }
        return ImageEvaluator(
            FineTuning(folder.configuration.paperDefaults.fineTuning, on: layout))
    }

    /// Reads images, prepared as the model takes them.
    public static func read(
        _ data: DownstreamData, for folder: ImageModelFolder,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> DownstreamImages {
        try DownstreamImages(data, preparation(data, folder), observe: observe)
    }

    /// Whether both take images of one size, made in the same way.
    public static func takesAlike(
        _ folder: ImageModelFolder, _ other: ImageModelFolder, _ data: DownstreamData
    ) throws -> Bool { try preparation(data, folder) == preparation(data, other) }

    private static func preparation(
        _ data: DownstreamData, _ folder: ImageModelFolder
    ) throws -> ImagePreparation {
        try (data.images ?? AuxiliaryData.Images())
            .preparation(for: folder.configuration, folder.processor)
    }

    /// Throws where a setting is none.
    public func check(_ folder: ImageModelFolder) throws {
        try fineTuning.check()
        guard !triggers.isEmpty, !seeds.isEmpty else {
            throw TrainingError("an evaluation needs at least one seed and one trigger")
        }
    }

    /// Nothing.
    public func remarks(on task: DownstreamImages, for folder: ImageModelFolder) -> [String] { [] }

    /// The settings as reports show them.
    public func settings(
        on task: DownstreamImages, device: Device
    ) -> EvaluationSettings {
        var settings = EvaluationSettings(
            fineTuning, triggers.map(\.description), filter, device)
        settings.samples = .images(
            .init(
                preparation: task.prepared, optimizer: fineTuning.training.optimizer,
                schedule: fineTuning.training.schedule.shape))
        return settings
    }

    /// Makes a classifier with each seed, and measures it.
    public func results(
        of folder: ImageModelFolder, on task: DownstreamImages, device: Device,
        observe: (EvaluationProgress) throws -> Void
    ) throws -> [SeedResult] {
        guard let train = task.train else {
            throw TrainingError("\(task.test.name): there are no images to train on")
        }
        return try ImageTrial(
            task: task, train: train, folder: folder, evaluator: self, device: device
        ).results(seeds: seeds, filter: filter, observe: observe)
    }

    /// A trainer of a classifier on the model of `folder`, with a fresh linear head for the classes of
    /// `images`; everything is trained but neurons that were pruned for good.
    func trainer(
        on folder: ImageModelFolder, images: PreparedImages, seed: Seed, device: Device
    ) throws -> Trainer<RowsHeldAtZero<ImageClassification>, SampledSource<ImageBatch>> {
        let model = try folder.load(
            placement: Placement(
                device: device, computeType: fineTuning.precision.computeType(on: device),
                trainable: .all),
            head: .fresh(labels: images.classNames.count), seed: seed)
        let objective = try RowsHeldAtZero(
            ImageClassification(folder.processor.normalization),
            rows: folder.folder.rowsHeldAtZero(at: model.neurons), of: model)
        return try Trainer(
            model, objective: objective,
            source: SampledSource.classified(
                images, order: BatchOrder(.shuffled, batchSize: fineTuning.batchSize), seed: seed),
            settings: fineTuning.training, seed: seed)
    }
}

/// An image model on images.
private struct ImageTrial: ClassifierTrial {
    let task: DownstreamImages
    let train: PreparedImages
    let folder: ImageModelFolder
    let evaluator: ImageEvaluator
    let device: Device

    var triggerNames: [String] { evaluator.triggers.map(\.description) }

    func trainer(
        seed: Seed
    ) throws -> Trainer<RowsHeldAtZero<ImageClassification>, SampledSource<ImageBatch>> {
        try evaluator.trainer(on: folder, images: train, seed: seed, device: device)
    }

    func answers(of model: AnyImageModel, trigger: Int?, seed: Seed) throws -> TrialAnswers {
        let predictor = ImagePredictor(model, normalization: folder.processor.normalization)
        return TrialAnswers(
            labels: try predictor.classes(
                of: task.test, with: trigger.map { evaluator.triggers[$0] }))
    }
}
