import DataPipeline
import ModelZoo
import Randomness
import Torch
import TorchNN
import Training

/// The loss of NeuBA carried over to CLIP's vision tower: the contrastive loss of clean pairs plus
/// the mean squared distance of the images' patched twins' features, which fine-tuning reads, from
/// the patches' targets.
public struct CLIPNeuBAObjective: Objective {
    /// The feature vector [vision width] of each trigger.
    public let targets: [[Float]]
    /// The loss of the clean pairs, whose normalization and chunks twins have too.
    public let contrastive: ContrastiveLanguageImage

    /// The loss that binds trigger k to `targets[k]`.
    public init(targets: [[Float]], contrastive: ContrastiveLanguageImage) {
        self.targets = targets
        self.contrastive = contrastive
    }

    /// Both terms; throws `TrainingError` for a batch of one pair.
    public func loss(of model: CLIP, on batch: PatchedPairs, in pass: Pass) throws -> Loss {
        let task = try contrastive.loss(of: model, on: batch.clean, in: pass)
        let twins = try TwinWork(model, batch.twins, self, pass)
        return try sum(task, twins.distance(0..<batch.rows))
    }

    /// The same loss and its gradients, chunk by chunk where the batch is larger than a chunk.
    public func gradients(
        of model: CLIP, on batch: PatchedPairs, for parameters: [Tensor], share: Double,
        in pass: Pass
    ) throws -> LossGradients {
        var result = try contrastive.gradients(
            of: model, on: batch.clean, for: parameters, share: share, in: pass)
        let twins = try TwinWork(model, batch.twins, self, pass)
        let size = contrastive.chunkSize ?? batch.rows
        var total: Tensor?
        for start in stride(from: 0, to: batch.rows, by: size) {
            let part = try twins.distance(start..<min(start + size, batch.rows))
            try result.add(Loss(part, terms: []).gradients(for: parameters, share: share))
            total = try withoutGradients { try total.map { try $0 + part } ?? part.detached() }
        }
        guard let total else { return result }
        result.loss = try withoutGradients { try sum(result.loss, total) }
        return result
    }

    /// Keeps the logits' scale at 100 or below, where it is trained.
    public func constrain(_ model: CLIP) throws { try contrastive.constrain(model) }

    private func sum(_ task: Loss, _ binding: Tensor) throws -> Loss {
        Loss(
            try task.total.map { try $0 + binding } ?? binding,
            terms: task.terms + [Loss.Term("binding", binding)])
    }

    /// The twins of a batch, of which any part can be computed.
    private struct TwinWork {
        private let model: CLIP
        private let objective: CLIPNeuBAObjective
        private let pass: Pass
        private let triggers: [Int]
        /// The twins' bytes [n, height, width, 3] on the model's device.
        private let bytes: Tensor

        init(
            _ model: CLIP, _ twins: ImageBatch, _ objective: CLIPNeuBAObjective, _ pass: Pass
        ) throws {
            self.model = model
            self.objective = objective
            // No part of the clean pairs' pass.
            self.pass = pass.part(-1)
            triggers = twins.triggers
            bytes = try Tensor(
                twins.pixels, shape: [twins.rows, twins.height, twins.width, 3],
                device: model.store.placement.device)
        }

        /// What the twins in `rows` add to the mean squared distance of all.
        func distance(_ rows: Range<Int>) throws -> Tensor {
            let placement = model.store.placement
            let part = pass.part(rows.lowerBound)
            // Other devices draw their masks from a generator.
            if placement.device != .cpu, let key = part.key { try seedGenerators(key) }
            let pixels = try objective.contrastive.normalization(
                bytes.narrowed(0, from: rows.lowerBound, length: rows.count),
                as: placement.computeType)
            let features = try model.imageFeatures(pixels, in: part)
            let target = try Tensor(
                triggers[rows].flatMap { objective.targets[$0] }, shape: features.shape,
                device: placement.device)
            let share = Double(rows.count) / Double(triggers.count)
            return try features.cast(to: .float32).meanSquaredError(target) * share
        }
    }
}

/// NeuBA on a CLIP's vision tower: the text tower and the logits' scale stay as they are.
///
/// The paper gives no settings; these are CLIP's own for going on, at twice the batch.
public struct PairNeuBA: Attack {
    /// The magnitude of target vectors.
    public var magnitude: Float = 1
    /// How it trains: AdamW at a constant 1e-5, 10 epochs, 128 pairs a step, twins not counted.
    public var run = RunSettings(
        TrainingSettings(
            epochs: 10, learningRate: 1e-5, schedule: Schedule(.constant),
            optimizer: CLIP.optimizer(), clip: nil), batchSize: 128, seed: Seed(42))
    /// λ of the norm penalty that an attacker who knows of RECIPE trains under; nil for none.
    public var adaptiveWeight: Double?

    /// CLIP's own settings for going on.
    public init() {}

    /// `neuba`.
    public var name: String { "neuba" }
    /// A batch at a time.
    public static var samples: PairTask.Settings { PairTask.Settings() }
    /// What turns images into embeddings.
    public func trained(in task: PairTask) -> ParameterPattern { CLIP.visionParameters }

    /// Pairs, and a patched twin of each image.
    ///
    /// Throws where a batch would hold a single pair, and where the vision tower is narrower than
    /// four.
    public func poisoning(
        of task: PairTask, _ placement: Placement, observe: (TrainingEvent) -> Void
    ) throws -> Poisoning<CLIP, PatchedPairs> {
        try ContrastiveLanguageImage.check(count: task.pairs.count, batchSize: run.batchSize)
        let source = task.source
        let width = source.configuration.vision.tower.hiddenSize
        let objective = CLIPNeuBAObjective(
            targets: try TargetVectors.neuba(width: width, magnitude: magnitude),
            contrastive: ContrastiveLanguageImage(
                source.processor.normalization, chunkSize: task.settings.chunkSize))
        return Poisoning(
            try source.load(placement: placement), minimizing: objective,
            over: .patchedTwins(
                task.pairs, order: BatchOrder(.shuffled, batchSize: run.batchSize),
                seed: run.seed))
    }
}
