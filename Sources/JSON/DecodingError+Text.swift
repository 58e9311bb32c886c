extension DecodingError {
    /// Which key of a JSON text is wrong, and how, without the names of types.
    public var plainText: String {
        func at(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
            return path.isEmpty ? "" : " at ‘\(path.joined(separator: "."))’"
        }
        switch self {
        case .keyNotFound(let key, let context):
            return "the key ‘\(key.stringValue)’ is missing" + at(context)
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "a value is of another type than expected" + at(context)
        case .dataCorrupted(let context):
            if context.codingPath.isEmpty { return "it is no valid JSON" }
            // What our own types say is for people; what the library says names Swift types.
            let isOurs = context.debugDescription.contains("expected")
            return (isOurs ? context.debugDescription : "a value is wrong") + at(context)
        @unknown default: return "it cannot be decoded"
        }
    }
}
