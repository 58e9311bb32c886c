import Torch
import TorchNN

/// One convolution of a VGG with its normalization, where it has one.
struct VGGBlock {
    let convolution: Conv2d
    let norm: BatchNorm2d?
    /// The channels, rows of the convolution's weight and of its normalization's.
    let neurons: NeuronSite

    init(
        _ inputs: Int, _ outputs: Int, index: Int, batchNorm: Bool, at scope: Scope
    ) throws {
        // As torchvision begins: He et al., by the fan-out.
        let deviation = (2 / (9 * Double(outputs))).squareRoot()
        convolution = try Conv2d(
            inputs, outputs, window: 3, padding: 1, weight: .normal(deviation: deviation),
            at: scope[index])
        norm = batchNorm ? try BatchNorm2d(outputs, at: scope[index + 1]) : nil
        // What normalization adds to a channel of zeros is not zero: the channel owns that, too.
        let layers = [index] + (batchNorm ? [index + 1] : [])
        neurons = NeuronSite(
            name: scope.name(String(index)), count: outputs, activation: .relu,
            parameters: layers.flatMap { layer in
                ["weight", "bias"].map { scope[layer].name($0) }
            })
    }

    /// Maps [n, inputs, h, w] to [n, outputs, h, w], or half of that where it `pools`.
    func callAsFunction(_ x: Tensor, pools: Bool, in pass: Pass) throws -> Tensor {
        var maps = try convolution(x)
        if let norm { maps = try norm(maps, in: pass) }
        if pass.recorder != nil {
            _ = try pass.recording(maps.permuted([0, 2, 3, 1]), at: neurons)
        }
        // ReLU does not change which value is the greatest, so it comes after the pool, to a
        // quarter of the values: the same result and the same gradients as torchvision's order.
        if pools { maps = try maps.maxPooled(window: 2, stride: 2) }
        // A recorder may keep what it was shown.
        return pass.recorder == nil ? try maps.reluInPlace() : try maps.relu()
    }
}

/// What turns features into scores.
enum VGGHead {
    case linear(Linear)
    case torchvision(Linear, Linear, Linear, dropout: Double)

    init?(_ configuration: VGGConfiguration, at root: Scope) throws {
        let size = configuration.featureSize
        let initial = Initializer.normal(deviation: 0.01)
        let scope = root["classifier"]
        switch configuration.head {
        case .none: return nil
        case .linear(let labels):
            self = .linear(try Linear(size, labels, at: root["fc"]))
        case .torchvision(let labels, let width):
            self = .torchvision(
                try Linear(size, width, weight: initial, at: scope[0]),
                try Linear(width, width, weight: initial, at: scope[3]),
                try Linear(width, labels, weight: initial, at: scope[6]),
                dropout: configuration.dropout)
        }
    }

    func callAsFunction(_ features: Tensor, in pass: Pass) throws -> Tensor {
        switch self {
        case .linear(let layer): return try layer(features)
        case .torchvision(let first, let second, let last, let dropout):
            let hidden = try pass.dropout(first(features).reluInPlace(), dropout)
            return try last(pass.dropout(second(hidden).reluInPlace(), dropout))
        }
    }
}

/// A VGG: stages of convolutions, each half the size of the one before (Simonyan and Zisserman).
public struct VGG: ImageModel {
    /// The shape.
    public let configuration: VGGConfiguration
    /// All parameters, and the buffers of batch normalization.
    public let store: ParameterStore
    let stages: [[VGGBlock]]
    let head: VGGHead?

    /// A model whose parameters come from `store`'s source, under torchvision's names.
    public init(_ configuration: VGGConfiguration, in store: ParameterStore) throws {
        let scope = store.root["features"]
        self.configuration = configuration
        self.store = store
        var stages: [[VGGBlock]] = []
        var inputs = 3
        for (indices, outputs) in zip(configuration.convolutionIndices, configuration.channels) {
            var blocks: [VGGBlock] = []
            for index in indices {
                blocks.append(
                    try VGGBlock(
                        inputs, outputs, index: index, batchNorm: configuration.batchNorm,
                        at: scope))
                inputs = outputs
            }
            stages.append(blocks)
        }
        self.stages = stages
        head = try VGGHead(configuration, at: store.root)
    }

    /// The weights RECIPE shrinks in a VGG without batch normalization: those of all convolutions
    /// (paper, appendix A).
    public static let recipeWeights: ParameterPattern = "features.*.weight"

    /// `fc`, or torchvision's `classifier`.
    public static let headParameters = ParameterPattern(["fc.**", "classifier.**"])

    /// Which model it is.
    public var imageConfiguration: ImageConfiguration { ImageConfiguration(configuration) }
    /// The channels of every convolution: a pass shows [n, height, width, channels] before ReLU.
    public var neurons: [NeuronSite] { stages.flatMap { $0.map(\.neurons) } }

    /// The last stage's maps, averaged to 7 × 7 places and flattened channel by channel:
    /// [n, 49 · channels] of [n, 3, height, width], at least 32 × 32.
    public func features(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        var x = try checked(pixels, minimum: PixelSize(32, 32))
        for stage in stages {
            for (index, block) in stage.enumerated() {
                x = try block(x, pools: index == stage.count - 1, in: pass)
            }
        }
        return try x.averagePooled(toHeight: 7, width: 7).flattened(from: 1)
    }

    /// The head's scores [n, labels] of feature vectors.
    public func classLogits(ofFeatures features: Tensor, in pass: Pass) throws -> Tensor {
        guard let head else { throw ImageModelError.noHead }
        return try head(features, in: pass)
    }
}
