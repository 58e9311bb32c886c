import Files
import Foundation
import JSON

/// The index of a sharded checkpoint: `model.safetensors.index.json`, `pytorch_model.bin.index.json`.
public struct ShardIndex: Sendable {
    /// The index file.
    public let url: URL
    /// Shard file name of each tensor.
    public let weightMap: [String: String]
    /// `metadata.total_size`: bytes of all tensors together, where the index says.
    public let totalSize: Int?
    /// Shard file names, sorted; plain names within the index's folder.
    public let shards: [String]

    /// Parses the index at `url`.
    ///
    /// - Throws: `FormatError` when it is not such an index, or a shard is not a plain file name.
    public init(contentsOf url: URL, limits: ReadLimits = .default) throws {
        let file = try MappedFile(url)
        guard file.count <= limits.maximumHeaderBytes else {
            throw FormatError(
                file: file.path, what: "is larger than \(limits.maximumHeaderBytes) bytes",
                advice: "check that this is the index and not the weights")
        }
        let document = try file.withUnsafeBytes {
            try JSONValue(parsing: $0, file: file.path, place: "index")
        }
        guard let entries = document["weight_map"]?.object?.members else {
            throw FormatError(
                file: file.path, what: "has no weight_map object",
                advice: "expected the index of a sharded checkpoint")
        }
        guard entries.count <= limits.maximumTensors else {
            throw FormatError(
                file: file.path, what: "names more than \(limits.maximumTensors) tensors")
        }
        var map: [String: String] = [:]
        for entry in entries {
            map[entry.key] = try Self.shardName(entry.value, of: entry.key, file: file.path)
        }
        self.url = url
        weightMap = map
        shards = Set(map.values).sorted()
        totalSize = try Self.totalSize(document, file: file.path)
    }

    /// Where the shard called `name` is.
    public func shardURL(_ name: String) -> URL {
        url.deletingLastPathComponent().appendingPathComponent(name)
    }

    private static func shardName(
        _ value: JSONValue, of tensor: String, file: String
    ) throws -> String {
        let place = "weight_map, tensor \(tensor.quotedForMessage)"
        guard case .string(let name) = value else {
            throw FormatError(file: file, what: "the shard is not a file name", where: place)
        }
        let isPlain =
            !name.isEmpty && name != "." && name != ".."
            && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0.value < 0x20 }
        guard isPlain else {
            throw FormatError(
                file: file, what: "\(name.quotedForMessage) is not a plain file name", where: place,
                advice: "shards must lie beside the index")
        }
        return name
    }

    private static func totalSize(_ document: JSONValue, file: String) throws -> Int? {
        switch document["metadata"]?["total_size"] {
        case nil, .null: return nil
        case .integer(let size) where size >= 0: return size
        case .number(let size):
            if let size = Int(exactly: size), size >= 0 { return size }
            fallthrough
        default:
            throw FormatError(
                file: file, what: "total_size is not a number of bytes", where: "metadata")
        }
    }
}
