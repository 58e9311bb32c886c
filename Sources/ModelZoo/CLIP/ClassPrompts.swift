import Foundation

/// Sentences with a place for a class's name: what a CLIP is asked about.
public struct ClassPrompts: Sendable, Codable, Equatable {
    /// What stands in a sentence where the name goes.
    public static let place = "{}"
    /// The sentence of CLIP's authors.
    public static let plain = ClassPrompts(checked: ["a photo of a {}."])

    /// The sentences.
    public let templates: [String]

    /// Throws `ClassPromptError` where there is no sentence, or one has no `{}` for the name.
    public init(_ templates: [String]) throws {
        guard !templates.isEmpty else { throw ClassPromptError.none }
        if let template = templates.first(where: { !$0.contains(Self.place) }) {
            throw ClassPromptError.noPlace(template)
        }
        self.init(checked: templates)
    }

    private init(checked templates: [String]) { self.templates = templates }

    /// The sentences about one class.
    public func texts(for name: String) -> [String] {
        templates.map { $0.replacingOccurrences(of: Self.place, with: name) }
    }
}

/// Prompts that say nothing of a class.
public enum ClassPromptError: Error, Equatable, LocalizedError, CustomStringConvertible {
    /// There is no prompt.
    case none
    /// A prompt has no place for a name.
    case noPlace(String)

    /// What is wrong, and what to write.
    public var description: String {
        switch self {
        case .none: "there is no prompt: write one, such as ‘a photo of a {}.’"
        case .noPlace(let prompt):
            "the prompt ‘\(prompt.prefix(80))’ has no {} where the name of a class goes: write it as "
                + "in ‘a photo of a {}.’"
        }
    }

    /// The same as `description`.
    public var errorDescription: String? { description }
}
