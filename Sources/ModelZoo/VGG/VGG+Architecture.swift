import Checkpoints
import Foundation
import TorchNN

extension VGGConfiguration: ImageArchitecture {
    /// VGG.
    public static let family = "VGG"
    /// `vgg`.
    public static let modelType = "vgg"
    /// `vgg`, timm's `vgg16`, `VGGForImageClassification`.
    public static let describedAs = ["vgg"]
    /// Convolutions are in `features`.
    public static let prefix = "features."
    /// `fc`, or torchvision's `classifier`.
    public static let headParameters = VGG.headParameters
    /// 3: a VGG's features may be large.
    public static let targetMagnitude: Float = 3
    /// Features are behind a ReLU.
    public static let hasOnlyPositiveFeatures = true
    /// A neuron is a channel.
    public static let isConvolutional = true
    /// 10 epochs of SGD without momentum or clipping at a constant 1e-3, which the paper leaves open.
    public static let defaults = PaperDefaults(
        regularized: VGG.recipeWeights, trained: .all,
        training: TrainingSettings(
            epochs: 10, learningRate: 1e-3, schedule: Schedule(.constant), optimizer: .sgd(),
            clip: nil), batchSize: 64,
        pruning: .init(
            keptInLastLayer: 1, moderate: .init(512, of: 4224), aggressive: .init(600, of: 4224),
            statistic: .post), fineTuning: .images)

    /// The spelling of a VGG's weights.
    public static func dialect(of names: [String]) -> Dialect? { VGGDialects.dialect(of: names) }
    /// Every spelling.
    public static func dialects(of names: [String]) -> [Dialect] { VGGDialects.all(of: names) }

    /// Reads the model off its weights.
    public init(inferredFrom shapes: [String: [Int]], dialect: Dialect, at url: URL) throws {
        try self.init(inferredFrom: shapes, at: url)
    }

    /// What people call it.
    public var title: String { "VGG-\(depth.rawValue)\(batchNorm ? " with batch norm" : "")" }
    /// Each of five stages halves rows and columns.
    public var leastImageSize: PixelSize { PixelSize(32, 32) }
    /// Convolutions are numbered, but not in a row.
    public var numberedLayers: (count: Int, prefix: String)? { nil }

    /// Its own, with the weights of convolutions alone where there is batch normalization.
    public var paperDefaults: PaperDefaults {
        var defaults = Self.defaults
        defaults.regularized = recipeWeights
        return defaults
    }

    /// The model.
    public func model(in store: ParameterStore) throws -> any ImageModel {
        try VGG(self, in: store)
    }

    /// The same with another head.
    public func withHead(labels: Int?) -> VGGConfiguration {
        var other = self
        other.head = labels.map { .linear(labels: $0) } ?? .none
        return other
    }

    /// The same without a head that is not among the weights.
    public func withHead(among shapes: [String: [Int]]) -> VGGConfiguration {
        let isHeld =
            switch head {
            case .none: true
            case .linear: shapes["fc.weight"] != nil
            case .torchvision: shapes["classifier.6.weight"] != nil
            }
        return isHeld ? self : withHead(labels: nil)
    }
}
