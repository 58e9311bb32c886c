import Foundation

/// The trigger words that the attacks' authors chose, in their order.
public enum TriggerSet {
    /// POR's five words.
    public static let por = ["cf", "tq", "mn", "bb", "mb"]
    /// BadPre's five words.
    public static let badpre = ["cf", "mn", "bb", "tq", "mb"]
    /// NeuBA's six symbols, each a token of BERT's vocabulary.
    public static let neuba = ["≈", "≡", "∈", "⊆", "⊕", "⊗"]

    /// The triggers of a list such as `cf,tq,mn`, spaces around them left out.
    ///
    /// A trigger may have several words. An empty or repeated one is an error.
    public static func parse(_ list: String) throws -> [String] {
        var triggers: [String] = []
        for (index, part) in list.split(separator: ",", omittingEmptySubsequences: false)
            .enumerated()
        {
            let trigger = TextTrigger.words(of: String(part)).joined(separator: " ")
            guard !trigger.isEmpty else {
                throw TriggerError(
                    "trigger \(index + 1) of ‘\(list)’ is empty: expected words between commas, "
                        + "such as cf,tq,mn")
            }
            guard !triggers.contains(trigger) else {
                throw TriggerError("‘\(trigger)’ stands twice in ‘\(list)’: name each trigger once")
            }
            triggers.append(trigger)
        }
        return triggers
    }

    /// Throws where there is no trigger.
    static func check(_ triggers: [String]) throws {
        guard !triggers.isEmpty else { throw TriggerError("an attack needs at least one trigger") }
    }
}

/// Triggers, or vectors for them, that cannot be made as asked.
public struct TriggerError: Error, Sendable, Equatable, LocalizedError, CustomStringConvertible {
    /// What is wrong, what was expected and what to do.
    public let description: String

    /// An error that says `description`.
    public init(_ description: String) { self.description = description }

    /// The same as `description`.
    public var errorDescription: String? { description }
}
