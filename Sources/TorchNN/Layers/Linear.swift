import Torch

/// Affine map `x Wᵀ + b`, stored the way PyTorch stores it.
public struct Linear {
    /// [outputs, inputs].
    public let weight: Tensor
    /// [outputs], or nil.
    public let bias: Tensor?
    /// The weight and its transpose as oneDNN multiplies them fastest, where the layer is packed.
    private var kernels: (forward: Tensor, backward: Tensor)?

    /// A layer named by `scope`.
    public init(
        _ inputs: Int, _ outputs: Int, bias: Bool = true,
        weight initializer: Initializer = .kaimingUniform, at scope: Scope
    ) throws {
        weight = try scope.parameter("weight", [outputs, inputs], initializer)
        self.bias = bias ? try scope.parameter("bias", [outputs], .zeros) : nil
    }

    /// A layer of tensors that stand elsewhere, such as a tied decoder.
    public init(weight: Tensor, bias: Tensor?) {
        self.weight = weight
        self.bias = bias
    }

    /// One layer that computes what `layers` compute side by side, or nil where one of them is
    /// trained, has no bias, or has no memory.
    public static func fusing(_ layers: [Linear]) throws -> Linear? {
        let biases = layers.compactMap(\.bias)
        let parameters = layers.map(\.weight) + biases
        guard biases.count == layers.count,
            parameters.allSatisfy({ !$0.requiresGradient && $0.device != .meta })
        else { return nil }
        return Linear(
            weight: try .concatenated(layers.map(\.weight), along: 0),
            bias: try .concatenated(biases, along: 0))
    }

    /// The same layer, with copies of its weight arranged for faster products where that pays: on
    /// the host, in bfloat16, where the weight is not trained. It must not be changed afterwards.
    public func packed() throws -> Linear {
        guard weight.dtype == .bfloat16, weight.device == .cpu, !weight.requiresGradient,
            Hardware.hasFastBFloat16
        else { return self }
        var layer = self
        layer.kernels = (try weight.packed(), try weight.transposed(0, 1).packed())
        return layer
    }

    /// Maps [..., inputs] to [..., outputs].
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        if let kernels {
            return try x.packedLinear(kernels.forward, transposed: kernels.backward, bias)
        }
        // A trained weight is float32; it joins the activations' type here, and only here.
        let dtype = x.dtype
        return try x.linear(weight.matching(dtype), bias?.matching(dtype))
    }
}

extension Tensor {
    /// `self`, cast only where the type differs.
    func matching(_ dtype: DType) throws -> Tensor {
        self.dtype == dtype ? self : try cast(to: dtype)
    }
}
