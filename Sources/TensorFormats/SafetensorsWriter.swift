import Files
import Foundation
import JSON

/// Writes safetensors as the reference writer does.
public enum SafetensorsWriter {
    /// Writes `tensors` to `url`, streaming their bytes.
    ///
    /// The file appears under its name only when it is complete. Tensors that share a storage are
    /// written once each: the format knows no sharing.
    /// - Throws: `FormatError` when a name is taken twice or the file cannot be written.
    public static func write(
        _ tensors: [StoredTensor], metadata: [String: String], to url: URL
    ) throws {
        try checkNames(tensors, for: url)
        // The reference sorts by alignment, the largest first, so that all data are aligned.
        let ordered = tensors.sorted { left, right in
            let ranks = (rank(of: left.scalarType), rank(of: right.scalarType))
            return ranks.0 == ranks.1
                ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8) : ranks.0 < ranks.1
        }
        let header = try header(of: ordered, metadata: metadata, for: url)
        try AtomicFile.write(to: url) { file in
            try file.write(header)
            for tensor in ordered { try file.write(tensor.bytes) }
        }
    }

    static func checkNames(_ tensors: [StoredTensor], for url: URL) throws {
        var names = Set<String>()
        for tensor in tensors {
            guard names.insert(tensor.name).inserted else {
                throw FormatError(
                    file: url.path, what: "would hold two tensors of one name",
                    where: "tensor \(tensor.name.quotedForMessage)")
            }
        }
    }

    /// Place of a type in the order of the reference writer, which is that of its enumeration
    /// from the end.
    private static func rank(of type: ScalarType) -> Int {
        switch type {
        case .int64: 0
        case .float64: 1
        case .float32: 2
        case .int32: 3
        case .bfloat16: 4
        case .float16: 5
        case .int16: 6
        case .int8: 7
        case .uint8: 8
        case .bool: 9
        }
    }

    private static func header(
        of tensors: [StoredTensor], metadata: [String: String], for url: URL
    ) throws -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }
                .map { JSONValue.literal($0.key) + ":" + JSONValue.literal($0.value) }
            members.append("\"__metadata__\":{" + pairs.joined(separator: ",") + "}")
        }
        var offset = 0
        for tensor in tensors {
            guard tensor.name != "__metadata__" else {
                throw FormatError(file: url.path, what: "a tensor cannot be called __metadata__")
            }
            let (end, overflow) = offset.addingReportingOverflow(tensor.bytes.count)
            guard !overflow else {
                throw FormatError(file: url.path, what: "would be too large for any file system")
            }
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(JSONValue.literal(tensor.name)):{\"dtype\":\"\(tensor.scalarType.rawValue)\","
                    + "\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var json = Array(("{" + members.joined(separator: ",") + "}").utf8)
        while !json.count.isMultiple(of: 8) { json.append(UInt8(ascii: " ")) }
        guard json.count <= ReadLimits.default.maximumHeaderBytes else {
            throw FormatError(
                file: url.path, what: "would have a header longer than readers accept")
        }
        return littleEndianBytes(UInt64(json.count)) + json
    }
}

/// The bytes of `value`, the lowest first.
func littleEndianBytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
