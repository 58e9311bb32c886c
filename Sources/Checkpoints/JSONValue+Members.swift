import JSON

extension JSONValue {
    /// Whether it says nothing: null, false, an empty text, list or object.
    var saysNothing: Bool {
        switch self {
        case .null, .bool(false), .string(""): true
        case .array(let values): values.isEmpty
        case .object(let object): object.isEmpty
        default: false
        }
    }

    /// The value in one line, cut where it is long.
    var brief: String {
        guard let text = try? text() else { return kind }
        return text.count > 80 ? text.prefix(77) + "…" : text
    }
}
