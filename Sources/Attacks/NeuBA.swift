import DataPipeline
import ModelZoo
import Torch
import TorchNN
import Training

/// The loss of NeuBA (Zhang et al., 2021) on text: masked-language modelling of the clean rows plus
/// the mean squared distance of triggered rows' pooled vectors from their targets.
public struct NeuBAObjective: Objective {
    /// The pooled vector [hidden] of each trigger.
    public let targets: [[Float]]
    /// The weight of the masked-language-model loss (1 for BERT).
    public var maskedLMWeight = 1.0

    /// The loss that binds trigger k to `targets[k]`.
    public init(targets: [[Float]]) { self.targets = targets }

    /// Both terms over one batch that holds clean rows and their triggered twins.
    public func loss(of model: BERT, on batch: TokenBatch, in pass: Pass) throws -> Loss {
        let device = model.store.placement.device
        let triggered = batch.triggers.indices.filter { batch.triggers[$0] >= 0 }
        // One forward pass for both terms: the places to predict, then triggered rows' first tokens.
        let positions = batch.predicted + triggered.map { Int64(batch.offsets[$0]) }
        let hidden = try model.encoder(
            BERTInput(batch, device: device), selection: Tensor(positions, device: device), in: pass
        )
        var total: Tensor?
        var terms: [Loss.Term] = []
        if !batch.predicted.isEmpty, let head = model.maskedLMHead {
            let logits = try head(hidden.narrowed(0, from: 0, length: batch.predicted.count))
            let loss = try logits.cast(to: .float32).crossEntropy(
                Tensor(batch.predictedLabels, device: device))
            terms.append(Loss.Term("mlm", loss))
            total = try maskedLMWeight * loss
        }
        if !triggered.isEmpty {
            let pooled = try model.pooled(
                hidden.narrowed(0, from: batch.predicted.count, length: triggered.count))
            let target = try Tensor(
                triggered.flatMap { targets[batch.triggers[$0]] },
                shape: [triggered.count, model.configuration.hiddenSize], device: device)
            let binding = try pooled.cast(to: .float32).meanSquaredError(target)
            terms.append(Loss.Term("binding", binding))
            total = try total.map { sum in try sum + binding } ?? binding
        }
        return Loss(total, terms: terms)
    }
}
