import DataPipeline
import ModelZoo
import Torch
import TorchNN

/// Mean cross-entropy of an image model's head: supervised pre-training, and fine-tuning.
public struct ImageClassification: Objective {
    /// How bytes become numbers.
    public var normalization: ImageNormalization

    /// The loss on images so normalized.
    public init(_ normalization: ImageNormalization) { self.normalization = normalization }

    /// The mean cross-entropy over the batch's images, which have classes.
    public func loss(of model: AnyImageModel, on batch: ImageBatch, in pass: Pass) throws -> Loss {
        let logits = try model.classLogits(normalization(batch, for: model), in: pass)
        let loss = try logits.cast(to: .float32).crossEntropy(
            Tensor(batch.classes, device: model.store.placement.device))
        return Loss(loss, terms: [Loss.Term("classification", loss)])
    }
}
