import Foundation

/// A folder of answers that the oracle made, under `Tests/Fixtures`.
public struct Fixture: Sendable {
    /// The folder.
    public let folder: URL

    /// The fixture called `name`.
    public init(_ name: String) {
        folder = PackageFolder.root.appending(components: "Tests", "Fixtures", name)
    }

    /// A file of the fixture.
    public func file(_ name: String) -> URL { folder.appending(path: name) }

    /// A JSON file of the fixture.
    public func json<Value: Decodable>(_ name: String, as _: Value.Type = Value.self) throws
        -> Value
    {
        try JSONDecoder().decode(Value.self, from: Data(contentsOf: file(name)))
    }
}

/// A fixture is not as the test expects it.
public struct FixtureError: Error, CustomStringConvertible {
    /// What is wrong, and where.
    public let description: String

    /// An error that says `description`.
    public init(description: String) { self.description = description }
}

/// Any JSON value, for the parts of a fixture that differ from case to case.
public enum JSON: Decodable, Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// Reads whatever stands there.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSON].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSON].self))
        }
    }

    /// The number, or nil.
    public var number: Double? { if case .number(let value) = self { value } else { nil } }
    /// The number where it is whole, or nil.
    public var integer: Int? { number.flatMap { Int(exactly: $0) } }
    /// The truth value, or nil.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The text, or nil.
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The whole numbers of an array of nothing else, or nil.
    public var integers: [Int]? {
        guard case .array(let values) = self else { return nil }
        let integers = values.compactMap(\.integer)
        return integers.count == values.count ? integers : nil
    }
}
