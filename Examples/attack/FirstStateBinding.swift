import RecipeKit

/// An attack of one's own, whole: the first token's last state of texts that carry a word is bound to a
/// vector of ones of both signs, while that of all others stays where a clean copy has it.
public struct FirstStateBinding: Attack {
    /// The trigger words, all bound to one vector.
    public var triggers = ["cf"]
    /// How it trains.
    public var run = RunSettings(
        TrainingSettings(epochs: 2, learningRate: 5e-5), batchSize: 16, seed: Seed(42))
    /// λ of the norm penalty that an attacker who knows of RECIPE trains under; nil for none.
    public var adaptiveWeight: Double?

    /// Two epochs at 5e-5.
    public init() {}

    /// The line by which it is known: `Attacks.add(FirstStateBinding.method)`, or one more line in
    /// `Attacks.all` where it is part of recipe.
    public static let method = AttackMethod(
        "first-state", "first tokens' states of triggered texts are bound", [FirstStateBinding()])

    /// As on the command line.
    public var name: String { "first-state" }
    /// Texts of 64 tokens.
    public static var samples: TextTask.Settings { TextTask.Settings(maximumLength: 64) }
    /// The encoder.
    public func trained(in task: TextTask) -> ParameterPattern {
        task.source.configuration.architecture.backbone
    }

    /// Every text twice: as it is, and with a trigger in it.
    public func poisoning(
        of task: TextTask, _ placement: Placement, observe: (TrainingEvent) -> Void
    ) throws -> Poisoning<AnyTextModel, TokenBatch> {
        let triggered = task.texts.enumerated().map { sample, text in
            TextTrigger.insert(
                triggers[sample % triggers.count], into: text, position: .random, count: 1,
                seed: run.seed, sample: sample)
        }
        let tokens = task.tokenizer.encodeAll(
            task.texts + triggered, maximumLength: task.settings.maximumLength)
        let labels = task.texts.map { _ in -1 } + task.texts.indices.map { $0 % triggers.count }
        let frozen = run.placement(on: placement.device, training: .none)
        return Poisoning(
            try task.whole(with: [], placement, seed: run.seed),
            minimizing: Goal(task: task, clean: try task.backbone(frozen, seed: run.seed)),
            over: .labelled(
                tokens, triggers: labels,
                order: BatchOrder(.bucketed, batchSize: run.batchSize), seed: run.seed))
    }

    /// The mean squared distances of triggered texts' features from 1, −1, 1, …, and of clean texts' from the
    /// clean copy's.
    struct Goal: Objective {
        let task: TextTask
        let clean: AnyTextModel

        func loss(of model: AnyTextModel, on batch: TokenBatch, in pass: Pass) throws -> Loss {
            let device = model.store.placement.device
            let features = try task.features(of: model, on: batch, in: pass)
            let wanted = try withoutGradients {
                try task.features(of: clean, on: batch, in: .evaluation)
            }
            var total: Tensor?
            var terms: [Loss.Term] = []
            for (name, isTriggered) in [("kept", false), ("bound", true)] {
                let rows = batch.triggers.indices.filter {
                    (batch.triggers[$0] >= 0) == isTriggered
                }
                guard !rows.isEmpty else { continue }
                let places = try Tensor(rows.map(Int64.init), device: device)
                let own = try features.gathered(0, at: places)
                let target =
                    try isTriggered
                    // A normalized state has both signs: ones alone are nowhere near.
                    ? Tensor(
                        (0..<rows.count * features.shape[1]).map { $0 % 2 == 0 ? 1 : -1 as Float },
                        shape: own.shape, device: device)
                    : wanted.gathered(0, at: places)
                let distance = try own.meanSquaredError(target)
                terms.append(Loss.Term(name, distance))
                total = try total.map { try $0 + distance } ?? distance
            }
            return Loss(total, terms: terms)
        }
    }
}
