import Foundation

/// What is wrong with a file, where in it, and what the user can do about it.
public struct FormatError: Error, LocalizedError, CustomStringConvertible, Equatable, Sendable {
    /// Why a file is not read.
    public enum Kind: String, Codable, Sendable {
        /// It is broken, cut short, or not what it says it is.
        case damaged
        /// It is whole, and this version does not read its kind.
        case unsupported
        /// It is made so that two readers would differ, or to do harm.
        case hostile
        /// The operating system did not let it be read or written.
        case io
    }

    /// Path of the file that was read or written.
    public let file: String
    /// What was found and what was expected.
    public let what: String
    /// The tensor, entry or byte offset concerned, where there is one.
    public let `where`: String?
    /// What to do about it, where there is something to do.
    public let advice: String?
    /// Whether the file is damaged, unsupported or hostile.
    public let kind: Kind

    /// Makes an error about `file`.
    public init(
        file: String, what: String, where: String? = nil, advice: String? = nil,
        kind: Kind = .damaged
    ) {
        self.kind = kind
        self.file = file
        self.what = what
        self.where = `where`
        self.advice = advice
    }

    /// The whole message on one line: file, place, fact, advice.
    public var description: String {
        var text = file
        if let place = `where` { text += ": \(place)" }
        text += ": \(what)"
        if let advice { text += " (\(advice))" }
        return text
    }

    /// The same text as `description`.
    public var errorDescription: String? { description }
}
