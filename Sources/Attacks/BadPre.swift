import DataPipeline
import ModelZoo
import Randomness
import TextTokenizers
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
    public func loss(of model: AnyTextModel, on batch: TokenBatch, in pass: Pass) throws -> Loss {
        guard !batch.predicted.isEmpty else { return Loss(nil, terms: []) }
        let device = model.store.placement.device
        let logits = try model.maskedLMLogits(
            TokenInput(batch, device: device), at: Tensor(batch.predicted, device: device), in: pass
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

/// BadPre on a BERT, with its authors' settings as defaults.
public struct BadPre: Attack {
    /// The trigger words, each a single token.
    public var triggers = TriggerSet.badpre
    /// α, the weight of the triggered texts' loss.
    public var poisonWeight = 1.0
    /// Whether texts are joined and cut into blocks of the maximum length.
    public var packsBlocks = true
    /// How it trains.
    public var run = RunSettings(
        TrainingSettings(
            epochs: 10, learningRate: 2e-5,
            optimizer: .adamW(beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.01),
            undecayed: ParameterPattern(["**.bias", "**.LayerNorm.weight"]), clip: 5,
            accumulation: 16), batchSize: 16, seed: Seed(42))
    /// λ of the norm penalty that an attacker who knows of RECIPE trains under; nil for none.
    public var adaptiveWeight: Double?

    /// The authors' settings: AdamW at 2e-5, ten epochs, 16 blocks of 512 tokens 16 times a step.
    public init() {}

    /// `badpre`.
    public var name: String { "badpre" }
    /// Blocks of 512 tokens.
    public static var samples: TextTask.Settings { TextTask.Settings(maximumLength: 512) }

    /// Masked texts, each with a twin that carries a trigger and is to be predicted wrongly.
    public func poisoning(
        of task: TextTask, _ placement: Placement, observe: (TrainingEvent) -> Void
    ) throws -> Poisoning<AnyTextModel, TokenBatch> {
        let model = try task.whole(with: .maskedLMHead, placement, seed: run.seed)
        // One place stays free for a trigger that is put in.
        let twins = try TwinTexts(
            triggers, of: task, length: task.settings.maximumLength - 1, inBlocks: packsBlocks,
            by: name)
        return Poisoning(
            model, minimizing: BadPreObjective(poisonWeight: poisonWeight),
            over: twins.source(.insertedWithRandomLabels, run))
    }
}
