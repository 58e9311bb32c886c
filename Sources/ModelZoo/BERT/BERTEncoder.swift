import Torch
import TorchNN

/// Word, position and segment embeddings, summed and normalized.
public struct BERTEmbeddings {
    /// The table of words, which a tied MLM decoder shares.
    public let words: Embedding
    let positions: Embedding
    let segments: Embedding
    let norm: LayerNorm
    let dropout: Double
    let computeType: DType

    init(_ configuration: BERTConfiguration, at scope: Scope) throws {
        let width = configuration.hiddenSize
        let initial = Initializer.normal(deviation: configuration.initializerRange)
        computeType = scope.store.placement.computeType
        words = try Embedding(
            configuration.vocabularySize, width, padding: configuration.paddingID, weight: initial,
            at: scope["word_embeddings"])
        positions = try Embedding(
            configuration.maximumPositions, width, weight: initial,
            at: scope["position_embeddings"])
        segments = try Embedding(
            configuration.segmentTypeCount, width, weight: initial,
            at: scope["token_type_embeddings"])
        norm = try LayerNorm(width, epsilon: configuration.layerNormEpsilon, at: scope["LayerNorm"])
        dropout = configuration.hiddenDropout
    }

    func callAsFunction(_ input: BERTInput, in pass: Pass) throws -> Tensor {
        let position = try positions.weight.narrowed(0, from: 0, length: input.width)
        let segment =
            try input.segments.map { try segments($0) }
            ?? segments.weight.narrowed(0, from: 0, length: 1)
        let summed = try words(input.ids) + segment + position
        // Trained tables are float32; from here on everything has the activations' type.
        let typed = summed.dtype == computeType ? summed : try summed.cast(to: computeType)
        return try pass.dropout(norm(typed), dropout)
    }
}

/// Multi-head self-attention, without its output projection.
struct BERTSelfAttention {
    let query: Linear
    let key: Linear
    let value: Linear
    /// The three projections as one, where none of them is trained: one large product is faster
    /// than three small ones.
    let fused: Linear?
    let headCount: Int
    let headSize: Int
    let dropout: Double

    init(_ configuration: BERTConfiguration, at scope: Scope) throws {
        let width = configuration.hiddenSize
        let initial = Initializer.normal(deviation: configuration.initializerRange)
        query = try Linear(width, width, weight: initial, at: scope["query"])
        key = try Linear(width, width, weight: initial, at: scope["key"])
        value = try Linear(width, width, weight: initial, at: scope["value"])
        fused = try Linear.fusing([query, key, value])
        headCount = configuration.headCount
        headSize = configuration.headSize
        dropout = configuration.attentionDropout
    }

    /// The attended values of [rows, width, hidden], heads side by side, before projection.
    func callAsFunction(_ x: Tensor, mask: Tensor?, in pass: Pass) throws -> Tensor {
        let shape = x.shape
        func heads(_ projected: Tensor) throws -> Tensor {
            try projected.reshaped([shape[0], shape[1], headCount, headSize]).transposed(1, 2)
        }
        let (q, k, v) = try projections(x, heads)
        let scale = 1 / Double(headSize).squareRoot()
        let attended: Tensor
        if pass.isTraining, dropout > 0 {
            // Dropout on the probabilities needs them; the fused kernel would draw its own mask.
            var scores = try q.matmul(k.transposed(2, 3)) * scale
            if let mask {
                scores =
                    try scores
                    + Tensor.zeros(mask.shape, dtype: x.dtype, device: x.device)
                    .filled(
                        where: mask.equals(.zeros([1], dtype: .bool, device: x.device)), with: -1e9)
            }
            attended = try pass.dropout(scores.softmax(), dropout).matmul(v)
        } else {
            attended = try Tensor.attention(query: q, key: k, value: v, mask: mask, scale: scale)
        }
        return try attended.transposed(1, 2).reshaped(shape)
    }

