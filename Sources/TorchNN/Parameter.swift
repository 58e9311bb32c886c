import Torch

/// A tensor of a model under the name it has on disk.
public struct Parameter {
    /// The canonical name, as in `bert.encoder.layer.0.intermediate.dense.weight`.
    public let name: String
    /// The value, which optimizers update in place.
    public let tensor: Tensor
}

/// How a parameter that no file holds begins.
public enum Initializer: Sendable, Equatable {
    /// All zeros.
    case zeros
    /// All ones.
    case ones
    /// One number everywhere.
    case constant(Double)
    /// Drawn from a normal distribution around zero.
    case normal(deviation: Double)
    /// Drawn uniformly from ±√(1/inputs), as PyTorch's `Linear` begins; inputs are the product of
    /// all dimensions but the first.
    case kaimingUniform
}

/// Where parameters come from: fresh numbers, a checkpoint, or nowhere (shapes only).
public protocol ParameterSource: AnyObject {
    /// The value of a parameter of `shape`, float32 on the host unless the source knows better.
    func tensor(named name: String, shape: [Int], initializer: Initializer) throws -> Tensor
    /// The value of a buffer of `shape`, as `dtype`.
    func buffer(
        named name: String, shape: [Int], dtype: DType, initializer: Initializer
    ) throws -> Tensor
    /// Whether the source itself holds a value under this name.
    func holds(_ name: String) -> Bool
}

extension ParameterSource {
    /// A buffer that begins as a parameter would.
    public func buffer(
        named name: String, shape: [Int], dtype: DType, initializer: Initializer
    ) throws -> Tensor {
        try tensor(named: name, shape: shape, initializer: initializer).cast(to: dtype)
    }
}

/// Draws every parameter afresh; each name has a stream of its own, so that a parameter added to a
/// model does not change the others.
public final class FreshSource: ParameterSource {
    private let seed: UInt64

    /// A source of fresh parameters.
    public init(seed: UInt64) { self.seed = seed }

    /// A newly drawn tensor.
    public func tensor(named name: String, shape: [Int], initializer: Initializer) throws -> Tensor
    {
        switch initializer {
        case .zeros: return try .zeros(shape)
        case .ones: return try .ones(shape)
        case .constant(let value): return try .full(shape, value)
        case .normal(let deviation):
            let tensor = try Tensor.empty(shape)
            try seedGenerators(streamKey(name))
            try tensor.fillNormal(deviation: deviation)
            return tensor
        case .kaimingUniform:
            // In floating point: the sizes of a wrong configuration may overflow an integer.
            let inputs = shape.dropFirst().reduce(1.0) { $0 * Double($1) }
            let bound = inputs > 0 ? (1 / inputs).squareRoot() : 0
            let tensor = try Tensor.empty(shape)
            try seedGenerators(streamKey(name))
            try tensor.fillUniform(-bound...bound)
            return tensor
        }
    }

    /// Never: nothing here comes from a file.
    public func holds(_ name: String) -> Bool { false }

    /// FNV-1a over the seed and the name.
    private func streamKey(_ name: String) -> UInt64 {
        var hash = 0xcbf2_9ce4_8422_2325 ^ (seed &* 0x9e37_79b9_7f4a_7c15)
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return hash
    }
}

/// Shapes without memory, for looking at a model.
public final class ShapeSource: ParameterSource {
    /// A source of shapes.
    public init() {}

    /// A tensor on the meta device.
    public func tensor(named _: String, shape: [Int], initializer _: Initializer) throws -> Tensor {
        try .empty(shape, device: .meta)
    }

    /// Never: nothing here comes from a file.
    public func holds(_ name: String) -> Bool { false }
}
