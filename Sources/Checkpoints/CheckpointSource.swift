import Foundation
import TensorFormats
import Torch
import TorchNN

/// Gives a model its parameters from a state dictionary through a dialect, and from a fallback
/// where the checkpoint has none and that is allowed.
public final class CheckpointSource: ParameterSource {
    /// A tensor on disk, and which of how many equal shares of its rows a parameter is.
    private struct Entry {
        let stored: StoredTensor
        let isTransposed: Bool
        let share: Int
        let shares: Int
    }

    private let url: URL
    private let entries: [String: Entry]
    private let fallback: any ParameterSource
    private let mayBeMissing: ParameterPattern
    private let description: String

    /// Canonical names that the model asked for and the checkpoint had.
    public private(set) var read: Set<String> = []
    /// Canonical names that came from the fallback, in the order asked.
    public private(set) var missing: [String] = []

    /// A source over `state`; names that `mayBeMissing` selects may come from `fallback`.
    ///
    /// `description` is what says which shapes there must be, for messages.
    public init(
        _ state: StateDictionary, dialect: Dialect, at url: URL,
        fallback: any ParameterSource = ShapeSource(), mayBeMissing: ParameterPattern = .none,
        describedBy description: String = "config.json"
    ) {
        self.url = url
        self.fallback = fallback
        self.mayBeMissing = mayBeMissing
        self.description = description
        var entries: [String: Entry] = [:]
        for tensor in state.tensors {
            let names = dialect.parameters(in: tensor.name)
            let isTransposed = dialect.isTransposed(tensor.name)
            for (share, name) in names.enumerated() {
                // Of a parameter and its copies, the parameter itself is the one that counts.
                if entries[name] == nil || dialect.onDisk(name) == tensor.name {
                    entries[name] = Entry(
                        stored: tensor, isTransposed: isTransposed, share: share,
                        shares: names.count)
                }
            }
        }
        self.entries = entries
    }

    /// The value of a canonical name, as float32.
    public func tensor(named name: String, shape: [Int], initializer: Initializer) throws -> Tensor
    {
        guard let stored = try stored(name, shape) else {
            return try fallback.tensor(named: name, shape: shape, initializer: initializer)
        }
        guard stored.scalarType.dtype.isFloatingPoint else {
            throw CheckpointError(
                url, "the tensor ‘\(name)’ holds \(stored.scalarType.rawValue), not floating point",
                advice: "quantized checkpoints cannot be trained; use the original weights")
        }
        if let damage = stored.nonFinite {
            throw CheckpointError(
                url, "the tensor \(damage)",
                advice: "the weights are damaged; download them again, or ask their publisher")
        }
        return try stored.tensor().cast(to: .float32)
    }

    /// The value of a buffer, whatever its type on disk is.
    public func buffer(
        named name: String, shape: [Int], dtype: DType, initializer: Initializer
    ) throws -> Tensor {
        guard let stored = try stored(name, shape) else {
            return try fallback.buffer(
                named: name, shape: shape, dtype: dtype, initializer: initializer)
        }
        return try stored.tensor().cast(to: dtype)
    }

    /// The tensor of a canonical name in its right shape; nil where it may come from the fallback.
    private func stored(_ name: String, _ shape: [Int]) throws -> StoredTensor? {
        guard let entry = entries[name] else {
            guard mayBeMissing.matches(name) else {
                throw CheckpointError(
                    url, "the tensor ‘\(name)’ is missing",
                    advice: "the weights do not belong to this \(description), or are incomplete")
            }
            missing.append(name)
            return nil
        }
        var stored = try entry.stored.share(entry.share, of: entry.shares, named: name)
        if entry.isTransposed, stored.shape.count == 2 { stored = try stored.transposed() }
        guard stored.shape == shape else {
            throw CheckpointError(
                url,
                "the tensor ‘\(name)’ has shape \(stored.shape); \(description) asks for \(shape)",
                advice: "the weights and \(description) do not belong together")
        }
        read.insert(name)
        return stored
    }

    /// Whether the checkpoint has the name.
    public func holds(_ name: String) -> Bool { entries[name] != nil }

    /// Canonical names in the checkpoint that no layer asked for, sorted.
    public var unread: [String] { entries.keys.filter { !read.contains($0) }.sorted() }
}
