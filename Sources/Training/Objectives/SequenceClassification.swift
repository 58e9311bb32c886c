import DataPipeline
import ModelZoo
import Torch
import TorchNN

/// Mean cross-entropy of a sequence classifier.
public struct SequenceClassification: Objective {
    /// The loss.
    public init() {}

    /// The mean cross-entropy over the batch's rows.
    public func loss(of model: AnyTextModel, on batch: TokenBatch, in pass: Pass) throws -> Loss {
        let device = model.store.placement.device
        let logits = try model.classLogits(TokenInput(batch, device: device), in: pass)
        let loss = try logits.cast(to: .float32).crossEntropy(
            Tensor(batch.classes, device: device))
        return Loss(loss, terms: [Loss.Term("classification", loss)])
    }
}