    private func projections(
        _ x: Tensor, _ heads: (Tensor) throws -> Tensor
    ) throws -> (Tensor, Tensor, Tensor) {
        guard let fused else {
            return (try heads(query(x)), try heads(key(x)), try heads(value(x)))
        }
        let all = try fused(x)
        let width = headCount * headSize
        func part(_ index: Int) throws -> Tensor {
            try heads(all.narrowed(2, from: index * width, length: width))
        }
        return (try part(0), try part(1), try part(2))
    }
}

/// One transformer block: attention, then the feed-forward part, each with residual and norm.
struct BERTLayer {
    let attention: BERTSelfAttention
    let attentionOutput: Linear
    let attentionNorm: LayerNorm
    let intermediate: Linear
    let output: Linear
    let outputNorm: LayerNorm
    let activation: Activation
    let dropout: Double
    /// The feed-forward neurons, rows of `intermediate.dense.weight`.
    let neurons: NeuronSite

    init(_ configuration: BERTConfiguration, at scope: Scope) throws {
        let width = configuration.hiddenSize
        let inner = configuration.intermediateSize
        let epsilon = configuration.layerNormEpsilon
        let initial = Initializer.normal(deviation: configuration.initializerRange)
        attention = try BERTSelfAttention(configuration, at: scope["attention"]["self"])
        let attentionScope = scope["attention"]["output"]
        attentionOutput = try Linear(width, width, weight: initial, at: attentionScope["dense"])
        attentionNorm = try LayerNorm(width, epsilon: epsilon, at: attentionScope["LayerNorm"])
        intermediate = try Linear(
            width, inner, weight: initial, at: scope["intermediate"]["dense"])
        output = try Linear(inner, width, weight: initial, at: scope["output"]["dense"])
        outputNorm = try LayerNorm(width, epsilon: epsilon, at: scope["output"]["LayerNorm"])
        activation = configuration.activation
        dropout = configuration.hiddenDropout
        neurons = NeuronSite(name: scope["intermediate"].name("dense"), count: inner)
    }

    /// Maps [rows, width, hidden] to the same shape, or with `selection` to [selected, hidden]:
    /// everything after attention works on a position alone, so that only wanted ones are computed.
    func callAsFunction(
        _ x: Tensor, mask: Tensor?, selection: Tensor?, in pass: Pass
    ) throws -> Tensor {
        var residual = x
        var context = try attention(x, mask: mask, in: pass)
        if let selection {
            let width = x.shape[2]
            residual = try residual.reshaped([-1, width]).gathered(0, at: selection)
            context = try context.reshaped([-1, width]).gathered(0, at: selection)
        }
        let attended = try attentionNorm(
            pass.dropout(attentionOutput(context), dropout) + residual)
        let hidden = try activation(pass.recording(intermediate(attended), at: neurons))
        return try outputNorm(pass.dropout(output(hidden), dropout) + attended)
    }
}

/// The tower of blocks over the embeddings.
public struct BERTEncoder {
    /// The embeddings.
    public let embeddings: BERTEmbeddings
    let layers: [BERTLayer]

    init(_ configuration: BERTConfiguration, at scope: Scope) throws {
        embeddings = try BERTEmbeddings(configuration, at: scope["embeddings"])
        layers = try (0..<configuration.layerCount).map {
            try BERTLayer(configuration, at: scope["encoder"]["layer"][$0])
        }
    }

    /// The last hidden state [rows, width, hidden]; with `selection`, indices into the flattened
    /// [rows · width], only those positions of it [selected, hidden].
    public func callAsFunction(
        _ input: BERTInput, selection: Tensor? = nil, in pass: Pass
    ) throws -> Tensor {
        var x = try embeddings(input, in: pass)
        for (index, layer) in layers.enumerated() {
            x = try layer(
                x, mask: input.mask, selection: index == layers.count - 1 ? selection : nil,
                in: pass)
        }
        return x
    }
}
