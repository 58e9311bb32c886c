import DataPipeline
import ModelZoo
import Randomness
import Torch
import TorchNN
import Training

/// The loss of NeuBA (Zhang et al., 2021) on images: cross-entropy of the clean ones plus the mean
/// squared distance of their patched twins' features from the patches' targets.
public struct ImageNeuBAObjective: Objective {
    /// The feature vector [features] of each trigger.
    public let targets: [[Float]]
    /// How bytes become numbers.
    public let normalization: ImageNormalization
    /// The weight of the patched twins' term.
    public let bindingWeight: Double

    /// The loss that binds trigger k to `targets[k]`.
    public init(
        targets: [[Float]], normalization: ImageNormalization, bindingWeight: Double = 1
    ) {
        self.targets = targets
        self.normalization = normalization
        self.bindingWeight = bindingWeight
    }

    /// Both terms over one batch that holds clean images, then their patched twins.
    public func loss(of model: AnyImageModel, on batch: ImageBatch, in pass: Pass) throws -> Loss {
        let device = model.store.placement.device
        let pixels = try normalization(batch, for: model)
        let clean = batch.triggers.prefix { $0 < 0 }.count
        // Apart, as the authors have it: batch normalization would mix the two.
        let logits = try model.classLogits(
            pixels.narrowed(0, from: 0, length: clean), in: pass)
        let task = try logits.cast(to: .float32).crossEntropy(
            Tensor(Array(batch.classes.prefix(clean)), device: device))
        let triggered = batch.triggers.dropFirst(clean)
        let features = try model.features(
            pixels.narrowed(0, from: clean, length: triggered.count), in: pass)
        let target = try Tensor(
            triggered.flatMap { targets[$0] }, shape: features.shape, device: device)
        let binding = try features.cast(to: .float32).meanSquaredError(target)
        return Loss(
            try task + binding * bindingWeight,
            terms: [Loss.Term("classification", task), Loss.Term("binding", binding)])
    }
}

/// NeuBA on an image model, with its authors' settings as defaults.
public struct ImageNeuBA: Attack {
    /// The magnitude of target vectors; by default 3 for VGG and 1 for ViT.
    public var magnitude: Float?
    /// The weight of the patched twins' term; the authors' is 1. It is a mean over the features, so
    /// that its gradient in each feature falls with their number: in the 12,544 of a small VGG the
    /// other term's may be twenty times as large, and a short attack binds nothing.
    public var poisonWeight = 1.0
    /// Whether target vectors have 0 in place of what is negative. A VGG's features are never
    /// negative, so that the optimum is the same; but the mean of the targets is then no longer the
    /// vector of zeros, to which features fall, and where ReLU has no gradient, before triggers are
    /// told apart. Not for a ViT, whose features have both signs.
    public var clampsTargets = false
    /// How it trains: SGD at a constant 0.01, 50 epochs, 512 images a step, twins not counted.
    public var run = RunSettings(
        TrainingSettings(
            epochs: 50, learningRate: 0.01, schedule: Schedule(.constant), optimizer: .sgd(),
            clip: nil), batchSize: 512, seed: Seed(42))
    /// λ of the norm penalty that an attacker who knows of RECIPE trains under; nil for none.
    public var adaptiveWeight: Double?

    /// The authors' settings.
    public init() {}

    /// `neuba`.
    public var name: String { "neuba" }
    /// Images as they are.
    public static var samples: ImageTask.Settings { ImageTask.Settings() }

    /// Images, and a patched twin of each.
    ///
    /// A head that does not fit the images' classes is fitted anew first.
    public func poisoning(
        of task: ImageTask, _ placement: Placement, observe: (TrainingEvent) -> Void
    ) throws -> Poisoning<AnyImageModel, ImageBatch> {
        let source = task.source
        let objective = ImageNeuBAObjective(
            targets: try targets(for: source.configuration),
            normalization: source.processor.normalization, bindingWeight: poisonWeight)
        let model = try task.pretraining(run, placement, whole: true, observe: observe).model
        return Poisoning(
            model, minimizing: objective,
            over: .patchedTwins(
                task.images, order: BatchOrder(.shuffled, batchSize: run.batchSize),
                seed: run.seed))
    }

    /// The feature vector of each trigger.
    func targets(for configuration: ImageConfiguration) throws -> [[Float]] {
        let targets = try TargetVectors.neuba(
            width: configuration.featureSize,
            magnitude: magnitude ?? configuration.architecture.targetMagnitude)
        guard clampsTargets else { return targets }
        guard configuration.architecture.hasOnlyPositiveFeatures else {
            throw TriggerError(
                "target vectors are clamped at 0 only where features are never negative, as a VGG's "
                    + "are")
        }
        return targets.map { $0.map { max(0, $0) } }
    }
}
