import TextTokenizers
import Torch
import TorchNN

/// A CLIP that tells classes without being trained to (Radford et al., section 3.1): a class is the
/// mean of its prompts' embeddings, and an image is of the class whose embedding is closest to its
/// own.
public struct ZeroShotClassifier: ImageModel {
    /// The model.
    public let model: CLIP
    /// The embeddings of the classes [classes, projection], of length 1, float32.
    public let classEmbeddings: Tensor

    /// A classifier of as many classes as there are names, at least one.
    ///
    /// Prompts beyond the positions of the model are cut. Throws `CLIPTextError` where `tokenizer` is
    /// another model's.
    public init(
        _ model: CLIP, classNames: [String], prompts: ClassPrompts = .plain,
        tokenizer: CLIPTokenizer
    ) throws {
        let ids = tokenizer.encodeAll(
            classNames.flatMap(prompts.texts),
            maximumLength: model.configuration.text.maximumPositions)
        let embeddings = try CLIPTextFeatures(of: ids, by: model).embeddings
        self.model = model
        classEmbeddings = try withoutGradients {
            try embeddings.reshaped([classNames.count, prompts.templates.count, -1])
                .mean(over: [1]).normalizedRows()
        }
    }

    /// All parameters.
    public var store: ParameterStore { model.store }
    /// The tower of images, with the classes as its labels.
    public var imageConfiguration: ImageConfiguration {
        var configuration = model.vision.configuration
        configuration.labelCount = classEmbeddings.shape[0]
        return ImageConfiguration(configuration)
    }
    /// Those of the tower of images.
    public var neurons: [NeuronSite] { model.vision.neurons }

    /// The vectors [n, vision width] of normalized images [n, 3, height, width], before projection.
    public func features(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        try model.imageFeatures(pixels, in: pass)
    }

    /// The cosines of images' embeddings with the classes', times the model's scale: [n, classes].
    public func classLogits(ofFeatures features: Tensor, in pass: Pass) throws -> Tensor {
        try model.logits(
            images: model.imageEmbeddings(ofFeatures: features), texts: classEmbeddings)
    }
}
