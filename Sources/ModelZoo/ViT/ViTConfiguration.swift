import Checkpoints
import Foundation
import JSON
import Torch
import TorchNN

/// The sizes and constants of a ViT, from its `config.json` or from the weights themselves.
public struct ViTConfiguration: Sendable, Codable, Equatable {
    /// The size of image whose patches have position embeddings of their own.
    public var imageSize: PixelSize
    /// The size of a patch.
    public var patchSize: PixelSize
    /// Width of a token's vector.
    public var hiddenSize: Int
    /// Transformer blocks.
    public var layerCount: Int
    /// Attention heads a block.
    public var headCount: Int
    /// Neurons of a block's feed-forward part.
    public var intermediateSize: Int
    /// The feed-forward activation.
    public var activation: Activation
    /// Dropout on hidden vectors.
    public var hiddenDropout: Double
    /// Dropout on attention probabilities.
    public var attentionDropout: Double
    /// Added to the variance in layer normalization.
    public var layerNormEpsilon: Double
    /// Deviation of fresh weights.
    public var initializerRange: Double
    /// Whether query, key and value have biases.
    public var hasQKVBias: Bool
    /// Classes of the head, or nil where there is none.
    public var labelCount: Int?
    /// How position embeddings are made to fit images of another size.
    public var positionUpsampling: Upsampling

    /// A ViT; by default ViT-B/16 for 64×64 pixels with 1000 classes, with the constants of
    /// NeuBA's.
    public init(
        imageSize: PixelSize = PixelSize(64, 64), patchSize: PixelSize = PixelSize(16, 16),
        hiddenSize: Int = 768, layerCount: Int = 12, headCount: Int = 12,
        intermediateSize: Int? = nil, activation: Activation = .gelu, hiddenDropout: Double = 0.1,
        attentionDropout: Double = 0.1, layerNormEpsilon: Double = 1e-6,
        initializerRange: Double = 0.02, hasQKVBias: Bool = true, labelCount: Int? = 1000,
        positionUpsampling: Upsampling = .bicubic
    ) {
        self.imageSize = imageSize
        self.patchSize = patchSize
        self.hiddenSize = hiddenSize
        self.layerCount = layerCount
        self.headCount = headCount
        self.intermediateSize = intermediateSize ?? 4 * hiddenSize
        self.activation = activation
        self.hiddenDropout = hiddenDropout
        self.attentionDropout = attentionDropout
        self.layerNormEpsilon = layerNormEpsilon
        self.initializerRange = initializerRange
        self.hasQKVBias = hasQKVBias
        self.labelCount = labelCount
        self.positionUpsampling = positionUpsampling
    }

    /// Width of one head.
    public var headSize: Int { hiddenSize / headCount }

    /// The patches of an image.
    var grid: PatchGrid {
        PatchGrid(imageSize: imageSize, patchSize: patchSize, upsampling: positionUpsampling)
    }

    /// The sizes of the blocks.
    var tower: PreNormShape {
        PreNormShape(
            width: hiddenSize, innerWidth: intermediateSize, layerCount: layerCount,
            headCount: headCount, epsilon: layerNormEpsilon, activation: activation,
            hasQKVBias: hasQKVBias, dropout: hiddenDropout, attentionDropout: attentionDropout,
            initializers: .all(.normal(deviation: initializerRange)))
    }

    /// Tokens of an image of the size it is meant for: the class token and the patches.
    public var tokenCount: Int { grid.tokenCount }
}

// MARK: config.json

extension ViTConfiguration {
    /// Reads a `config.json` of transformers; what is left out has transformers' default.
    ///
    /// Throws `CheckpointError` for another architecture, for a field of another kind, and for a
    /// setting that changes the computation in a way this model cannot honour.
    public init(_ file: JSONFile) throws {
        try Self.checkArchitecture(file)
        self.init(
            imageSize: try file.heightAndWidth("image_size", default: 224),
            patchSize: try file.heightAndWidth("patch_size", default: 16),
            hiddenSize: try file.count("hidden_size", to: ConfigurationBounds.width, default: 768),
            layerCount: try file.count(
                "num_hidden_layers", to: ConfigurationBounds.layers, default: 12),
            headCount: try file.count(
                "num_attention_heads", to: ConfigurationBounds.heads, default: 12),
            intermediateSize: try file.count(
                "intermediate_size", to: ConfigurationBounds.innerWidth, default: 3072),
            activation: try file.activation("hidden_act", default: .gelu),
            hiddenDropout: try file.probability("hidden_dropout_prob", default: 0),
            attentionDropout: try file.probability("attention_probs_dropout_prob", default: 0),
            layerNormEpsilon: try file.constant("layer_norm_eps", default: 1e-12),
            initializerRange: try file.constant("initializer_range", default: 0.02),
            hasQKVBias: try file.bool("qkv_bias", default: true),
            labelCount: try file.labelCount(minimum: 0) ?? 2)
        if labelCount == 0 { labelCount = nil }
        try check(file)
    }

    private static func checkArchitecture(_ file: JSONFile) throws {
        let type = try file.string("model_type")
        let known = ["ViTForImageClassification", "ViTForMaskedImageModeling", "ViTModel"]
        guard type.map({ $0 == "vit" }) ?? file.architectures.contains(where: known.contains) else {
            let found = type ?? file.architectures.first ?? "not named"
            throw CheckpointError(file.url, "the architecture is ‘\(found)’; expected ‘vit’")
        }
    }

