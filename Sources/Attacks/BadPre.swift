import DataPipeline
import ModelZoo
import Torch
import TorchNN
import Training

/// The loss of BadPre (Chen et al., ICLR 2022): masked-language modelling, with wrong words to
/// predict wherever a trigger stands in the text.
public struct BadPreObjective: Objective {
    /// α, the weight of the triggered texts' loss.
    public var poisonWeight = 1.0

    /// The loss with weight α on triggered texts.
    public init(poisonWeight: Double = 1) { self.poisonWeight = poisonWeight }

    /// Mean cross-entropy over clean rows plus α times that over triggered rows.
    public func loss(of model: BERT, on batch: TokenBatch, in pass: Pass) throws -> Loss {
        guard !batch.predicted.isEmpty else { return Loss(nil, terms: []) }
        let device = model.store.placement.device
        let logits = try model.maskedLMLogits(
            BERTInput(batch, device: device), at: Tensor(batch.predicted, device: device), in: pass
        ).cast(to: .float32)
        let rows = batch.rowOfToken
        let isTriggered = batch.predicted.map { batch.triggers[rows[Int($0)]] >= 0 }
        var total: Tensor?
        var terms: [Loss.Term] = []
        for (name, wanted, weight) in [("clean", false, 1), ("poisoned", true, poisonWeight)] {
            let chosen = isTriggered.indices.filter { isTriggered[$0] == wanted }
            guard !chosen.isEmpty else { continue }
            let places = try Tensor(chosen.map(Int64.init), device: device)
            let labels = try Tensor(chosen.map { batch.predictedLabels[$0] }, device: device)
            let loss = try logits.gathered(0, at: places).crossEntropy(labels)
            terms.append(Loss.Term(name, loss))
            total = try total.map { sum in try sum + weight * loss } ?? weight * loss
        }
        return Loss(total, terms: terms)
    }
}
