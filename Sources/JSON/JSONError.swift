import Files
import Foundation

/// Why bytes are not the JSON that was asked for, and where in them.
public struct JSONError: Error, Sendable, Equatable, LocalizedError, CustomStringConvertible {
    /// What was found or expected.
    public let problem: String
    /// The byte concerned, from 0.
    public let byte: Int
    /// Its line, from 1.
    public let line: Int
    /// Keys and indices that lead to it, the outermost first.
    public internal(set) var path: [String] = []

    /// Fact and place, without the file.
    public var description: String {
        let under =
            path.isEmpty
            ? "" : " in " + path.prefix(8).joined(separator: ".").quotedForMessage
        return "\(problem) (line \(line), byte \(byte)\(under))"
    }

    /// The same text as `description`.
    public var errorDescription: String? { description }
}
