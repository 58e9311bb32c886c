import Torch
import TorchNN

/// CLIP's tower of images: a vision transformer that normalizes once more before its blocks, and
/// whose feature is the normalized class token, before any projection.
///
/// Fine-tuning puts a linear head on its features, under a name of its own that no CLIP has:
/// `image_classifier`.
public struct CLIPVisionTower: ImageModel {
    /// The sizes and constants.
    public let configuration: CLIPVisionConfiguration
    /// All parameters; where the tower is part of a CLIP, that one's.
    public let store: ParameterStore
    let embeddings: PatchEmbeddings
    let normBefore: LayerNorm
    let tower: PreNormTower
    let classifier: Linear?

    /// A tower whose parameters come from `store`'s source, under transformers' names.
    ///
    /// Fresh ones are drawn as transformers draws them: the class token with deviation 1/√width,
    /// patches and positions with `initializerRange`, matrices as `PreNormShape` says.
    public init(_ configuration: CLIPVisionConfiguration, in store: ParameterStore) throws {
        let scope = store.root["vision_model"]
        let (shape, grid) = (configuration.tower.shape, configuration.grid)
        self.configuration = configuration
        self.store = store
        let part = scope["embeddings"]
        let initial = Initializer.normal(deviation: configuration.initializerRange)
        let deviation = CLIPConfiguration.Tower.deviation(shape.width)
        embeddings = PatchEmbeddings(
            classToken: try part.parameter(
                "class_embedding", [shape.width], .normal(deviation: deviation)),
            positions: try part["position_embedding"].parameter(
                "weight", [grid.tokenCount, shape.width], initial),
            projection: Linear(
                weight: try part["patch_embedding"].parameter(
                    "weight", [shape.width, 3, grid.patchSize.height, grid.patchSize.width],
                    initial),
                bias: nil),
            grid: grid)
        // So spelled in every checkpoint.
        normBefore = try LayerNorm(shape.width, epsilon: shape.epsilon, at: scope["pre_layrnorm"])
        tower = try PreNormTower(
            shape, .clip, at: scope["encoder"]["layers"],
            norm: LayerNorm(shape.width, epsilon: shape.epsilon, at: scope["post_layernorm"]))
        classifier = try configuration.labelCount.map {
            try Linear(
                shape.width, $0, weight: .normal(deviation: deviation),
                at: store.root["image_classifier"])
        }
    }

    /// The weights RECIPE shrinks: fc1, fc2, and those of query, key and value of every block
    /// (paper, appendix A).
    public static let recipeWeights = ParameterPattern(
        ["mlp.fc1", "mlp.fc2", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"].map {
            "vision_model.encoder.layers.*.\($0).weight"
        })

    /// The linear classifier, which no CLIP has.
    public static let headParameters: ParameterPattern = "image_classifier.**"

    /// Which model it is.
    public var imageConfiguration: ImageConfiguration { ImageConfiguration(configuration) }
    /// The feed-forward neurons of every block: a pass shows [n · tokens, neurons], image by image
    /// and the class token first; in the last block [n, neurons], the class tokens.
    public var neurons: [NeuronSite] { tower.layers.map(\.neurons) }

    /// The class token of the last block, normalized [n, hidden]: transformers' `pooler_output`.
    ///
    /// Images of another size than the model's have its position embeddings drawn to their grid.
    public func features(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        let tokens = try embeddings(checked(pixels, minimum: configuration.patchSize))
        let sequences = try PackedSequences.images(
            tokens.shape[0], of: tokens.shape[1], firstOnly: true, device: tokens.device)
        return try tower(
            normBefore(tokens.flattened(from: 0, to: 1)), sequences, in: pass
        ).normalized
    }

    /// The head's scores [n, labels] of feature vectors.
    public func classLogits(ofFeatures features: Tensor, in pass: Pass) throws -> Tensor {
        guard let classifier else { throw ImageModelError.noHead }
        return try classifier(features)
    }
}
