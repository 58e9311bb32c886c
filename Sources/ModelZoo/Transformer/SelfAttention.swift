import Torch
import TorchNN

/// Multi-head self-attention, without its output projection (Vaswani et al., section 3.2).
struct SelfAttention {
    /// What a checkpoint calls the projections.
    struct Names {
        let query: String
        let key: String
        let value: String
    }

    let query: Linear
    let key: Linear
    let value: Linear
    /// The three projections as one, where none of them is trained.
    let fused: Linear?
    let headCount: Int
    let dropout: Double

    init(
        _ width: Int, heads: Int, bias: Bool = true, dropout: Double, weight: Initializer,
        _ names: Names, at scope: Scope
    ) throws {
        func layer(_ name: String) throws -> Linear {
            try Linear(width, width, bias: bias, weight: weight, at: scope[name])
        }
        query = try layer(names.query)
        key = try layer(names.key)
        value = try layer(names.value)
        fused = try Linear.fusing([query, key, value])?.packed()
        headCount = heads
        self.dropout = dropout
    }

    /// What tokens [tokens, width] of packed sequences attend to, heads side by side.
    func callAsFunction(
        _ x: Tensor, offsets: Tensor, isCausal: Bool = false, in pass: Pass
    ) throws -> Tensor {
        let projected =
            try fused?(x) ?? .concatenated([query(x), key(x), value(x)], along: 1)
        return try pass.attention(
            projected, offsets: offsets, heads: headCount, isCausal: isCausal, dropout: dropout)
    }
}
