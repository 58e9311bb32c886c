import Foundation

/// A tokenizer that cannot be read, honoured or written.
public struct TokenizerError: Error, LocalizedError, CustomStringConvertible, Equatable, Sendable {
    /// The file or folder at fault, where there is one.
    public let path: String?
    /// What is wrong and what to do.
    public let message: String

    /// An error about a file, a folder or (with no path) a value.
    public init(path: String?, _ message: String) {
        self.path = path
        self.message = message
    }

    /// The path and the message.
    public var description: String { path.map { "\($0): \(message)" } ?? message }

    /// The same as `description`.
    public var errorDescription: String? { description }
}
