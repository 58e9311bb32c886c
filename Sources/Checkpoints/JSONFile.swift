import Files
import Foundation
import JSON

/// The top-level object of a JSON file, with accessors whose errors name file and field.
public struct JSONFile: Sendable {
    /// The file.
    public let url: URL
    /// Its fields.
    public var fields: JSONObject

    /// Fields that will be written to `url`, or stand for what is there.
    public init(url: URL, fields: JSONObject) {
        self.url = url
        self.fields = fields
    }

    /// Reads the file; throws `CheckpointError` where it cannot be read or is not one object in
    /// which every key appears once.
    public init(reading url: URL) throws {
        self.url = url
        let data: Data
        do {
            data = try BoundedRead.data(of: url, atMost: JSONValue.maximumFileBytes)
        } catch let error as FileError {
            throw CheckpointError(
                url, error.problem,
                advice: "name a folder in Hugging Face layout: config.json, weights, vocabulary")
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: data)
        } catch let error as JSONError {
            throw CheckpointError(
                url, "is not a JSON object: \(error)", advice: "is the file complete?")
        }
        guard let object = value.object else {
            throw CheckpointError(
                url, "is not a JSON object but \(value.kind)", advice: "is the file complete?")
        }
        fields = object
    }

    /// The fields as text, in their order.
    public func data() throws -> Data {
        Data((try JSONValue.object(fields).text(isIndented: true) + "\n").utf8)
    }

    /// An integer field of at least `minimum`, or `fallback` where it is absent or null.
    public func integer(_ name: String, minimum: Int = 0, default fallback: Int? = nil) throws
        -> Int
    {
        switch fields[name] {
        case .integer(let value)?:
            guard value >= minimum, value <= 1 << 40 else {
                let bound = value < minimum ? "at least \(minimum)" : "at most \(1 << 40)"
                throw CheckpointError(url, "‘\(name)’ is \(value); expected \(bound)")
            }
            return value
        case .longInteger(let digits)?:
            throw CheckpointError(
                url, "‘\(name)’ is \(digits.prefix(40)); expected at most \(1 << 40)")
        case nil, .null?:
            guard let fallback else { throw CheckpointError(url, "the field ‘\(name)’ is missing") }
            return fallback
        case let other?:
            throw CheckpointError(url, "‘\(name)’ is \(other.kind); expected an integer")
        }
    }

    /// A number field, or `fallback` where it is absent or null.
    public func number(_ name: String, default fallback: Double) throws -> Double {
        switch fields[name] {
        case nil, .null?: return fallback
        case let value?:
            guard let number = value.number else {
                throw CheckpointError(url, "‘\(name)’ is \(value.kind); expected a number")
            }
            return number
        }
    }

    /// A text field, or nil where it is absent or null.
    public func string(_ name: String) throws -> String? {
        switch fields[name] {
        case .string(let value)?: return value
        case nil, .null?: return nil
        case let other?: throw CheckpointError(url, "‘\(name)’ is \(other.kind); expected a text")
        }
    }

    /// A boolean field, or `fallback` where it is absent or null.
    public func bool(_ name: String, default fallback: Bool) throws -> Bool {
        switch fields[name] {
        case .bool(let value)?: return value
        case nil, .null?: return fallback
        case let other?:
            throw CheckpointError(url, "‘\(name)’ is \(other.kind); expected true or false")
        }
    }

    /// The texts in `architectures`; none where there is no such list.
    public var architectures: [String] {
        guard case .array(let values)? = fields["architectures"] else { return [] }
        return values.compactMap { if case .string(let name) = $0 { name } else { nil } }
    }
}
