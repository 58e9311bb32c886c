import CTorch

extension Tensor {
    /// `dropout(self) + residual`, and its layer normalization over the last dimension, in one pass.
    ///
    /// `self` and `residual` are [..., width], `weight` and `bias` [width] of any floating type. On
    /// the host the mask of dropout depends on `key` alone.
    public func normalized(
        adding residual: Tensor, weight: Tensor, bias: Tensor, epsilon: Double,
        dropout p: Double = 0, key: UInt64 = 0
    ) throws(TorchError) -> (normalized: Tensor, sum: Tensor) {
        let results = try Tensor.several("residual_norm", 2) {
            ct_residual_norm(
                handle, residual.handle, weight.handle, bias.handle, epsilon, p, key, $0)
        }
        return (results[0], results[1])
    }

    /// x · sigmoid(1.702 x), the approximation of GELU that OpenAI's CLIP has, in one pass.
    public func quickGELU() throws(TorchError) -> Tensor {
        try Tensor.make("quick_gelu") { ct_quick_gelu(handle, &$0) }
    }

    /// Self-attention within sequences that lie one behind the other, with dropout on its
    /// probabilities: softmax(Q Kᵀ / √size) V for each head.
    ///
    /// `self` is [tokens, 3 · hidden]: queries, keys and values side by side, each head after head.
    /// `offsets` [sequences + 1] says where sequences begin, on the host. Where it `isCausal`, a
    /// token attends to itself and to those before it only. The result is [tokens, hidden].
    public func packedAttention(
        offsets: Tensor, heads: Int, isCausal: Bool = false, dropout p: Double = 0,
        key: UInt64 = 0
    ) throws(TorchError) -> Tensor {
        try Tensor.make("packed_attention") {
            ct_packed_attention(handle, offsets.handle, Int64(heads), isCausal, p, key, &$0)
        }
    }

    /// A matrix [outputs, inputs] in the order in which oneDNN multiplies it; nothing but
    /// `packedLinear` takes it.
    public func packed() throws(TorchError) -> Tensor {
        try Tensor.make("pack_linear") { ct_pack_linear(handle, &$0) }
    }

    /// `x Wᵀ + b` with a packed W and, for the gradient of x alone, a packed Wᵀ.
    public func packedLinear(
        _ weight: Tensor, transposed: Tensor, _ bias: Tensor?
    ) throws(TorchError) -> Tensor {
        try Tensor.make("packed_linear") {
            ct_packed_linear(handle, weight.handle, transposed.handle, bias?.handle, &$0)
        }
    }
}
