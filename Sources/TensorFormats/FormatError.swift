import Foundation

/// What is wrong with a file, where in it, and what the user can do about it.
public struct FormatError: Error, LocalizedError, CustomStringConvertible, Equatable, Sendable {
    /// Path of the file that was read or written.
    public let file: String
    /// What was found and what was expected.
    public let what: String
    /// The tensor, entry or byte offset concerned, where there is one.
    public let `where`: String?
    /// What to do about it, where there is something to do.
    public let advice: String?

    /// Makes an error about `file`.
    public init(file: String, what: String, where: String? = nil, advice: String? = nil) {
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

extension String {
    /// The text as it may appear in a message: control characters escaped and long text cut,
    /// because names in hostile files are chosen by whoever made the file.
    var quotedForMessage: String {
        var text = "'"
        for scalar in unicodeScalars.prefix(120) {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            let isBidirectional =
                (0x2028...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            if isControl || isBidirectional {
                text += "\\u{" + Swift.String(scalar.value, radix: 16) + "}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text + (unicodeScalars.dropFirst(120).isEmpty ? "'" : "…'")
    }
}
