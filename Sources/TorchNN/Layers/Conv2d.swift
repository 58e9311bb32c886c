import Torch

/// Cross-correlation with square windows over maps [n, channels, height, width].
public struct Conv2d {
    /// [outputs, inputs, window, window].
    public let weight: Tensor
    /// [outputs], or nil.
    public let bias: Tensor?
    /// Places from one window to the next.
    public let stride: Int
    /// Zeros around the map.
    public let padding: Int

    /// A layer named by `scope`.
    public init(
        _ inputs: Int, _ outputs: Int, window: Int, stride: Int = 1, padding: Int = 0,
        bias: Bool = true, weight initializer: Initializer = .kaimingUniform, at scope: Scope
    ) throws {
        weight = try scope.parameter("weight", [outputs, inputs, window, window], initializer)
        self.bias = bias ? try scope.parameter("bias", [outputs], .zeros) : nil
        self.stride = stride
        self.padding = padding
    }

    /// Maps [n, inputs, height, width] to [n, outputs, …], channels last where `x` is.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        // A trained weight is float32 and row-major. It takes the activations' type and layout in
        // one copy here, or the kernel would lay it out anew in each direction.
        let dtype = x.dtype
        let kernel =
            x.isChannelsLast ? try weight.channelsLast(as: dtype) : try weight.matching(dtype)
        return try x.convolved(kernel, bias?.matching(dtype), stride: stride, padding: padding)
    }
}
