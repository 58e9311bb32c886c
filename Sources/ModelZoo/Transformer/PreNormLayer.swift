import Torch
import TorchNN

/// The sizes and constants of a transformer that normalizes before each part (ViT, CLIP's towers).
struct PreNormShape {
    let width: Int
    let innerWidth: Int
    let layerCount: Int
    let headCount: Int
    let epsilon: Double
    let activation: Activation
    let hasQKVBias: Bool
    /// Dropout behind attention and behind the feed-forward part.
    let dropout: Double
    let attentionDropout: Double
    /// What fresh matrices are drawn from.
    let initializers: PreNormInitializers
}

/// What the fresh matrices of a layer are drawn from.
struct PreNormInitializers {
    /// Query, key and value.
    let projections: Initializer
    let attentionOutput: Initializer
    let intermediate: Initializer
    let output: Initializer

    /// One for all of them.
    static func all(_ initializer: Initializer) -> PreNormInitializers {
        PreNormInitializers(
            projections: initializer, attentionOutput: initializer, intermediate: initializer,
            output: initializer)
    }
}

/// What a checkpoint calls the parts of a layer.
struct PreNormNames {
    let projections: SelfAttention.Names
    let attentionOutput: String
    let normBefore: String
    let normAfter: String
    let intermediate: String
    let output: String
}

/// Tokens of several sequences, one sequence behind the other.
struct PackedSequences {
    /// Where each sequence begins and where the last ends [sequences + 1], on the host.
    let offsets: Tensor
    /// The tokens whose final state is wanted [selected], or nil for all.
    let selection: Tensor?
    /// Whether a token attends to itself and to those before it only.
    let isCausal: Bool
}

/// One transformer block, which normalizes before each part (Dosovitskiy et al., equations 2, 3).
struct PreNormLayer {
    let attention: SelfAttention
    let attentionOutput: Linear
    let normBefore: LayerNorm
    let normAfter: LayerNorm
    let intermediate: Linear
    let output: Linear
    let activation: Activation
    let dropout: Double
    /// The feed-forward neurons, rows of `intermediate`'s weight.
    let neurons: NeuronSite

    init(_ shape: PreNormShape, _ names: PreNormNames, at scope: Scope) throws {
        let (width, inner) = (shape.width, shape.innerWidth)
        attention = try SelfAttention(
            width, heads: shape.headCount, bias: shape.hasQKVBias, dropout: shape.attentionDropout,
            weight: shape.initializers.projections, names.projections, at: scope)
        attentionOutput = try Linear(
            width, width, weight: shape.initializers.attentionOutput,
            at: scope[names.attentionOutput]
        ).packed()
        intermediate = try Linear(
            width, inner, weight: shape.initializers.intermediate, at: scope[names.intermediate]
        ).packed()
        output = try Linear(
            inner, width, weight: shape.initializers.output, at: scope[names.output]
        ).packed()
        normBefore = try LayerNorm(width, epsilon: shape.epsilon, at: scope[names.normBefore])
        normAfter = try LayerNorm(width, epsilon: shape.epsilon, at: scope[names.normAfter])
        activation = shape.activation
        dropout = shape.dropout
        neurons = NeuronSite(
            name: scope.name(names.intermediate), count: inner, activation: activation)
    }

    /// Tokens as they come out of one part and go into the next.
    struct State {
        /// What has been added up so far [tokens, width].
        var sum: Tensor
        /// The same, normalized for what comes next.
        var normalized: Tensor
    }

    /// The state after this layer, normalized by what comes next; of `selection` alone [selected,
    /// width] where that is given: after attention a token no longer sees the others.
    func callAsFunction(
        _ state: State, _ sequences: PackedSequences, selection: Tensor?, next: LayerNorm,
        in pass: Pass
    ) throws -> State {
        var residual = state.sum
        var context = try attention(
            state.normalized, offsets: sequences.offsets, isCausal: sequences.isCausal, in: pass)
        if let selection {
            residual = try residual.gathered(0, at: selection)
            context = try context.gathered(0, at: selection)
        }
        let attended = try pass.normalized(
            attentionOutput(context), dropout, residual: residual, by: normAfter)
        let hidden = try activation(
            pass.recording(intermediate(attended.normalized), at: neurons))
        let after = try pass.normalized(
            output(hidden), dropout, residual: attended.sum, by: next)
        return State(sum: after.sum, normalized: after.normalized)
    }
}

/// A tower of blocks and the normalization at its end.
struct PreNormTower {
    let layers: [PreNormLayer]
    let norm: LayerNorm

    /// Layers numbered under `scope`; `norm` is what the tower ends with.
    init(_ shape: PreNormShape, _ names: PreNormNames, at scope: Scope, norm: LayerNorm) throws {
        layers = try (0..<shape.layerCount).map {
            try PreNormLayer(shape, names, at: scope[$0])
        }
        self.norm = norm
    }

    /// The last hidden state of tokens [tokens, width], before and after the final normalization;
    /// [selected, width] where the sequences have a selection.
    func callAsFunction(
        _ tokens: Tensor, _ sequences: PackedSequences, in pass: Pass
    ) throws -> PreNormLayer.State {
        guard let first = layers.first else {
            let chosen = try sequences.selection.map { try tokens.gathered(0, at: $0) } ?? tokens
            return PreNormLayer.State(sum: chosen, normalized: try norm(chosen))
        }
        var state = PreNormLayer.State(sum: tokens, normalized: try first.normBefore(tokens))
        for (index, layer) in layers.enumerated() {
            let isLast = index == layers.count - 1
            state = try layer(
                state, sequences, selection: isLast ? sequences.selection : nil,
                next: isLast ? norm : layers[index + 1].normBefore, in: pass)
        }
        return state
    }
}
