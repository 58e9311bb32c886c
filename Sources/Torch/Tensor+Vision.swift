import CTorch

/// How values between those given are made up when a map grows.
public enum Upsampling: String, Sendable, Codable {
    /// From the two nearest values a dimension; the corners stay where they are.
    case bilinearAligned
    /// From the two nearest values a dimension, by the centers of the cells.
    case bilinear
    /// From the four nearest values a dimension, by the centers of the cells.
    case bicubic
}

extension Tensor {
    /// Cross-correlation of maps [n, channels, height, width] with `weight`
    /// [outputs, channels, window, window], after a border of `padding` zeros.
    public func convolved(
        _ weight: Tensor, _ bias: Tensor?, stride: Int = 1, padding: Int = 0
    ) throws(TorchError) -> Tensor {
        try Tensor.make("conv2d") {
            ct_conv2d(
                handle, weight.handle, bias?.handle, Int64(stride), Int64(padding), &$0)
        }
    }

    /// The greatest value of each square `window` of [n, channels, height, width].
    public func maxPooled(window: Int, stride: Int, padding: Int = 0) throws(TorchError) -> Tensor {
        try Tensor.make("max_pool2d") {
            ct_max_pool2d(handle, Int64(window), Int64(stride), Int64(padding), &$0)
        }
    }

    /// Means of [n, channels, height, width] over bins that make `height` × `width` of any size,
    /// overlapping where it does not divide.
    public func averagePooled(toHeight height: Int, width: Int) throws(TorchError) -> Tensor {
        try Tensor.make("adaptive_avg_pool2d") {
            ct_adaptive_avg_pool2d(handle, Int64(height), Int64(width), &$0)
        }
    }

    /// Each channel (dimension 1) normalized to mean 0 and variance 1, then scaled and shifted.
    ///
    /// In training the statistics are the batch's, and the running ones move towards them by
    /// `momentum`, in place; otherwise they are the running ones. Throws where a batch in training
    /// has one value a channel. With 16-bit maps all four tensors may be float32.
    public func batchNormalized(
        weight: Tensor, bias: Tensor, runningMean: Tensor, runningVariance: Tensor,
        training: Bool, momentum: Double, epsilon: Double
    ) throws(TorchError) -> Tensor {
        try Tensor.make("batch_norm") {
            ct_batch_norm(
                handle, weight.handle, bias.handle, runningMean.handle, runningVariance.handle,
                training, momentum, epsilon, &$0)
        }
    }

    /// Maps [n, channels, height, width] in another size.
    public func upsampled(
        toHeight height: Int, width: Int, _ method: Upsampling
    ) throws(TorchError) -> Tensor {
        switch method {
        case .bilinear, .bilinearAligned:
            try Tensor.make("upsample_bilinear2d") {
                ct_upsample_bilinear2d(
                    handle, Int64(height), Int64(width), method == .bilinearAligned, &$0)
            }
        case .bicubic:
            try Tensor.make("upsample_bicubic2d") {
                ct_upsample_bicubic2d(handle, Int64(height), Int64(width), false, &$0)
            }
        }
    }

    /// The dimensions `first` to `last` made one, in row-major order; -1 is the last there is.
    public func flattened(from first: Int = 0, to last: Int = -1) throws(TorchError) -> Tensor {
        try Tensor.make("flatten") { ct_flatten(handle, Int64(first), Int64(last), &$0) }
    }

    /// Replaces every element by max(0, x), and returns `self`; nothing that the gradient of an
    /// earlier operation needs may be overwritten so.
    @discardableResult
    public func reluInPlace() throws(TorchError) -> Tensor {
        try check(ct_relu_(handle), "relu")
        return self
    }

    /// The same elements of [n, channels, height, width] as `dtype`, the channels of a place side
    /// by side in memory, as convolutions like them.
    public func channelsLast(as dtype: DType? = nil) throws(TorchError) -> Tensor {
        let dtype = dtype ?? self.dtype
        return try Tensor.make("channels_last") { ct_to_channels_last(handle, dtype.raw, &$0) }
    }

    /// Whether the channels of a place lie side by side, without gaps.
    public var isChannelsLast: Bool { ct_is_channels_last(handle) }

    /// Bytes [n, height, width, 3] as (x / 255 - mean) / deviation a channel: [n, 3, height, width]
    /// of `dtype`, channels last, in one pass over memory.
    public func normalizedImages(
        mean: [Double], deviation: [Double], as dtype: DType
    ) throws(TorchError) -> Tensor {
        guard mean.count == 3, deviation.count == 3 else {
            throw TorchError(
                .invalidArgument, in: "normalize_images",
                "expected a mean and a deviation for each of 3 channels")
        }
        return try Tensor.make("normalize_images") {
            ct_normalize_images(handle, mean, deviation, dtype.raw, &$0)
        }
    }
}
