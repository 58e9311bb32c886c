import Files
import JSON

/// Reads safetensors with every check of the reference reader.
struct SafetensorsReader {
    let file: MappedFile
    let limits: ReadLimits

    /// Where a tensor's elements lie, counted from the end of the header.
    private struct Extent {
        let name: String
        let type: ScalarType
        let shape: [Int]
        let start: Int
        let end: Int
    }

    private func failure(_ what: String, at place: String? = nil) -> FormatError {
        FormatError(
            file: file.path, what: what, where: place,
            advice: "the file is damaged or was cut short; download or copy it again")
    }

    func read() throws -> ArchiveContents {
        let headerEnd = try headerEnd()
        let members = try file.withUnsafeBytes { bytes in
            let header = UnsafeRawBufferPointer(rebasing: bytes[8..<headerEnd])
            let document = try JSONValue(parsing: header, file: file.path, place: "header")
            guard let object = document.object else {
                throw failure("the header is not a JSON object", at: "header")
            }
            return object.members
        }
        guard members.count <= limits.maximumTensors else {
            throw failure("\(members.count) tensors, above the limit of \(limits.maximumTensors)")
        }
        var contents = ArchiveContents()
        var extents: [Extent] = []
        for (name, value) in members {
            if name == "__metadata__" {
                contents.metadata = try metadata(value)
            } else {
                extents.append(try extent(name, value))
            }
        }
        extents.sort { ($0.start, $0.end) < ($1.start, $1.end) }
        try checkCoverage(extents, dataCount: file.count - headerEnd)
        contents.tensors = try extents.map { try tensor($0, headerEnd: headerEnd) }
        return contents
    }

    private func headerEnd() throws -> Int {
        let stored = file.withUnsafeBytes { $0.integer(UInt64.self, at: 0) }
        guard let stored else { throw failure("is shorter than the 8 bytes of a header length") }
        guard stored <= UInt64(max(limits.maximumHeaderBytes, 0)) else {
            throw failure(
                "header length \(stored) is above the limit of \(limits.maximumHeaderBytes) bytes",
                at: "header")
        }
        let length = Int(stored)
        guard length <= file.count - 8 else {
            throw failure(
                "header length \(length) is more than the \(file.count - 8) bytes that follow",
                at: "header")
        }
        return 8 + length
    }

    private func metadata(_ value: JSONValue) throws -> [String: String] {
        guard let members = value.object?.members else {
            throw failure("is not an object of strings", at: "__metadata__")
        }
        var metadata: [String: String] = [:]
        for member in members {
            guard case .string(let text) = member.value else {
                throw failure(
                    "value of \(member.key.quotedForMessage) is not a string", at: "__metadata__")
            }
            metadata[member.key] = text
        }
        return metadata
    }

    private func extent(_ name: String, _ value: JSONValue) throws -> Extent {
        let place = "tensor \(name.quotedForMessage)"
        guard let members = value.object?.members else {
            throw failure("is not an object", at: place)
        }
        let unknown = members.first { !["dtype", "shape", "data_offsets"].contains($0.key) }
        if let unknown {
            throw failure("has the unknown field \(unknown.key.quotedForMessage)", at: place)
        }
        guard case .string(let typeName)? = value["dtype"] else {
            throw failure("has no dtype", at: place)
        }
        guard let type = ScalarType(rawValue: typeName) else {
            throw FormatError(
                file: file.path, what: "unsupported dtype \(typeName.quotedForMessage) of \(place)",
                where: "header",
                advice: "supported: "
                    + ScalarType.allCases.map(\.rawValue).joined(separator: ", "))
        }
        guard let shape = value["shape"]?.sizes else {
            throw failure("shape is not a list of sizes", at: place)
        }
        guard shape.count <= maximumRank else {
            throw failure("has \(shape.count) dimensions, above \(maximumRank)", at: place)
        }
        guard let offsets = value["data_offsets"]?.sizes, offsets.count == 2 else {
            throw failure("data_offsets is not two byte positions", at: place)
        }
        return Extent(name: name, type: type, shape: shape, start: offsets[0], end: offsets[1])
    }

    /// The reference asks that the tensors follow each other without overlap, gap or remainder.
    private func checkCoverage(_ extents: [Extent], dataCount: Int) throws {
        var end = 0
        for extent in extents {
            let place = "tensor \(extent.name.quotedForMessage)"
            let range = "data_offsets [\(extent.start), \(extent.end)]"
            guard extent.start >= end else {
                throw failure("\(range) overlap another tensor, which ends at \(end)", at: place)
            }
            guard extent.start == end else {
                throw failure("\(range) leave a gap after byte \(end)", at: place)
            }
            guard extent.end >= extent.start, extent.end <= dataCount else {
                throw failure("\(range) are not within the \(dataCount) bytes of data", at: place)
            }
            end = extent.end
        }
        guard end == dataCount else {
            throw failure("\(dataCount) bytes of data, but the tensors end at \(end)")
        }
    }

    private func tensor(_ extent: Extent, headerEnd: Int) throws -> StoredTensor {
        let place = "tensor \(extent.name.quotedForMessage)"
        guard let elements = elementCount(of: extent.shape) else {
            throw failure("shape \(extent.shape) has more elements than can be counted", at: place)
        }
        let (size, overflow) = elements.multipliedReportingOverflow(by: extent.type.byteCount)
        let count = extent.end - extent.start
        guard !overflow, size == count else {
            throw failure(
                "\(extent.type.rawValue) \(extent.shape) does not take the \(count) bytes given",
                at: place)
        }
        guard let bytes = ByteRegion(file).slice(from: headerEnd + extent.start, count: count)
        else {
            throw failure("data are not within the file", at: place)
        }
        return StoredTensor(
            name: extent.name, scalarType: extent.type, shape: extent.shape, checked: bytes,
            storageIdentity: StorageIdentity(), view: nil)
    }
}

extension JSONValue {
    /// Parses `bytes` of `file`; `place` says in errors what they are.
    init(parsing bytes: UnsafeRawBufferPointer, file: String, place: String) throws {
        do {
            try self.init(parsing: bytes)
        } catch let error as JSONError {
            throw FormatError(file: file, what: error.description, where: place)
        }
    }

    /// Integers of an array of non-negative integers, else nil.
    var sizes: [Int]? {
        guard let values = array else { return nil }
        let sizes = values.compactMap(\.integer)
        return sizes.count == values.count && sizes.allSatisfy { $0 >= 0 } ? sizes : nil
    }
}
