import Torch
import TorchNN

/// Patches as vectors, a class token before them, and where each was in the image.
struct ViTEmbeddings {
    let classToken: Tensor
    let positions: Tensor
    let projection: Linear
    let configuration: ViTConfiguration

    init(_ configuration: ViTConfiguration, at scope: Scope) throws {
        let width = configuration.hiddenSize
        let patch = configuration.patchSize
        let initial = Initializer.normal(deviation: configuration.initializerRange)
        classToken = try scope.parameter("cls_token", [1, 1, width], initial)
        positions = try scope.parameter(
            "position_embeddings", [1, configuration.tokenCount, width], initial)
        // A convolution whose windows do not overlap is a linear map of each patch.
        let part = scope["patch_embeddings"]["projection"]
        projection = Linear(
            weight: try part.parameter("weight", [width, 3, patch.height, patch.width], initial),
            bias: try part.parameter("bias", [width], .zeros))
        self.configuration = configuration
    }

    /// The tokens [n, 1 + patches, hidden] of images [n, 3, height, width].
    func callAsFunction(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        let (shape, dtype) = (pixels.shape, pixels.dtype)
        let grid = configuration.grid(of: PixelSize(shape[2], shape[3]))
        let vectors = try patches(pixels, grid).linear(
            projection.weight.cast(to: dtype).flattened(from: 1),
            projection.bias?.cast(to: dtype))
        let first = try classToken.cast(to: dtype).expanded([shape[0], 1, -1])
        let tokens = try Tensor.concatenated([first, vectors], along: 1)
        return try pass.dropout(
            tokens + fitted(to: grid).cast(to: dtype), configuration.hiddenDropout)
    }

    /// The pixels of each patch, channel by channel: [n, patches, 3 · height · width].
    private func patches(_ pixels: Tensor, _ grid: PixelSize) throws -> Tensor {
        let patch = configuration.patchSize
        return
            try pixels
            .narrowed(2, from: 0, length: grid.height * patch.height)
            .narrowed(3, from: 0, length: grid.width * patch.width)
            .reshaped([
                pixels.shape[0], 3, grid.height, patch.height, grid.width, patch.width,
            ])
            .permuted([0, 2, 4, 1, 3, 5])
            .reshaped([
                pixels.shape[0], grid.height * grid.width, 3 * patch.height * patch.width,
            ])
    }

    /// The position embeddings [1, 1 + patches, hidden], drawn to another grid where that differs.
    private func fitted(to grid: PixelSize) throws -> Tensor {
        let own = configuration.grid(of: configuration.imageSize)
        guard grid != own else { return positions }
        let width = configuration.hiddenSize
        // As a map of float32: the kernels take no 16-bit numbers everywhere.
        let map = try positions.narrowed(1, from: 1, length: own.height * own.width)
            .cast(to: .float32).reshaped([1, own.height, own.width, width])
            .permuted([0, 3, 1, 2])
        let drawn = try map.upsampled(
            toHeight: grid.height, width: grid.width, configuration.positionUpsampling
        ).permuted([0, 2, 3, 1]).reshaped([1, grid.height * grid.width, width])
        let first = try positions.narrowed(1, from: 0, length: 1).cast(to: .float32)
        return try .concatenated([first, drawn], along: 1)
    }
}

/// Multi-head self-attention over the tokens of an image, without its output projection.
struct ViTSelfAttention {
    let query: Linear
    let key: Linear
    let value: Linear
    /// The three projections as one, where none of them is trained.
    let fused: Linear?
    let headCount: Int
    let headSize: Int
    let dropout: Double

    init(_ configuration: ViTConfiguration, at scope: Scope) throws {
        func layer(_ name: String) throws -> Linear {
            try Linear(
                configuration.hiddenSize, configuration.hiddenSize, bias: configuration.hasQKVBias,
                weight: .normal(deviation: configuration.initializerRange), at: scope[name])
        }
        query = try layer("query")
        key = try layer("key")
        value = try layer("value")
        fused = try Linear.fusing([query, key, value])
        headCount = configuration.headCount
        headSize = configuration.headSize
        dropout = configuration.attentionDropout
    }

    /// What the tokens [n, tokens, hidden] attend to, heads side by side; of the class token alone
    /// [n, 1, hidden] where `firstOnly`.
    func callAsFunction(_ x: Tensor, firstOnly: Bool, in pass: Pass) throws -> Tensor {
        func heads(_ projected: Tensor) throws -> Tensor {
            let shape = projected.shape
            return try projected.reshaped([shape[0], shape[1], headCount, headSize])
                .transposed(1, 2)
        }
        func first(_ tokens: Tensor) throws -> Tensor {
            firstOnly ? try tokens.narrowed(1, from: 0, length: 1) : tokens
        }
        let parts: [Tensor]
        if let fused {
            let all = try fused(x)
            let width = headCount * headSize
            parts = try (0..<3).map { try all.narrowed(2, from: $0 * width, length: width) }
        } else {
            parts = [try query(first(x)), try key(x), try value(x)]
        }
        let attended = try pass.attention(
            query: heads(fused == nil ? parts[0] : first(parts[0])), key: heads(parts[1]),
            value: heads(parts[2]), dropout: dropout)
        let (rows, tokens) = (attended.shape[0], attended.shape[2])
        return try attended.transposed(1, 2).reshaped([rows, tokens, headCount * headSize])
    }
}

/// One transformer block, which normalizes before each part (Dosovitskiy et al., equation 2).
struct ViTLayer {
    let attention: ViTSelfAttention
    let attentionOutput: Linear
    let normBefore: LayerNorm
    let normAfter: LayerNorm
    let intermediate: Linear
    let output: Linear
    let activation: Activation
    let dropout: Double
    /// The feed-forward neurons, rows of `intermediate.dense.weight`.
    let neurons: NeuronSite

    init(_ configuration: ViTConfiguration, at scope: Scope) throws {
        let width = configuration.hiddenSize
        let inner = configuration.intermediateSize
        let epsilon = configuration.layerNormEpsilon
        let initial = Initializer.normal(deviation: configuration.initializerRange)
        attention = try ViTSelfAttention(configuration, at: scope["attention"]["attention"])
        attentionOutput = try Linear(
            width, width, weight: initial, at: scope["attention"]["output"]["dense"])
        intermediate = try Linear(
            width, inner, weight: initial, at: scope["intermediate"]["dense"])
        output = try Linear(inner, width, weight: initial, at: scope["output"]["dense"])
        normBefore = try LayerNorm(width, epsilon: epsilon, at: scope["layernorm_before"])
        normAfter = try LayerNorm(width, epsilon: epsilon, at: scope["layernorm_after"])
        activation = configuration.activation
        dropout = configuration.hiddenDropout
        neurons = NeuronSite(name: scope["intermediate"].name("dense"), count: inner)
    }

    /// Maps [n, tokens, hidden] to the same shape, or to the class token alone [n, 1, hidden]:
    /// after attention a token no longer sees the others.
    func callAsFunction(_ x: Tensor, firstOnly: Bool, in pass: Pass) throws -> Tensor {
        let context = try attention(normBefore(x), firstOnly: firstOnly, in: pass)
        let residual = firstOnly ? try x.narrowed(1, from: 0, length: 1) : x
        let attended = try pass.dropout(attentionOutput(context), dropout) + residual
        let hidden = try activation(
            pass.recording(intermediate(normAfter(attended)), at: neurons))
        return try pass.dropout(output(hidden), dropout) + attended
    }
}
