/// A JSON value (RFC 8259). Objects keep their order, integers all their digits.
public enum JSONValue: Sendable, Equatable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int)
    /// An integer beyond 64 bits, as it is written: a `Double` would round it.
    case longInteger(String)
    /// A number with a fraction or an exponent.
    case number(Double)
    /// A text.
    case string(String)
    /// A list.
    case array([JSONValue])
    /// Named values.
    case object(JSONObject)

    /// The member called `key`, where this is an object that has one.
    public subscript(key: String) -> JSONValue? { object?[key] }

    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// The boolean that this is, else nil.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The integer that this is, else nil.
    public var integer: Int? { if case .integer(let value) = self { value } else { nil } }

    /// The number that this is, integers among them, else nil.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .longInteger(let digits): Double(digits)
        case .number(let value): value
        default: nil
        }
    }

    /// The text that this is, else nil.
    public var string: String? { if case .string(let value) = self { value } else { nil } }

    /// The list that this is, else nil.
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    /// The object that this is, else nil.
    public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// What kind of value it is, for messages.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .longInteger: "an integer"
        case .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
