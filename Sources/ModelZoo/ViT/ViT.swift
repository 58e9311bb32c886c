import Torch
import TorchNN

/// A vision transformer (Dosovitskiy et al.): patches as tokens, and a class token that is read.
public struct ViT: ImageModel {
    /// The sizes and constants.
    public let configuration: ViTConfiguration
    /// All parameters.
    public let store: ParameterStore
    let embeddings: PatchEmbeddings
    let tower: PreNormTower
    let classifier: Linear?

    /// A model whose parameters come from `store`'s source, under transformers' names.
    public init(_ configuration: ViTConfiguration, in store: ParameterStore) throws {
        let scope = store.root["vit"]
        let width = configuration.hiddenSize
        self.configuration = configuration
        self.store = store
        embeddings = try Self.embeddings(configuration, at: scope["embeddings"])
        tower = try PreNormTower(
            configuration.tower, Self.layerNames, at: scope["encoder"]["layer"],
            norm: LayerNorm(
                width, epsilon: configuration.layerNormEpsilon, at: scope["layernorm"]))
        classifier = try configuration.labelCount.map {
            try Linear(
                width, $0, weight: .normal(deviation: configuration.initializerRange),
                at: store.root["classifier"])
        }
    }

    private static func embeddings(
        _ configuration: ViTConfiguration, at scope: Scope
    ) throws -> PatchEmbeddings {
        let (width, grid) = (configuration.hiddenSize, configuration.grid)
        let initial = Initializer.normal(deviation: configuration.initializerRange)
        let part = scope["patch_embeddings"]["projection"]
        return PatchEmbeddings(
            classToken: try scope.parameter("cls_token", [1, 1, width], initial),
            positions: try scope.parameter(
                "position_embeddings", [1, grid.tokenCount, width], initial),
            projection: Linear(
                weight: try part.parameter(
                    "weight", [width, 3, grid.patchSize.height, grid.patchSize.width], initial),
                bias: try part.parameter("bias", [width], .zeros)),
            grid: grid)
    }

    /// transformers' names of a block's parts.
    private static let layerNames = PreNormNames(
        projections: .init(
            query: "attention.attention.query", key: "attention.attention.key",
            value: "attention.attention.value"), attentionOutput: "attention.output.dense",
        normBefore: "layernorm_before", normAfter: "layernorm_after",
        intermediate: "intermediate.dense", output: "output.dense")

    /// The weights RECIPE shrinks: the feed-forward matrices and those of query, key and value of
    /// every block, but not attention's output (paper, appendix A).
    public static let recipeWeights = ParameterPattern(
        [
            "intermediate.dense", "output.dense", "attention.attention.query",
            "attention.attention.key", "attention.attention.value",
        ].map { "vit.encoder.layer.*.\($0).weight" })

    /// The linear classifier.
    public static let headParameters: ParameterPattern = "classifier.**"

    /// Which model it is.
    public var imageConfiguration: ImageConfiguration { ImageConfiguration(configuration) }
    /// The feed-forward neurons of every block: a pass shows [n · tokens, neurons], image by image
    /// and the class token first; in the last block, where features are asked for, [n, neurons].
    public var neurons: [NeuronSite] { tower.layers.map(\.neurons) }

    /// The last hidden state [n, 1 + patches, hidden], normalized: the class token, then the patches
    /// row by row.
    public func hiddenState(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        try encoded(pixels, firstOnly: false, in: pass)
            .reshaped([pixels.shape[0], -1, configuration.hiddenSize])
    }

    /// The class token of the last hidden state, normalized [n, hidden].
    ///
    /// Images of another size than the model's have its position embeddings drawn to their grid.
    public func features(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        try encoded(pixels, firstOnly: true, in: pass)
    }

    private func encoded(_ pixels: Tensor, firstOnly: Bool, in pass: Pass) throws -> Tensor {
        let tokens = try pass.dropout(
            embeddings(checked(pixels, minimum: configuration.patchSize)),
            configuration.hiddenDropout)
        let sequences = try PackedSequences.images(
            tokens.shape[0], of: tokens.shape[1], firstOnly: firstOnly, device: tokens.device)
        return try tower(
            tokens.flattened(from: 0, to: 1), sequences, in: pass
        ).normalized
    }

    /// The head's scores [n, labels] of feature vectors.
    public func classLogits(ofFeatures features: Tensor, in pass: Pass) throws -> Tensor {
        guard let classifier else { throw ImageModelError.noHead }
        return try classifier(features)
    }
}
