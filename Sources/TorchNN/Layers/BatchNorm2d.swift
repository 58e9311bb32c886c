import Torch

/// Normalization of each channel over a batch of maps, with a learned scale and shift.
///
/// A layer whose scale is trained normalizes by the batch in training and moves its running
/// statistics; a frozen one always normalizes by these, so that freezing changes nothing.
public struct BatchNorm2d {
    /// [channels].
    public let weight: Tensor
    /// [channels].
    public let bias: Tensor
    /// The running mean [channels].
    public let mean: Tensor
    /// The running unbiased variance [channels].
    public let variance: Tensor
    /// Batches that have moved the statistics, a 64-bit scalar.
    public let batches: Tensor
    /// Added to the variance.
    public let epsilon: Double
    /// How far a batch moves the statistics towards its own.
    public let momentum: Double

    /// A layer named by `scope`; PyTorch's constants by default.
    ///
    /// Everything stays float32 in any compute type: the kernels want the statistics so.
    public init(
        _ channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, at scope: Scope
    ) throws {
        weight = try scope.parameter("weight", [channels], .ones, as: .float32)
        bias = try scope.parameter("bias", [channels], .zeros, as: .float32)
        mean = try scope.buffer("running_mean", [channels], .zeros)
        variance = try scope.buffer("running_var", [channels], .ones)
        batches = try scope.buffer("num_batches_tracked", [], .zeros, as: .int64)
        self.epsilon = epsilon
        self.momentum = momentum
    }

    /// Normalizes maps [n, channels, height, width].
    ///
    /// Throws `TorchError` where a batch in training has but one value a channel.
    public func callAsFunction(_ x: Tensor, in pass: Pass) throws -> Tensor {
        let usesBatch = pass.isTraining && weight.requiresGradient
        let normalized = try x.batchNormalized(
            weight: weight, bias: bias, runningMean: mean, runningVariance: variance,
            training: usesBatch, momentum: momentum, epsilon: epsilon)
        if usesBatch {
            try batches.assign(batches + .ones([], dtype: .int64, device: batches.device))
        }
        return normalized
    }
}
