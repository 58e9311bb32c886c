import Files
import Foundation

extension JSONValue {
    /// Reads the one JSON document that `bytes` hold.
    ///
    /// - Throws: `JSONError` where they hold none, or one that readers could take for different
    ///   things.
    public init(
        parsing bytes: UnsafeRawBufferPointer, keys: JSONKeyRule = .equivalent
    ) throws {
        self = try JSONParser.parse(bytes, keys: keys)
    }

    /// Reads the one JSON document in `data`; throws `JSONError`.
    public init(parsing data: some ContiguousBytes, keys: JSONKeyRule = .equivalent) throws {
        self = try data.withUnsafeBytes { try JSONParser.parse($0, keys: keys) }
    }

    /// Reads the one JSON document in a text; throws `JSONError`.
    public init(parsing text: String, keys: JSONKeyRule = .equivalent) throws {
        try self.init(parsing: Array(text.utf8), keys: keys)
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// - Throws: `FileError` where it cannot be read, is larger, or is not JSON.
    public init(
        reading url: URL, atMost limit: Int = JSONValue.maximumFileBytes,
        keys: JSONKeyRule = .equivalent
    ) throws {
        let data = try BoundedRead.data(of: url, atMost: limit)
        do {
            try self.init(parsing: data, keys: keys)
        } catch let error as JSONError {
            throw FileError(path: url.path, "is not valid JSON: \(error)")
        }
    }

    /// Largest file that is read unless said otherwise: far above any configuration.
    public static let maximumFileBytes = 16 << 20

    /// Throws `JSONError` where `data` are not one JSON document that every reader reads alike;
    /// keeps nothing of it.
    public static func check(
        _ data: some ContiguousBytes, keys: JSONKeyRule = .equivalent
    ) throws {
        _ = try data.withUnsafeBytes { try JSONParser.parse($0, keys: keys, isKept: false) }
    }
}

extension JSONDecoder {
    /// Decodes a value out of JSON in which, unlike in Foundation's reading, no key appears twice.
    ///
    /// - Throws: `JSONError`, or what `decode` throws.
    public func decodeStrictly<Value: Decodable>(
        _ type: Value.Type = Value.self, from data: Data
    ) throws -> Value {
        try JSONValue.check(data)
        return try decode(type, from: data)
    }
}
