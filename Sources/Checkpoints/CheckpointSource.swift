import Foundation
import TensorFormats
import Torch
import TorchNN

/// Gives a model its parameters from a state dictionary through a dialect, and from a fallback
/// where the checkpoint has none and that is allowed.
public final class CheckpointSource: ParameterSource {
    private let url: URL
    private let byName: [String: StoredTensor]
    private let fallback: any ParameterSource
    private let mayBeMissing: ParameterPattern

    /// Canonical names that the model asked for and the checkpoint had.
    public private(set) var read: Set<String> = []
    /// Canonical names that came from the fallback, in the order asked.
    public private(set) var missing: [String] = []

    /// A source over `state`; names that `mayBeMissing` selects may come from `fallback`.
    public init(
        _ state: StateDictionary, dialect: Dialect, at url: URL,
        fallback: any ParameterSource = ShapeSource(), mayBeMissing: ParameterPattern = .none
    ) {
        self.url = url
        self.fallback = fallback
        self.mayBeMissing = mayBeMissing
        var byName: [String: StoredTensor] = [:]
        for tensor in state.tensors {
            let canonical = dialect.canonical(tensor.name)
            // Of a parameter and its copies, the parameter itself is the one that counts.
            if byName[canonical] == nil || dialect.onDisk(canonical) == tensor.name {
                byName[canonical] = tensor
            }
        }
        self.byName = byName
    }

    /// The value of a canonical name, as float32.
    public func tensor(named name: String, shape: [Int], initializer: Initializer) throws -> Tensor
    {
        guard let stored = byName[name] else {
            guard mayBeMissing.matches(name) else {
                throw CheckpointError(
                    url, "the tensor ‘\(name)’ is missing",
                    advice: "the weights do not belong to this config.json, or are incomplete")
            }
            missing.append(name)
            return try fallback.tensor(named: name, shape: shape, initializer: initializer)
        }
        guard stored.shape == shape else {
            throw CheckpointError(
                url,
                "the tensor ‘\(name)’ has shape \(stored.shape); config.json asks for \(shape)",
                advice: "the weights and config.json do not belong together")
        }
        guard stored.scalarType.dtype.isFloatingPoint else {
            throw CheckpointError(
                url, "the tensor ‘\(name)’ holds \(stored.scalarType.rawValue), not floating point",
                advice: "quantized checkpoints cannot be trained; use the original weights")
        }
        read.insert(name)
        return try stored.tensor().cast(to: .float32)
    }

    /// Whether the checkpoint has the name.
    public func holds(_ name: String) -> Bool { byName[name] != nil }

    /// Canonical names in the checkpoint that no layer asked for, sorted.
    public var unread: [String] { byName.keys.filter { !read.contains($0) }.sorted() }
}
