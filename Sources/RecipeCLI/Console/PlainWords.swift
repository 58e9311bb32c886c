import Foundation
import JSON

/// Errors in one line of words, without the names of types or error domains.
enum PlainWords {
    /// What `error` says.
    static func of(_ error: any Error) -> String {
        switch error {
        case let error as DecodingError: oneLine(error.plainText)
        case let error as CocoaError:
            oneLine(foundation(error.userInfo, error.localizedDescription))
        case let error as POSIXError: String(cString: strerror(error.code.rawValue))
        case let error where type(of: error) == NSError.self:
            oneLine(foundation((error as NSError).userInfo, error.localizedDescription))
        case let error as any CustomStringConvertible: oneLine(error.description)
        default: oneLine(error.localizedDescription)
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
