import Checkpoints
import Torch
import TorchNN

extension CLIPVisionConfiguration {
    /// The tower that has the blocks of a ViT.
    ///
    /// Throws `ViTTowerError` where CLIP has no place for what the ViT is.
    public init(blocksOf vit: ViTConfiguration) throws {
        guard vit.hasQKVBias else { throw ViTTowerError.noBias }
        guard vit.imageSize.height == vit.imageSize.width,
            vit.patchSize.height == vit.patchSize.width
        else { throw ViTTowerError.oblong(vit.imageSize) }
        self.init(
            tower: CLIPConfiguration.Tower(
                hiddenSize: vit.hiddenSize, layerCount: vit.layerCount, headCount: vit.headCount,
                intermediateSize: vit.intermediateSize, activation: vit.activation,
                attentionDropout: vit.attentionDropout, layerNormEpsilon: vit.layerNormEpsilon),
            imageSize: vit.imageSize, patchSize: vit.patchSize,
            initializerRange: vit.initializerRange)
    }
}

/// A ViT that cannot be the beginning of CLIP's vision tower.
public enum ViTTowerError: Error, Equatable, CustomStringConvertible {
    /// Its query, key and value have no biases.
    case noBias
    /// Its images are no squares.
    case oblong(PixelSize)

    /// What is wrong.
    public var description: String {
        switch self {
        case .noBias: "the ViT's query, key and value have no biases, which CLIP's have"
        case .oblong(let size): "the ViT is made for \(size) pixels; CLIP's images are squares"
        }
    }
}

/// Lets CLIP's vision tower begin as a ViT: blocks, patches, class token and positions are the
/// ViT's, everything else comes from another source.
///
/// It is a beginning to train from, not the same function: CLIP normalizes tokens once more before
/// its blocks. That normalization begins with the mean spread of the ViT's own tokens, so that the
/// blocks see numbers of the size they know. The bias that CLIP's patches lack goes into positions.
public final class ViTTowerSource: ParameterSource {
    private let vit: ViT
    private let fallback: any ParameterSource
    private let scale: Double
    private let shift: Double

    /// A source of the ViT's parameters, whose tokens' spread is measured over normalized images
    /// [n, 3, height, width].
    public init(_ vit: ViT, over fallback: any ParameterSource, measuredOn pixels: Tensor) throws {
        self.vit = vit
        self.fallback = fallback
        (scale, shift) = try withoutGradients {
            let tokens = try vit.embeddings(
                vit.checked(pixels, minimum: vit.configuration.patchSize)
            ).cast(to: .float32)
            let means = try tokens.mean(over: [2], keepingDimensions: true)
            let variances = try (tokens - means).power(2).mean(over: [2])
            return (try variances.squareRoot().mean().item(), try means.mean().item())
        }
    }

    /// The ViT's value of a name of CLIP's vision tower, float32 on the host.
    public func tensor(named name: String, shape: [Int], initializer: Initializer) throws -> Tensor
    {
        try withoutGradients {
            guard let value = try value(named: name, shape) else {
                return try fallback.tensor(named: name, shape: shape, initializer: initializer)
            }
            guard value.elementCount == shape.reduce(1, *) else { return value }
            // A ViT that is not trained has its patches channels last, which no optimizer takes.
            return try value.reshaped(shape).contiguous().copied()
        }
    }

    /// Whether it is a name of the vision tower, or the other source's.
    public func holds(_ name: String) -> Bool {
        name.hasPrefix("vision_model.") || fallback.holds(name)
    }

    private func value(named name: String, _ shape: [Int]) throws -> Tensor? {
        switch name {
        case "vision_model.pre_layrnorm.weight": return try .full(shape, scale)
        case "vision_model.pre_layrnorm.bias": return try .full(shape, shift)
        case "vision_model.embeddings.position_embedding.weight":
            return try positions()
        default:
            return try vit.store[Self.names.onDisk(name)].map(onHost)
        }
    }

    /// The positions, those of patches with the patches' bias.
    private func positions() throws -> Tensor {
        let width = vit.configuration.hiddenSize
        let own = try onHost(vit.embeddings.positions).reshaped([-1, width])
        guard let bias = try vit.embeddings.projection.bias.map(onHost) else { return own }
        let count = own.shape[0] - 1
        let first = try own.narrowed(0, from: 0, length: 1)
        return try .concatenated(
            [first, own.narrowed(0, from: 1, length: count) + bias], along: 0)
    }

    private func onHost(_ tensor: Tensor) throws -> Tensor {
        try tensor.detached().moved(to: .cpu).cast(to: .float32)
    }

    /// A ViT's names as the spelling of CLIP's.
    private static let names: Dialect = {
        let block = [
            ("attention.attention.query", "self_attn.q_proj"),
            ("attention.attention.key", "self_attn.k_proj"),
            ("attention.attention.value", "self_attn.v_proj"),
            ("attention.output.dense", "self_attn.out_proj"),
            ("layernorm_before", "layer_norm1"), ("layernorm_after", "layer_norm2"),
            ("intermediate.dense", "mlp.fc1"), ("output.dense", "mlp.fc2"),
        ].map { ("encoder.layer.*.\($0.0).**", "encoder.layers.*.\($0.1).**") }
        let others = [
            ("embeddings.cls_token", "embeddings.class_embedding"),
            ("embeddings.patch_embeddings.projection.weight", "embeddings.patch_embedding.weight"),
            ("layernorm.**", "post_layernorm.**"),
        ]
        return Dialect(
            name: "ViT",
            rules: (block + others).map { .rename("vit." + $0.0, to: "vision_model." + $0.1) })
    }()
}