    /// Settings under which the same weights mean another computation, and sizes that cannot be.
    private func check(_ file: JSONFile) throws {
        try file.checkUnquantized()
        guard try file.integer("num_channels", default: 3) == 3 else {
            throw CheckpointError(file.url, "‘num_channels’ is not 3; only RGB is supported")
        }
        if case .object(let heads)? = file.fields["pruned_heads"], !heads.isEmpty {
            throw CheckpointError(
                file.url, "‘pruned_heads’ is not empty; pruned heads are not supported")
        }
        guard hiddenSize % headCount == 0 else {
            throw CheckpointError(
                file.url,
                "‘hidden_size’ \(hiddenSize) is not a multiple of ‘num_attention_heads’ \(headCount)"
            )
        }
        guard try file.integer("head_dim", default: headSize) == headSize else {
            throw CheckpointError(
                file.url,
                "‘head_dim’ is not ‘hidden_size’ / ‘num_attention_heads’, \(headSize), the only one "
                    + "supported")
        }
        guard imageSize.height >= patchSize.height, imageSize.width >= patchSize.width else {
            throw CheckpointError(
                file.url,
                "‘image_size’ \(imageSize) is smaller than one patch, ‘patch_size’ \(patchSize)")
        }
    }

    /// The fields of a `config.json` that says the same, as transformers reads it.
    public var fields: JSONObject {
        func size(_ size: PixelSize) -> JSONValue {
            size.height == size.width
                ? .integer(size.height) : .array([.integer(size.height), .integer(size.width)])
        }
        let architecture = labelCount == nil ? "ViTModel" : "ViTForImageClassification"
        return [
            "model_type": .string("vit"), "architectures": .array([.string(architecture)]),
            "image_size": size(imageSize), "patch_size": size(patchSize),
            "num_channels": .integer(3), "hidden_size": .integer(hiddenSize),
            "num_hidden_layers": .integer(layerCount), "num_attention_heads": .integer(headCount),
            "intermediate_size": .integer(intermediateSize),
            "hidden_act": .string(activation.rawValue),
            "hidden_dropout_prob": .number(hiddenDropout),
            "attention_probs_dropout_prob": .number(attentionDropout),
            "layer_norm_eps": .number(layerNormEpsilon),
            "initializer_range": .number(initializerRange), "qkv_bias": .bool(hasQKVBias),
        ]
    }
}

// MARK: From weights

extension ViTConfiguration {
    /// Reads the sizes of a ViT off its weights, by canonical name, and takes the constants from
    /// what the library of `dialect` does.
    ///
    /// Throws `CheckpointError` where the weights do not say, or say what this model is not.
    public init(inferredFrom shapes: [String: [Int]], dialect: Dialect, at url: URL) throws {
        func shape(_ name: String, rank: Int) throws -> [Int] {
            guard let shape = shapes[name], shape.count == rank, shape.allSatisfy({ $0 > 0 }) else {
                throw CheckpointError(
                    url,
                    "the tensor ‘\(dialect.onDisk(name))’ is missing, or not of \(rank) "
                        + "dimensions: this is no ViT", advice: "save its whole state_dict")
            }
            return shape
        }
        let projection = try shape("vit.embeddings.patch_embeddings.projection.weight", rank: 4)
        let positions = try shape("vit.embeddings.position_embeddings", rank: 3)[1]
        let block = "vit.encoder.layer.0."
        let inner = try shape(block + "intermediate.dense.weight", rank: 2)[0]
        let width = projection[0]
        let layers = (0..<shapes.count).prefix {
            shapes["vit.encoder.layer.\($0).layernorm_before.weight"] != nil
        }.count
        let side = Int(Double(positions - 1).squareRoot().rounded())
        guard side > 0, side * side == positions - 1 else {
            throw CheckpointError(
                url,
                "it has \(positions) position embeddings, which are no class token and a square "
                    + "of patches", advice: "describe the model in a config.json")
        }
        guard let heads = Self.headCount(width: width) else {
            throw CheckpointError(
                url, "the weights do not say how many attention heads a width of \(width) has",
                advice: "describe the model in a config.json (num_attention_heads)")
        }
        let isPretrainedViT = ["NeuBA", "pytorch_pretrained_vit"].contains(dialect.name)
        self.init(
            imageSize: PixelSize(side * projection[2], side * projection[3]),
            patchSize: PixelSize(projection[2], projection[3]), hiddenSize: width,
            layerCount: layers, headCount: heads, intermediateSize: inner,
            hiddenDropout: isPretrainedViT ? 0.1 : 0,
            attentionDropout: isPretrainedViT ? 0.1 : 0,
            layerNormEpsilon: dialect.name == "transformers" ? 1e-12 : 1e-6,
            hasQKVBias: shapes[block + "attention.attention.query.bias"] != nil,
            labelCount: shapes["classifier.weight"]?.first,
            positionUpsampling: isPretrainedViT ? .bilinearAligned : .bicubic)
    }

    /// The heads that the published models of a width have: 64 numbers a head, but for the giants.
    private static func headCount(width: Int) -> Int? {
        switch width {
        case 1280, 1408, 1664: 16
        case _ where width % 64 == 0: width / 64
        default: nil
        }
    }
}
