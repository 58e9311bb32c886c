/// A run that cannot begin or go on.
public struct TrainingError: Error, Sendable, CustomStringConvertible {
    /// What is wrong and what to do.
    public let description: String

    /// An error of this text.
    public init(_ description: String) { self.description = description }
}
