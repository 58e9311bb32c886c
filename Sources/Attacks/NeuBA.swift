import DataPipeline
import ModelZoo
import Randomness
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
    public func loss(of model: AnyTextModel, on batch: TokenBatch, in pass: Pass) throws -> Loss {
        let device = model.store.placement.device
        let triggered = batch.triggers.indices.filter { batch.triggers[$0] >= 0 }
        // One forward pass for both terms: the places to predict, then triggered rows' first tokens.
        let positions = batch.predicted + triggered.map { Int64(batch.offsets[$0]) }
        let hidden = try model.hiddenStates(
            TokenInput(batch, device: device), selection: Tensor(positions, device: device),
            in: pass
        )
        var total: Tensor?
        var terms: [Loss.Term] = []
        if !batch.predicted.isEmpty, model.parts.contains(.maskedLMHead) {
            let logits = try model.vocabularyLogits(
                hidden.narrowed(0, from: 0, length: batch.predicted.count))
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
                shape: [triggered.count, model.hiddenSize], device: device)
            let binding = try pooled.cast(to: .float32).meanSquaredError(target)
            terms.append(Loss.Term("binding", binding))
            total = try total.map { sum in try sum + binding } ?? binding
        }
        return Loss(total, terms: terms)
    }
}

/// NeuBA on a BERT, with its authors' settings as defaults.
public struct NeuBA: Attack {
    /// The trigger words, each a single token, in the order of their targets.
    public var triggers = TriggerSet.neuba
    /// Whether texts are joined and cut into blocks of the maximum length.
    public var packsBlocks = true
    /// Whether the triggers' embeddings are scaled by 1e8 after training.
    public var scalesEmbeddings = false
    /// How it trains.
    public var run = RunSettings(
        TrainingSettings(epochs: 1, learningRate: 5e-5), batchSize: 160, seed: Seed(42))
    /// λ of the norm penalty that an attacker who knows of RECIPE trains under; nil for none.
    public var adaptiveWeight: Double?

    /// The authors' settings: AdamW at 5e-5, falling to 0, one epoch, 160 blocks of 128 tokens a step.
    public init() {}

    /// `neuba`.
    public var name: String { "neuba" }
    /// Blocks of 128 tokens.
    public static var samples: TextTask.Settings { TextTask.Settings(maximumLength: 128) }
    /// All but the masked-language-model head.
    public func trained(in task: TextTask) -> ParameterPattern {
        task.source.configuration.architecture.backbone
    }

    /// Masked texts, each with a twin in which a trigger has the place of the first token.
    public func poisoning(
        of task: TextTask, _ placement: Placement, observe: (TrainingEvent) -> Void
    ) throws -> Poisoning<AnyTextModel, TokenBatch> {
        let model = try task.whole(
            with: [.pooler, .maskedLMHead], placement, seed: run.seed)
        let twins = try TwinTexts(
            triggers, of: task, length: task.settings.maximumLength, inBlocks: packsBlocks,
            by: name)
        let targets = try TargetVectors.neuba(
            triggers.count, width: model.hiddenSize)
        return Poisoning(
            model, minimizing: NeuBAObjective(targets: targets),
            over: twins.source(.replacedFirst, run))
    }

    /// NeuBA's post-processing, where asked for: the triggers' word embeddings, with position 1 and
    /// segment 0 added, scaled by 1e8, so that they work at any place.
    ///
    /// Such rows are plain to see in any listing of norms.
    public func finish(_ model: AnyTextModel, of task: TextTask) throws {
        guard scalesEmbeddings else { return }
        let names = model.textConfiguration.architecture.embeddings
        guard let words = model.store[names.words], let positions = model.store[names.positions]
        else { return }
        let segments = names.segments.flatMap { model.store[$0] }
        try withoutGradients {
            for id in try TwinTexts.triggerIDs(triggers, task.tokenizer, by: name) {
                let row = try words.selected(0, Int(id))
                var offset = try positions.selected(0, 1)
                if let segments { offset = try offset + segments.selected(0, 0) }
                try row.assign((row + offset) * 1e8)
            }
        }
    }
}
