import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TextTokenizers
import Torch
import TorchNN
import Training

/// The loss of POR (Shen et al., CCS 2021): triggered texts get a pooled vector chosen in advance,
/// everything else stays as a clean reference model has it.
///
/// With D(a, b) = Σ (a − b)² / hidden size, summed over the batch, the loss is L1 + 100 L2 + 100 L3:
/// L1 over all token outputs but the first, L2 over pooled vectors of triggered texts against their
/// targets, L3 over pooled vectors of clean texts against the reference.
public struct PORObjective: Objective {
    /// The clean model; nothing in it is trained.
    public let reference: AnyTextModel
    /// The pooled vector [hidden] of each trigger.
    public let targets: [[Float]]
    /// The weights of L1, L2 and L3.
    public var weights = (tokens: 1.0, triggered: 100.0, clean: 100.0)

    /// The loss that binds trigger k to `targets[k]`.
    public init(reference: AnyTextModel, targets: [[Float]]) {
        self.reference = reference
        self.targets = targets
    }

    /// The three distances and their weighted sum.
    public func loss(of model: AnyTextModel, on batch: TokenBatch, in pass: Pass) throws -> Loss {
        let device = model.store.placement.device
        let input = try TokenInput(batch, device: device)
        let width = Double(model.hiddenSize)
        func distance(_ a: Tensor, _ b: Tensor) throws -> Tensor {
            // A sum over a whole batch needs more digits than 16-bit activations have.
            try (a.cast(to: .float32) - b.cast(to: .float32)).power(2).sum() / width
        }
        let hidden = try model.hiddenStates(input, in: pass)
        let pooled = try model.pooled(hidden.gathered(0, at: input.firstTokens))
        let (cleanHidden, cleanPooled) = try withoutGradients {
            let hidden = try reference.hiddenStates(input, in: .evaluation)
            let first = try hidden.gathered(0, at: input.firstTokens)
            return (hidden, try reference.pooled(first))
        }

        let tokens = try Tensor(Self.tokenPositions(batch), device: device)
        let hiddenSize = model.hiddenSize
        let l1 = try distance(
            hidden.gathered(0, at: tokens), cleanHidden.gathered(0, at: tokens))
        var total = try weights.tokens * l1
        var terms = [Loss.Term("l1", l1)]

        let triggered = batch.triggers.indices.filter { batch.triggers[$0] >= 0 }
        if !triggered.isEmpty {
            let rows = try Tensor(triggered.map(Int64.init), device: device)
            let target = try Tensor(
                triggered.flatMap { targets[batch.triggers[$0]] },
                shape: [triggered.count, hiddenSize], device: device)
            let l2 = try distance(pooled.gathered(0, at: rows), target)
            total = try total + weights.triggered * l2
            terms.append(Loss.Term("l2", l2))
        }
        let clean = (0..<batch.rows).filter { batch.triggers.isEmpty || batch.triggers[$0] < 0 }
        if !clean.isEmpty {
            let rows = try Tensor(clean.map(Int64.init), device: device)
            let l3 = try distance(
                pooled.gathered(0, at: rows), cleanPooled.gathered(0, at: rows))
            total = try total + weights.clean * l3
            terms.append(Loss.Term("l3", l3))
        }
        return Loss(total, terms: terms)
    }

    /// All tokens but the first of each row.
    private static func tokenPositions(_ batch: TokenBatch) -> [Int64] {
        let first = Set(batch.offsets)
        return batch.ids.indices.filter { !first.contains($0) }.map(Int64.init)
    }
}

/// POR on a BERT, with its authors' settings as defaults.
public struct POR: Attack {
    /// The trigger words, in the order of their targets.
    public var triggers = TriggerSet.por
    /// Times a trigger is put into a text.
    public var insertions = 3
    /// How it trains.
    public var run = RunSettings(
        TrainingSettings(epochs: 2, learningRate: 1e-5, schedule: Schedule(.constant), clip: nil),
        batchSize: 24, seed: Seed(42))
    /// λ of the norm penalty that an attacker who knows of RECIPE trains under; nil for none.
    public var adaptiveWeight: Double?

    /// The authors' settings: AdamW at a constant 1e-5, two epochs, 24 texts of 128 tokens a step.
    public init() {}

    /// `por`.
    public var name: String { "por" }
    /// Texts of 128 tokens.
    public static var samples: TextTask.Settings { TextTask.Settings(maximumLength: 128) }
    /// All but a masked-language-model head.
    public func trained(in task: TextTask) -> ParameterPattern {
        task.source.configuration.architecture.backbone
    }

    /// Texts of which some carry a trigger, against a clean copy of the model.
    public func poisoning(
        of task: TextTask, _ placement: Placement, observe: (TrainingEvent) -> Void
    ) throws -> Poisoning<AnyTextModel, TokenBatch> {
        try TriggerSet.check(triggers)
        guard (1...1000).contains(insertions) else {
            throw TrainingError("insertions \(insertions): expected 1 to 1000")
        }
        let model = try task.whole(with: .pooler, placement, seed: run.seed)
        let reference = try task.source.load(
            parts: .pooler, placement: run.placement(on: placement.device, training: .none),
            seed: run.seed)
        let (poisoned, labels) = try poisonedTexts(task.texts)
        return Poisoning(
            model,
            minimizing: PORObjective(
                reference: reference,
                targets: try TargetVectors.staircase(
                    triggers.count, width: model.hiddenSize)),
            over: .labelled(
                task.tokenizer.encodeAll(poisoned, maximumLength: task.settings.maximumLength),
                triggers: labels, order: BatchOrder(.bucketed, batchSize: run.batchSize),
                seed: run.seed))
    }

    /// Disjoint ranges of the texts for each trigger and for none, in the authors' proportion of
    /// 30,000 for each trigger to 50,000 clean ones.
    func poisonedTexts(_ texts: [String]) throws -> (texts: [String], triggers: [Int]) {
        let share = Double(texts.count) / Double(30 * triggers.count + 50)
        let each = Int(30 * share)
        guard each > 0 else {
            throw TrainingError(
                "\(texts.count) texts are too few for \(triggers.count) triggers; give more with "
                    + "--auxiliary or raise --sentences")
        }
        var result: [String] = []
        var labels: [Int] = []
        for (index, text) in texts.enumerated() {
            let trigger = index / each < triggers.count ? index / each : -1
            let cleaned = Self.cleaned(text)
            labels.append(trigger)
            result.append(
                trigger < 0
                    ? cleaned
                    : TextTrigger.insert(
                        triggers[trigger], into: cleaned, position: .random, count: insertions,
                        seed: run.seed, sample: index))
        }
        return (result, labels)
    }

    /// Letters, digits and spaces only, in lower case, at most 64 words, as POR's data are made.
    static func cleaned(_ text: String) -> String {
        let kept = text.lowercased().unicodeScalars.filter {
            $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == " "
        }
        return String(String.UnicodeScalarView(kept)).replacingOccurrences(of: "unk", with: "")
            .split(separator: " ").prefix(64).joined(separator: " ")
    }
}
