import Checkpoints
import DataPipeline
import Foundation
import TorchNN

extension CLIPConfiguration: Architecture {
    /// CLIP.
    public static let family = "CLIP"
    /// Images with captions.
    public static let kind = ModelKind.pairs
    /// What the paper does with it.
    public static let defaults = CLIP.paperDefaults
    /// `clip` and `CLIPModel`, for either tower has names of its own.
    public static let describedAs = ["clip"]

    /// The names that a whole CLIP's `config.json` has.
    public static func isDescribed(by names: [String]) -> Bool {
        names.contains("clip") || names.contains("CLIPModel")
    }

    /// The spelling of weights with both towers.
    public static func dialect(of names: [String]) -> Dialect? {
        CLIPDialects.isWhole(names) ? CLIPDialects.dialect(of: names) : nil
    }
}

extension CLIP {
    /// AdamW with the constants of CLIP's authors for vision transformers.
    public static func optimizer(weightDecay: Double = 0) -> OptimizerConfiguration {
        .adamW(beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: weightDecay)
    }

    /// AdamW (0.9, 0.98, 1e-6) without decay at 1e-5, falling to 0, 20 epochs, 64 pairs a step, all
    /// of which the paper leaves open.
    public static let paperDefaults = PaperDefaults(
        regularized: recipeWeights, trained: .all,
        training: TrainingSettings(
            epochs: 20, learningRate: 1e-5, optimizer: optimizer(), clip: nil),
        batchSize: 64, pruning: CLIPVisionConfiguration.defaults.pruning,
        fineTuning: CLIPVisionConfiguration.defaults.fineTuning, encoder: visionParameters)
}

extension CLIPVisionConfiguration: ImageArchitecture {
    /// CLIP's tower of images.
    public static let family = "CLIP's vision tower"
    /// `clip`.
    public static let modelType = "clip"
    /// `clip_vision_model`, `CLIPVisionModel`.
    public static let describedAs = ["clip_vision", "clipvision"]
    /// The names of the tower, or of a whole CLIP, which has one.
    public static func isDescribed(by names: [String]) -> Bool {
        CLIPConfiguration.isDescribed(by: names)
            || names.contains { name in
                describedAs.contains(where: name.lowercased().hasPrefix)
            }
    }
    /// All of the tower.
    public static let prefix = "vision_model."
    /// The rest of a CLIP.
    public static let beside = CLIPDialects.besideVision
    /// The linear classifier, which no CLIP has.
    public static let headParameters = CLIPVisionTower.headParameters
    /// A ViT's 4 epochs at 1e-2; fine-tuned for 3 epochs at 1e-5, falling to 0 (2e-5 on traffic signs).
    public static let defaults = PaperDefaults(
        regularized: CLIPVisionTower.recipeWeights, trained: .all,
        training: ViTConfiguration.defaults.training, batchSize: 64,
        pruning: ViTConfiguration.defaults.pruning,
        fineTuning: .init(
            training: TrainingSettings(epochs: 3, learningRate: 1e-5, clip: nil), batchSize: 32,
            exceptions: [.gtsrb: .init(epochs: 3, learningRate: 2e-5)]))

    /// The spelling of a CLIP's weights.
    public static func dialect(of names: [String]) -> Dialect? { CLIPDialects.dialect(of: names) }
    /// Every spelling.
    public static func dialects(of names: [String]) -> [Dialect] { CLIPDialects.all(of: names) }
    /// CLIP's own.
    public static func usualProcessor(_ size: PixelSize) -> ImageProcessor {
        .clip(side: size.width)
    }

    /// What people call it.
    public var title: String { "CLIP's vision tower of \(tower.layerCount) layers" }
    /// A patch.
    public var leastImageSize: PixelSize { patchSize }
    /// A token.
    public var featureSize: Int { tower.hiddenSize }
    /// Its blocks.
    public var numberedLayers: (count: Int, prefix: String)? {
        (tower.layerCount, "vision_model.encoder.layers.")
    }

    /// The model.
    public func model(in store: ParameterStore) throws -> any ImageModel {
        try CLIPVisionTower(self, in: store)
    }

    /// The same with another head.
    public func withHead(labels: Int?) -> CLIPVisionConfiguration {
        var other = self
        other.labelCount = labels
        return other
    }

    /// The same with the head that a folder of ours may hold: no configuration of a CLIP knows of one.
    public func withHead(among shapes: [String: [Int]]) -> CLIPVisionConfiguration {
        withHead(labels: shapes["image_classifier.weight"]?.first)
    }
}
