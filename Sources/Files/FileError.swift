import Foundation

/// A file that cannot be read or written as asked.
public struct FileError: Error, Sendable, LocalizedError, CustomStringConvertible {
    /// Path of the file.
    public let path: String
    /// What is wrong with it.
    public let problem: String
    /// What to do about it, where there is something to do.
    public let advice: String?

    /// An error about the file at `path`.
    public init(path: String, _ problem: String, advice: String? = nil) {
        self.path = path
        self.problem = problem
        self.advice = advice
    }

    /// One line: where, what, and what to do.
    public var description: String { "\(path): \(problem)" + (advice.map { "; \($0)" } ?? "") }

    /// The same line, for Foundation.
    public var errorDescription: String? { description }
}
