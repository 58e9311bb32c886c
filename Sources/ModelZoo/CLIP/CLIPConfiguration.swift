import Checkpoints
import Foundation
import Torch
import TorchNN

/// The sizes and constants of a CLIP: two towers, and the space in which they meet.
public struct CLIPConfiguration: Sendable, Codable, Equatable {
    /// The tower of captions.
    public var text: Text
    /// The tower of images.
    public var vision: CLIPVisionConfiguration
    /// Width of the space in which images and captions are compared.
    public var projectionSize: Int
    /// What the logarithm of the logits' scale begins with: ln(1 / 0.07).
    public var logitScale: Double

    /// What both towers have.
    public struct Tower: Sendable, Codable, Equatable {
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
        /// Dropout on attention probabilities; CLIP has no other.
        public var attentionDropout: Double
        /// Added to the variance in layer normalization.
        public var layerNormEpsilon: Double

        /// A tower with the constants of OpenAI's.
        public init(
            hiddenSize: Int, layerCount: Int, headCount: Int, intermediateSize: Int? = nil,
            activation: Activation = .quickGELU, attentionDropout: Double = 0,
            layerNormEpsilon: Double = 1e-5
        ) {
            self.hiddenSize = hiddenSize
            self.layerCount = layerCount
            self.headCount = headCount
            self.intermediateSize = intermediateSize ?? 4 * hiddenSize
            self.activation = activation
            self.attentionDropout = attentionDropout
            self.layerNormEpsilon = layerNormEpsilon
        }
    }

    /// The tower of captions.
    public struct Text: Sendable, Codable, Equatable {
        /// Its blocks.
        public var tower: Tower
        /// Rows of the token embeddings.
        public var vocabularySize: Int
        /// The longest sequence of tokens.
        public var maximumPositions: Int
        /// Which token is read for all.
        public var pooling: Pooling

        /// The tower of CLIP ViT-B by default.
        public init(
            tower: Tower = Tower(hiddenSize: 512, layerCount: 12, headCount: 8),
            vocabularySize: Int = 49_408, maximumPositions: Int = 77,
            pooling: Pooling = .firstEnd(49_407)
        ) {
            self.tower = tower
            self.vocabularySize = vocabularySize
            self.maximumPositions = maximumPositions
            self.pooling = pooling
        }
    }

    /// Which token of a caption stands for all of it.
    public enum Pooling: Sendable, Codable, Equatable {
        /// The first of this id, which ends the caption.
        case firstEnd(Int)
        /// The first with the highest id, as OpenAI has it: where `eos_token_id` is 2.
        case highestID
    }

    /// A CLIP; by default OpenAI's ViT-B/32.
    public init(
        text: Text = Text(), vision: CLIPVisionConfiguration = CLIPVisionConfiguration(),
        projectionSize: Int = 512, logitScale: Double = 2.6592
    ) {
        self.text = text
        self.vision = vision
        self.projectionSize = projectionSize
        self.logitScale = logitScale
    }

    /// What people call it, as in `CLIP of 12 vision and 12 text layers`.
    public var title: String {
        "CLIP of \(vision.tower.layerCount) vision and \(text.tower.layerCount) text layers"
    }
}

/// The sizes and constants of CLIP's tower of images.
public struct CLIPVisionConfiguration: Sendable, Codable, Equatable {
    /// Its blocks.
    public var tower: CLIPConfiguration.Tower
    /// The size of image whose patches have position embeddings of their own, a square.
    public var imageSize: PixelSize
    /// The size of a patch.
    public var patchSize: PixelSize
    /// Deviation of fresh patch and position embeddings.
    public var initializerRange: Double
    /// Classes of a linear head on its features, or nil where there is none. No CLIP has one; it is
    /// what fine-tuning trains.
    public var labelCount: Int?

    /// A tower; by default that of ViT-B/32.
    public init(
        tower: CLIPConfiguration.Tower = CLIPConfiguration.Tower(
            hiddenSize: 768, layerCount: 12, headCount: 12),
        imageSize: PixelSize = PixelSize(224, 224), patchSize: PixelSize = PixelSize(32, 32),
        initializerRange: Double = 0.02, labelCount: Int? = nil
    ) {
        self.tower = tower
        self.imageSize = imageSize
        self.patchSize = patchSize
        self.initializerRange = initializerRange
        self.labelCount = labelCount
    }

    /// The patches of an image.
    var grid: PatchGrid {
        PatchGrid(imageSize: imageSize, patchSize: patchSize, upsampling: .bicubic)
    }
}

extension CLIPConfiguration.Tower {
    /// The blocks, their fresh matrices drawn as transformers draws them: narrower the deeper the
    /// tower where they add to the sum.
    var shape: PreNormShape {
        let narrow = Self.deviation(hiddenSize) * Self.deviation(2 * layerCount)
        return PreNormShape(
            width: hiddenSize, innerWidth: intermediateSize, layerCount: layerCount,
            headCount: headCount, epsilon: layerNormEpsilon, activation: activation,
            hasQKVBias: true, dropout: 0, attentionDropout: attentionDropout,
            initializers: PreNormInitializers(
                projections: .normal(deviation: narrow),
                attentionOutput: .normal(deviation: Self.deviation(hiddenSize)),
                intermediate: .normal(deviation: Self.deviation(2 * hiddenSize)),
                output: .normal(deviation: narrow)))
    }

    /// 1 / √`width`.
    static func deviation(_ width: Int) -> Double { 1 / Double(max(width, 1)).squareRoot() }
}

extension PreNormNames {
    /// transformers' names of a block's parts in either tower.
    static let clip = PreNormNames(
        projections: .init(
            query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj"),
        attentionOutput: "self_attn.out_proj", normBefore: "layer_norm1",
        normAfter: "layer_norm2", intermediate: "mlp.fc1", output: "mlp.fc2")
}
