import Torch

/// Affine map `x Wᵀ + b`, stored the way PyTorch stores it.
public struct Linear {
    /// [outputs, inputs].
    public let weight: Tensor
    /// [outputs], or nil.
    public let bias: Tensor?

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

    /// Maps [..., inputs] to [..., outputs].
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
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
