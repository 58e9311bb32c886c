/// Selects parameters by name.
///
/// A pattern is one or more alternatives of dot-separated components; `*` stands for exactly one
/// component and `**` for any number, none included: `bert.encoder.layer.*.intermediate.dense.weight`.
public struct ParameterPattern: Sendable, Hashable, Codable, ExpressibleByStringLiteral,
    CustomStringConvertible
{
    /// The alternatives; a name is selected when one of them matches.
    public let alternatives: [String]

    /// A pattern that selects what any of `alternatives` matches.
    public init(_ alternatives: [String]) { self.alternatives = alternatives }

    /// A pattern of one alternative.
    public init(stringLiteral value: String) { alternatives = [value] }

    /// Selects every parameter.
    public static let all: ParameterPattern = "**"
    /// Selects none.
    public static let none = ParameterPattern([])

    /// Whether the pattern selects `name`.
    public func matches(_ name: String) -> Bool {
        let components = name.split(separator: ".", omittingEmptySubsequences: false)
        return alternatives.contains {
            Self.matches(
                components[...],
                $0.split(separator: ".", omittingEmptySubsequences: false)[...])
        }
    }

    private static func matches(
        _ name: ArraySlice<Substring>, _ pattern: ArraySlice<Substring>
    ) -> Bool {
        guard let head = pattern.first else { return name.isEmpty }
        if head == "**" {
            return (name.startIndex...name.endIndex).contains {
                matches(name[$0...], pattern.dropFirst())
            }
        }
        guard let first = name.first, head == "*" || head == first else { return false }
        return matches(name.dropFirst(), pattern.dropFirst())
    }

    /// The alternatives, separated by commas.
    public var description: String { alternatives.joined(separator: ", ") }

    /// Reads a string or a list of strings.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let one = try? container.decode(String.self) {
            alternatives = [one]
        } else {
            alternatives = try container.decode([String].self)
        }
    }

    /// Writes a list of strings.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(alternatives)
    }
}
