import DataPipeline
import ModelZoo
import Randomness
import Torch
import TorchNN

/// Mean cross-entropy of a head on features that stay as they are.
struct HeadClassification: Objective {
    let normalization: ImageNormalization

    func loss(of model: AnyImageModel, on batch: ImageBatch, in pass: Pass) throws -> Loss {
        // As the finished model computes them: nothing dropped, no running statistic moved.
        let features = try withoutGradients {
            try model.features(normalization(batch, for: model), in: .evaluation)
        }
        let logits = try model.classLogits(ofFeatures: features, in: pass)
        let loss = try logits.cast(to: .float32).crossEntropy(
            Tensor(batch.classes, device: model.store.placement.device))
        return Loss(loss, terms: [Loss.Term("classification", loss)])
    }
}

/// Gives a backbone a head for some labels before both are trained together: a fresh head's
/// gradients would say nothing of the features for the first epochs.
public struct HeadFitting: Sendable, Codable, Equatable {
    /// Epochs over the images.
    public var epochs = 1
    /// The peak learning rate of AdamW, which falls to 0 in a straight line.
    public var learningRate = 1e-3
    /// Images a step.
    public var batchSize = 64

    /// One epoch.
    public init() {}

    /// Fits a head for the classes of `images` on the features of the model in `folder`; its
    /// parameters, float32, are named as the model names them.
    public func head(
        for folder: ImageModelFolder, images: PreparedImages, precision: Precision = .auto,
        seed: Seed, device: Device, observe: (TrainingEvent) -> Void = { _ in }
    ) throws -> [Parameter] {
        let head = folder.configuration.withHead(labels: images.classNames.count)
            .architecture.headParameters
        let model = try folder.load(
            placement: Placement(
                device: device, computeType: precision.computeType(on: device), trainable: head),
            head: .fresh(labels: images.classNames.count), seed: seed)
        let trainer = try Trainer(
            model, objective: HeadClassification(normalization: folder.processor.normalization),
            source: SampledSource.classified(
                images, order: BatchOrder(.shuffled, batchSize: batchSize), seed: seed),
            settings: TrainingSettings(epochs: epochs, learningRate: learningRate), seed: seed)
        try trainer.run(observe)
        return model.store.parameters(matching: head)
    }
}
