import Foundation

/// Errors in one line of words, without the names of types or error domains.
enum PlainWords {
    /// What `error` says.
    static func of(_ error: any Error) -> String {
        switch error {
        case let error as DecodingError: oneLine(of(error))
        case let error as CocoaError:
            oneLine(foundation(error.userInfo, error.localizedDescription))
        case let error as POSIXError: String(cString: strerror(error.code.rawValue))
        case let error where type(of: error) == NSError.self:
            oneLine(foundation((error as NSError).userInfo, error.localizedDescription))
        case let error as any CustomStringConvertible: oneLine(error.description)
        default: oneLine(error.localizedDescription)
        }
    }

    /// Which key of a JSON text is wrong, and how.
    static func of(_ error: DecodingError) -> String {
        func at(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
            return path.isEmpty ? "" : " at ‘\(path.joined(separator: "."))’"
        }
        switch error {
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

    /// The system's reason beneath a Foundation error, with the path it is about.
    private static func foundation(_ info: [String: Any], _ fallback: String) -> String {
        let path = info[NSFilePathErrorKey] as? String
        guard let cause = info[NSUnderlyingErrorKey] as? any Error else { return fallback }
        let reason =
            (cause as? POSIXError).map { String(cString: strerror($0.code.rawValue)) }
            ?? (cause as NSError).localizedDescription
        return path.map { "\($0): \(reason)" } ?? reason
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
            .joined(separator: "; ")
    }
}
