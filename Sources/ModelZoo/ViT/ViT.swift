import Torch
import TorchNN

/// A vision transformer (Dosovitskiy et al.): patches as tokens, and a class token that is read.
public struct ViT: ImageModel {
    /// The sizes and constants.
    public let configuration: ViTConfiguration
    /// All parameters.
    public let store: ParameterStore
    let embeddings: ViTEmbeddings
    let layers: [ViTLayer]
    let norm: LayerNorm
    let classifier: Linear?

    /// A model whose parameters come from `store`'s source, under transformers' names.
    public init(_ configuration: ViTConfiguration, in store: ParameterStore) throws {
        let scope = store.root["vit"]
        let width = configuration.hiddenSize
        self.configuration = configuration
        self.store = store
        embeddings = try ViTEmbeddings(configuration, at: scope["embeddings"])
        layers = try (0..<configuration.layerCount).map {
            try ViTLayer(configuration, at: scope["encoder"]["layer"][$0])
        }
        norm = try LayerNorm(
            width, epsilon: configuration.layerNormEpsilon, at: scope["layernorm"])
        classifier = try configuration.labelCount.map {
            try Linear(
                width, $0, weight: .normal(deviation: configuration.initializerRange),
                at: store.root["classifier"])
        }
    }

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
    public var imageConfiguration: ImageConfiguration { .vit(configuration) }
    /// The feed-forward neurons of every block: a pass shows [n, tokens, neurons], the class token
    /// first; in the last block perhaps that alone.
    public var neurons: [NeuronSite] { layers.map(\.neurons) }

    /// The last hidden state [n, 1 + patches, hidden], normalized: the class token, then the patches
    /// row by row.
    public func hiddenState(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        try norm(encoded(pixels, firstOnly: false, in: pass))
    }

    /// The class token of the last hidden state, normalized [n, hidden].
    ///
    /// Images of another size than the model's have its position embeddings drawn to their grid.
    public func features(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        try norm(encoded(pixels, firstOnly: true, in: pass).selected(1, 0))
    }

    private func encoded(_ pixels: Tensor, firstOnly: Bool, in pass: Pass) throws -> Tensor {
        var x = try embeddings(
            checked(pixels, minimum: configuration.patchSize), in: pass)
        for (index, layer) in layers.enumerated() {
            x = try layer(x, firstOnly: firstOnly && index == layers.count - 1, in: pass)
        }
        return x
    }

    /// The head's scores [n, labels] of feature vectors.
    public func classLogits(ofFeatures features: Tensor, in pass: Pass) throws -> Tensor {
        guard let classifier else { throw ImageModelError.noHead }
        return try classifier(features)
    }
}
