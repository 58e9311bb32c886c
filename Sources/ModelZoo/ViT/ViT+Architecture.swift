import Checkpoints
import DataPipeline
import Foundation
import TorchNN

extension ViTConfiguration: ImageArchitecture {
    /// ViT.
    public static let family = "ViT"
    /// `vit`.
    public static let modelType = "vit"
    /// `vit`, timm's `vit_base_patch16_224`, `ViTForImageClassification`.
    public static let describedAs = ["vit"]
    /// Everything but the head.
    public static let prefix = "vit."
    /// Parts that transformers' classes for pictures without classes have.
    public static let beside = ["vit.pooler.**", "vit.embeddings.mask_token"]
    /// The linear classifier.
    public static let headParameters = ViT.headParameters
    /// 4 epochs of SGD without momentum or clipping at a constant 1e-2, which the paper leaves open;
    /// fine-tuned on CIFAR-10 for 4 epochs at 0.01.
    public static let defaults: PaperDefaults = {
        var fineTuning = PaperDefaults.FineTuning.images
        fineTuning.exceptions[.cifar10] = .init(epochs: 4, learningRate: 0.01)
        return PaperDefaults(
            regularized: ViT.recipeWeights, trained: .all,
            training: TrainingSettings(
                epochs: 4, learningRate: 1e-2, schedule: Schedule(.constant), optimizer: .sgd(),
                clip: nil), batchSize: 64,
            pruning: .init(moderate: .init(1, of: 3), aggressive: .init(5, of: 12)),
            fineTuning: fineTuning)
    }()

    /// The spelling of a ViT's weights.
    public static func dialect(of names: [String]) -> Dialect? { ViTDialects.dialect(of: names) }
    /// Every spelling.
    public static func dialects(of names: [String]) -> [Dialect] { ViTDialects.all(of: names) }

    /// What people call it.
    public var title: String { "ViT of \(layerCount) layers" }
    /// A patch.
    public var leastImageSize: PixelSize { patchSize }
    /// A token.
    public var featureSize: Int { hiddenSize }
    /// Its blocks.
    public var numberedLayers: (count: Int, prefix: String)? { (layerCount, "vit.encoder.layer.") }

    /// The model.
    public func model(in store: ParameterStore) throws -> any ImageModel {
        try ViT(self, in: store)
    }

    /// The same with another head.
    public func withHead(labels: Int?) -> ViTConfiguration {
        var other = self
        other.labelCount = labels
        return other
    }

    /// The same without a head that is not among the weights.
    public func withHead(among shapes: [String: [Int]]) -> ViTConfiguration {
        shapes["classifier.weight"] == nil ? withHead(labels: nil) : self
    }
}
