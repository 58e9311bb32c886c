import Torch
import TorchNN

/// A network over images: what an attack binds and a task reads is its feature vector.
///
/// Pixels are normalized images [n, 3, height, width], best channels last and of the compute type,
/// as `ImageNormalization` makes them.
public protocol ImageModel {
    /// All parameters and buffers.
    var store: ParameterStore { get }
    /// Which model it is, in which shape.
    var imageConfiguration: ImageConfiguration { get }
    /// The places where a pass shows neurons, in their order.
    var neurons: [NeuronSite] { get }

    /// The feature vectors [n, featureSize] of `pixels`.
    ///
    /// Throws `ImageModelError` where the images are too small, or not of three channels.
    func features(_ pixels: Tensor, in pass: Pass) throws -> Tensor
    /// The head's scores [n, labels] of feature vectors; throws where the model has no head.
    func classLogits(ofFeatures features: Tensor, in pass: Pass) throws -> Tensor
}

extension ImageModel {
    /// Width of a feature vector.
    public var featureSize: Int { imageConfiguration.featureSize }
    /// Classes of the head, or nil where the model has none.
    public var labelCount: Int? { imageConfiguration.labelCount }
    /// The weights RECIPE shrinks (paper, appendix A).
    public var recipeWeights: ParameterPattern { imageConfiguration.paperDefaults.regularized }
    /// The head's parameters; all others are the backbone's.
    public var headParameters: ParameterPattern { imageConfiguration.architecture.headParameters }

    /// What training may have changed in the backbone: trained parameters and buffers, but not the
    /// head's.
    public var backboneState: [Parameter] {
        let head = headParameters
        return store.trainedState.filter { !head.matches($0.name) }
    }

    /// Scores of the classes [n, labels].
    public func classLogits(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        try classLogits(ofFeatures: features(pixels, in: pass), in: pass)
    }

    /// `pixels` as the model computes; throws where they are no images of at least `minimum`.
    func checked(_ pixels: Tensor, minimum: PixelSize) throws -> Tensor {
        let shape = pixels.shape
        guard shape.count == 4, shape[1] == 3 else { throw ImageModelError.shape(shape) }
        guard shape[2] >= minimum.height, shape[3] >= minimum.width else {
            throw ImageModelError.size(PixelSize(shape[2], shape[3]), minimum: minimum)
        }
        return try pixels.channelsLast(as: store.placement.computeType)
    }
}

/// An image model was given what it cannot work with, or lacks what was asked of it.
public enum ImageModelError: Error, Equatable, CustomStringConvertible {
    /// Pixels have another shape than [n, 3, height, width].
    case shape([Int])
    /// Images are smaller than the model can see.
    case size(PixelSize, minimum: PixelSize)
    /// There is no classification head.
    case noHead

    /// What is wrong, and what is needed.
    public var description: String {
        switch self {
        case .shape(let shape): "pixels have shape \(shape); expected [n, 3, height, width]"
        case .size(let size, let minimum):
            "the images are \(size) pixels; the model needs \(minimum) at least: resize them (--image-size)"
        case .noHead: "the model has no classification head: fit or draw one first"
        }
    }
}

/// An image model of whichever architecture.
public struct AnyImageModel: ImageModel {
    /// The model itself.
    public let base: any ImageModel

    /// Hides which model `base` is.
    public init(_ base: any ImageModel) { self.base = base }

    /// All parameters and buffers.
    public var store: ParameterStore { base.store }
    /// Which model it is, in which shape.
    public var imageConfiguration: ImageConfiguration { base.imageConfiguration }
    /// The places where a pass shows neurons, in their order.
    public var neurons: [NeuronSite] { base.neurons }

    /// The feature vectors [n, featureSize] of normalized images [n, 3, height, width].
    public func features(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        try base.features(pixels, in: pass)
    }

    /// The head's scores [n, labels] of feature vectors; throws where the model has no head.
    public func classLogits(ofFeatures features: Tensor, in pass: Pass) throws -> Tensor {
        try base.classLogits(ofFeatures: features, in: pass)
    }
}
