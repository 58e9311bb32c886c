import Torch

/// Normalization over the last dimension, with a learned scale and shift.
public struct LayerNorm {
    /// [width].
    public let weight: Tensor
    /// [width].
    public let bias: Tensor
    /// Added to the variance.
    public let epsilon: Double

    /// A layer named by `scope`.
    public init(_ width: Int, epsilon: Double, at scope: Scope) throws {
        weight = try scope.parameter("weight", [width], .ones)
        bias = try scope.parameter("bias", [width], .zeros)
        self.epsilon = epsilon
    }

    /// Normalizes [..., width].
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        let dtype = x.dtype
        return try x.layerNormalized(
            weight: weight.matching(dtype), bias: bias.matching(dtype), epsilon: epsilon)
    }
}
