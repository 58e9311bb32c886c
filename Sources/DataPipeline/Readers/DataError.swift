import Files
import Foundation

/// A file or folder of data that cannot be used.
public struct DataError: Error, LocalizedError, CustomStringConvertible, Equatable, Sendable {
    /// The file or folder at fault.
    public let file: String
    /// The line at fault, counted from 1 with the header; nil where it is the whole file.
    public let row: Int?
    /// What is wrong, what was expected and what to do.
    public let message: String

    /// An error about a file, or about a line of it.
    public init(file: URL, row: Int? = nil, _ message: String) {
        self.file = file.path
        self.row = row
        self.message = message
    }

    /// An error about a file that could not be read.
    public init(_ error: FileError) {
        self.init(
            file: URL(fileURLWithPath: error.path),
            error.problem + (error.advice.map { "; \($0)" } ?? ""))
    }

    /// File, row and message.
    public var description: String {
        row.map { "\(file), row \($0): \(message)" } ?? "\(file): \(message)"
    }

    /// The same as `description`.
    public var errorDescription: String? { description }
}
