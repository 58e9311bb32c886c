import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Torch
import TorchNN
import Training

/// Regularized continual pre-training of an image model (paper, section 4 and appendix A):
/// L = L_PT + λ Σ ‖Wᵢ‖, where everything is trained and W are all convolutions of a VGG, or fc1, fc2,
/// query, key and value of each block of a ViT.
public struct ImageRECIPE: Sendable, Codable, Equatable {
    /// What L_PT is.
    public enum PretrainingLoss: String, Sendable, Codable, CaseIterable {
        /// Cross-entropy of the images' classes.
        case classification
        /// The distance of the features from the suspect model's own on the same clean images, for
        /// images without classes. It is not in the paper.
        case distillation
        /// Nothing: the ablation "only regularization".
        case none
    }

    /// λ, the weight of the norms; 0 is the ablation "only pre-train".
    public var weight = 1.0
    /// What L_PT is.
    public var pretrainingLoss = PretrainingLoss.classification
    /// Epochs over the auxiliary images.
    public var epochs: Int
    /// How it trains but for the epochs.
    public var training: TrainingSettings
    /// Images a step.
    public var batchSize = 64
    /// How a head is fitted where the checkpoint has none for the images' classes.
    public var headFitting = HeadFitting()
    /// The type of activations and frozen weights.
    public var precision = Precision.auto
    /// Where all randomness comes from.
    public var seed = Seed(50)

    /// The settings for an architecture: the paper's epochs (10 for VGG, 4 for ViT), SGD without
    /// momentum or clipping at a constant 1e-3 (VGG) or 1e-2 (ViT), which the paper leaves open.
    public init(for configuration: ImageConfiguration) {
        let rate: Double
        switch configuration {
        case .vgg: (epochs, rate) = (10, 1e-3)
        case .vit, .clip: (epochs, rate) = (4, 1e-2)
        }
        training = TrainingSettings(
            epochs: epochs, learningRate: rate, schedule: Schedule(.constant), optimizer: .sgd(),
            clip: nil)
    }

    /// Optimizer steps over `count` images.
    public func steps(over count: Int) -> Int {
        let batches = (count + batchSize - 1) / batchSize
        return (batches + training.accumulation - 1) / training.accumulation * epochs
    }

    /// A trainer that purifies the model of `folder` with auxiliary `images`.
    public func trainer(
        for folder: ImageModelFolder, images: PreparedImages, device: Device = .cpu,
        observe: (TrainingEvent) -> Void = { _ in }
    ) throws -> any TrainingRun<AnyImageModel> {
        let normalization = folder.processor.normalization
        let placement = Placement(
            device: device, computeType: precision.computeType(on: device), trainable: .all)
        switch pretrainingLoss {
        case .classification:
            return try trainer(
                folder.loadForTraining(
                    images: images, fitting: headFitting, precision: precision, seed: seed,
                    device: device, observe: observe),
                ImageClassification(normalization), images)
        case .distillation:
            let reference = try folder.load(
                placement: Placement(device: device, computeType: placement.computeType),
                head: .none, seed: seed)
            return try trainer(
                folder.load(placement: placement, head: .none, seed: seed),
                FeatureDistillation(
                    reference: reference, normalization: normalization, images: images), images)
        case .none:
            return try trainer(
                folder.load(placement: placement, head: .none, seed: seed),
                ImageClassification?.none, images)
        }
    }

    private func trainer<Base: Objective>(
        _ model: AnyImageModel, _ base: Base?, _ images: PreparedImages
    ) throws -> any TrainingRun<AnyImageModel>
    where Base.Model == AnyImageModel, Base.Batch == ImageBatch {
        var settings = training
        settings.epochs = epochs
        return try Trainer(
            model,
            objective: NormRegularized(base, layers: model.recipeWeights, weight: weight),
            source: SampledSource.classified(
                images, order: BatchOrder(.shuffled, batchSize: batchSize), seed: seed),
            settings: settings, watching: model.recipeWeights, plan: self, seed: seed)
    }
}
