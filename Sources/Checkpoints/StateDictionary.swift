import Foundation
import TensorFormats
import Torch

extension ScalarType {
    /// The same type in memory.
    public var dtype: DType {
        switch self {
        case .float64: .float64
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .int64: .int64
        case .int32: .int32
        case .int16: .int16
        case .int8: .int8
        case .uint8: .uint8
        case .bool: .bool
        }
    }

    /// The type on disk of a tensor in memory.
    public init(_ dtype: DType) {
        switch dtype {
        case .float64: self = .float64
        case .float32: self = .float32
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        case .int64: self = .int64
        case .int32: self = .int32
        case .int16: self = .int16
        case .int8: self = .int8
        case .uint8: self = .uint8
        case .bool: self = .bool
        }
    }
}

extension StoredTensor {
    /// The tensor on the host, in its type on disk.
    public func tensor() throws -> Tensor {
        try bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: shape, dtype: scalarType.dtype) }
    }

    /// A tensor in memory as it will lie on disk.
    public init(name: String, _ tensor: Tensor, as type: ScalarType? = nil) throws {
        let type = type ?? ScalarType(tensor.dtype)
        try self.init(
            name: name, scalarType: type, shape: tensor.shape,
            bytes: tensor.cast(to: type.dtype).bytes())
    }
}

/// All tensors of a checkpoint under their names on disk, over one file or several shards.
public struct StateDictionary: Sendable {
    /// The files, in order.
    public let archives: [TensorArchive]
    /// Every tensor, in file order.
    public let tensors: [StoredTensor]

    private let indices: [String: Int]

    /// The tensors of `archives`.
    ///
    /// Throws `CheckpointError` where two shards hold one name, or where there is nothing to choose
    /// from and ``WeightsChoice`` says what.
    public init(_ archives: [TensorArchive]) throws {
        if WeightsChoice.key != nil, let file = archives.first(where: { $0.format == .safetensors })
        {
            throw CheckpointError(
                file.url, "is safetensors, which holds one dictionary of tensors",
                advice: "leave --weights out, or name a file of torch.save")
        }
        self.archives = archives
        tensors = archives.flatMap(\.tensors)
        var indices: [String: Int] = [:]
        for (index, tensor) in tensors.enumerated() {
            if indices.updateValue(index, forKey: tensor.name) != nil, let first = archives.first {
                throw CheckpointError(
                    first.url.deletingLastPathComponent(),
                    "the tensor ‘\(tensor.name)’ is in more than one shard",
                    advice: "download the checkpoint again, or remove the shard that is too many")
            }
        }
        self.indices = indices
    }

    /// The tensor of this name on disk.
    public subscript(name: String) -> StoredTensor? { indices[name].map { tensors[$0] } }

    /// All names on disk.
    public var names: [String] { tensors.map(\.name) }
}
