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

    func callAsFunction(_ input: TokenInput, in pass: Pass) throws -> Tensor {
        let segment =
            try input.segments.map { try segments($0) }
            ?? segments.weight.narrowed(0, from: 0, length: 1)
        var summed = try words(input.ids) + segment + positions(input.positions)
        if let shift = input.shift { summed = try summed + shift }
        // Trained tables are float32; from here on everything has the activations' type.
        let typed = summed.dtype == computeType ? summed : try summed.cast(to: computeType)
        return try pass.dropout(norm(typed), dropout)
    }
}

/// One transformer block: attention, then the feed-forward part, each with residual and norm.
struct BERTLayer {
    let attention: SelfAttention
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
        attention = try SelfAttention(
            width, heads: configuration.headCount, dropout: configuration.attentionDropout,
            weight: initial, .init(query: "query", key: "key", value: "value"),
            at: scope["attention"]["self"])
        let attentionScope = scope["attention"]["output"]
        attentionOutput = try Linear(
            width, width, weight: initial, at: attentionScope["dense"]
        ).packed()
        attentionNorm = try LayerNorm(width, epsilon: epsilon, at: attentionScope["LayerNorm"])
        intermediate = try Linear(
            width, inner, weight: initial, at: scope["intermediate"]["dense"])
        output = try Linear(
            inner, width, weight: initial, at: scope["output"]["dense"]
        ).packed()
        outputNorm = try LayerNorm(width, epsilon: epsilon, at: scope["output"]["LayerNorm"])
        activation = configuration.activation
        dropout = configuration.hiddenDropout
        neurons = NeuronSite(
            name: scope["intermediate"].name("dense"), count: inner, activation: activation)
    }

    /// Maps [tokens, hidden] to the same shape, or with `selection` to [selected, hidden]:
    /// everything after attention works on a token alone, so that only wanted ones are computed.
    func callAsFunction(
        _ x: Tensor, offsets: Tensor, selection: Tensor?, in pass: Pass
    ) throws -> Tensor {
        var residual = x
        var context = try attention(x, offsets: offsets, in: pass)
        if let selection {
            residual = try residual.gathered(0, at: selection)
            context = try context.gathered(0, at: selection)
        }
        let attended = try pass.normalized(
            attentionOutput(context), dropout, residual: residual, by: attentionNorm
        ).normalized
        let hidden = try activation(pass.recording(intermediate(attended), at: neurons))
        return try pass.normalized(
            output(hidden), dropout, residual: attended, by: outputNorm
        ).normalized
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

    /// The last hidden state [tokens, hidden]; with `selection`, indices of tokens, only theirs
    /// [selected, hidden].
    public func callAsFunction(
        _ input: TokenInput, selection: Tensor? = nil, in pass: Pass
    ) throws -> Tensor {
        var x = try embeddings(input, in: pass)
        for (index, layer) in layers.enumerated() {
            x = try layer(
                x, offsets: input.offsets,
                selection: index == layers.count - 1 ? selection : nil, in: pass)
        }
        return x
    }
}
