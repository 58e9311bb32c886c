import CTorch

extension Tensor {
    /// `x Wᵀ + b`: `self` is [..., inputs], `weight` [outputs, inputs], `bias` [outputs].
    public func linear(_ weight: Tensor, _ bias: Tensor?) throws(TorchError) -> Tensor {
        try Tensor.make("linear") { ct_linear(handle, weight.handle, bias?.handle, &$0) }
    }

    /// Rows of `self` ([vocabulary, width]) at `ids`; the row `padding` gets no gradient.
    public func rows(at ids: Tensor, padding: Int? = nil) throws(TorchError) -> Tensor {
        try Tensor.make("embedding") {
            ct_embedding(handle, ids.handle, Int64(padding ?? -1), &$0)
        }
    }

    /// Normalized to mean 0 and variance 1 over the last dimension, then scaled and shifted.
    public func layerNormalized(
        weight: Tensor, bias: Tensor?, epsilon: Double
    ) throws(TorchError) -> Tensor {
        try Tensor.make("layer_norm") {
            ct_layer_norm(handle, weight.handle, bias?.handle, epsilon, &$0)
        }
    }

    /// Gaussian error linear unit: exact (erf), or its tanh approximation.
    public func gelu(tanhApproximation: Bool = false) throws(TorchError) -> Tensor {
        try Tensor.make("gelu") { ct_gelu(handle, tanhApproximation, &$0) }
    }

    /// Exponentials along `dimension`, scaled to sum to one.
    public func softmax(_ dimension: Int = -1) throws(TorchError) -> Tensor {
        try Tensor.make("softmax") { ct_softmax(handle, Int64(dimension), &$0) }
    }

    /// The logarithm of `softmax`, computed stably.
    public func logSoftmax(_ dimension: Int = -1) throws(TorchError) -> Tensor {
        try Tensor.make("log_softmax") { ct_log_softmax(handle, Int64(dimension), &$0) }
    }

    /// softmax(Q Kᵀ · scale + mask) V over [batch, heads, length, width].
    ///
    /// A boolean mask keeps where it is true; a floating-point mask is added.
    public static func attention(
        query: Tensor, key: Tensor, value: Tensor, mask: Tensor?, scale: Double,
        dropout: Double = 0
    ) throws(TorchError) -> Tensor {
        try make("attention") {
            ct_attention(
                query.handle, key.handle, value.handle, mask?.handle, dropout, scale, &$0)
        }
    }

    /// Mean (or summed) cross-entropy of logits [n, classes] against labels [n], 64-bit.
    ///
    /// Labels equal to `ignored` count for nothing; where all are ignored the mean is not a number.
    public func crossEntropy(
        _ labels: Tensor, ignoring ignored: Int = -100, mean: Bool = true
    ) throws(TorchError) -> Tensor {
        try Tensor.make("cross_entropy") {
            ct_cross_entropy(handle, labels.handle, Int64(ignored), mean, &$0)
        }
    }

    /// Mean squared difference, a scalar.
    public func meanSquaredError(_ other: Tensor) throws(TorchError) -> Tensor {
        try Tensor.make("mse_loss") { ct_mse(handle, other.handle, &$0) }
    }

    /// Zeroes each element with probability `p` and scales the others by 1/(1-p).
    ///
    /// On the host the mask depends on `key` alone, not on threads or on earlier draws; on other
    /// devices it comes from the device's generator.
    public func dropout(_ p: Double, key: UInt64) throws(TorchError) -> Tensor {
        guard p != 0 else { return self }
        return try Tensor.make("dropout") { ct_dropout(handle, p, key, &$0) }
    }
}
