import Foundation

/// A model folder that cannot be read, or cannot be written as asked.
public struct CheckpointError: Error, Sendable, LocalizedError, CustomStringConvertible {
    /// The folder or file.
    public let path: String
    /// What is wrong: the field or tensor, what was expected, what was found.
    public let problem: String
    /// What to do about it.
    public let advice: String?

    /// An error about `url`.
    public init(_ url: URL, _ problem: String, advice: String? = nil) {
        path = url.path
        self.problem = problem
        self.advice = advice
    }

    /// One line: where, what, and what to do.
    public var description: String {
        "\(path): \(problem)" + (advice.map { "; \($0)" } ?? "")
    }

    /// The same line, for Foundation.
    public var errorDescription: String? { description }
}
