import DataPipeline
import ModelZoo
import Torch
import TorchNN

extension AnyTextModel: TrainableModel {}
extension BERT: TrainableModel {}

/// BERT's pre-training loss: mean cross-entropy over the masked tokens of the batch.
public struct MaskedLanguageModeling: Objective {
    /// The loss, which looks at masked positions only.
    public init() {}

    /// The mean cross-entropy; no loss where nothing in the batch was masked.
    public func loss(of model: AnyTextModel, on batch: TokenBatch, in pass: Pass) throws -> Loss {
        guard !batch.predicted.isEmpty else { return Loss(nil, terms: []) }
        let device = model.store.placement.device
        let input = try TokenInput(batch, device: device)
        let logits = try model.maskedLMLogits(
            input, at: Tensor(batch.predicted, device: device), in: pass)
        let loss = try logits.cast(to: .float32).crossEntropy(
            Tensor(batch.predictedLabels, device: device))
        return Loss(loss, terms: [Loss.Term("mlm", loss)])
    }
}
