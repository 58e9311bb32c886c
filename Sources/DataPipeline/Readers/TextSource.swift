/// How a text file is laid out.
public enum TextFormat: String, Codable, Hashable, Sendable {
    /// A text a line.
    case lines
    /// A header and tab-separated rows, of which some fields may be quoted.
    case tabSeparated
    /// A header and comma-separated rows (RFC 4180).
    case commaSeparated
    /// A JSON object a line.
    case jsonLines
    /// `<doc …>`, a title, paragraphs, `</doc>`.
    case wikiextractor
}

/// What was read from a file.
public struct TextSource: Codable, Hashable, Sendable {
    /// The file's path.
    public let file: String
    /// How the file is laid out.
    public let format: TextFormat
    /// The number of texts taken.
    public internal(set) var rows = 0
    /// The number of blank lines and rows with a blank text, which were skipped.
    public internal(set) var skippedEmpty = 0
    /// The number of texts with fewer words than asked for, which were skipped.
    public internal(set) var skippedShort = 0
    /// The number of invalid UTF-8 sequences, each of which became U+FFFD.
    public internal(set) var invalidSequences = 0

    init(file: String, format: TextFormat) {
        self.file = file
        self.format = format
    }
}
