import Foundation

/// What whoever purifies says of the record that the output carries.
public struct ProofOptions: Sendable {
    /// The files and folders that are read beside the model.
    public var sources: [DataSource] = []
    /// The model's name on a hub, for the card; nil where it is not known.
    public var baseModel: String?
    /// Whether the card is edited, or one is written where there is none.
    public var editsCard = true
    /// Whether an in-toto statement is written beside the output.
    public var attests = false
    /// What whoever uses the output should know, beside what is found on the way.
    public var warnings: [String] = []

    /// A record that knows of no data files, with a card and no statement.
    public init() {}

    /// Whether a text is a model's name as hubs have them: `name` or `owner/name`.
    public static func isModelName(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return (1...2).contains(parts.count) && text.utf8.count <= 200
            && parts.allSatisfy { part in
                guard let first = part.first, isLetterOrDigit(first) else { return false }
                return part.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
            }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    /// The name of a model that lies in a hub's cache, `models--owner--name/snapshots/COMMIT`.
    public static func modelName(inCache url: URL) -> String? {
        let parts = url.standardizedFileURL.pathComponents
        guard let place = parts.lastIndex(of: "snapshots"), place > 0,
            parts[place - 1].hasPrefix("models--")
        else { return nil }
        let name = parts[place - 1].dropFirst("models--".count)
            .replacingOccurrences(of: "--", with: "/")
        return isModelName(name) ? name : nil
    }
}
