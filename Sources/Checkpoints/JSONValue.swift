import Foundation

/// A JSON value of any shape, for configurations that other tools own.
public enum JSONValue: Sendable, Equatable, Codable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int)
    /// Any other number.
    case number(Double)
    /// A text.
    case string(String)
    /// A list.
    case array([JSONValue])
    /// Named values.
    case object([String: JSONValue])

    /// Reads whichever of the kinds it is.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// Writes the value as it is.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    /// What kind of value it is, for messages.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// The top-level object of a JSON file, with accessors whose errors name file and field.
public struct JSONFile: Sendable {
    /// The file.
    public let url: URL
    /// Its fields.
    public var fields: [String: JSONValue]

    /// Fields that will be written to `url`, or stand for what is there.
    public init(url: URL, fields: [String: JSONValue]) {
        self.url = url
        self.fields = fields
    }

    /// Reads the file.
    public init(reading url: URL) throws {
        self.url = url
        let data: Data
        do {
            data = try Data(contentsOf: url)
        } catch {
            throw CheckpointError(
                url, "cannot be read (\(Self.reason(error)))",
                advice: "name a folder in Hugging Face layout: config.json, weights, vocabulary")
        }
        do {
            fields = try JSONDecoder().decode([String: JSONValue].self, from: data)
        } catch {
            throw CheckpointError(url, "is not a JSON object", advice: "is the file complete?")
        }
    }

    /// Foundation's reason in a few words, without the path it repeats.
    static func reason(_ error: any Error) -> String {
        if (error as NSError).code == CocoaError.fileReadNoSuchFile.rawValue
            || (error as NSError).code == CocoaError.fileNoSuchFile.rawValue
        {
            return "no such file"
        }
        return error.localizedDescription
    }

    /// The fields as text, sorted by name.
    public func data() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(fields) + Data("\n".utf8)
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
        case .integer(let value)?: return Double(value)
        case .number(let value)?: return value
        case nil, .null?: return fallback
        case let other?:
            throw CheckpointError(url, "‘\(name)’ is \(other.kind); expected a number")
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
