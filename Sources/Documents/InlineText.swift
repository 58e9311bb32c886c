/// A line of prose whose code and emphasis are marked by structure, never by markup characters.
///
/// A plain interpolation is plain text whatever it holds, so a hostile file name stays text:
/// `"Read \(code: path) in \(seconds) s"`.
public struct InlineText: Sendable, Equatable {
    /// A stretch of text in one style.
    public enum Run: Sendable, Equatable {
        /// Plain text.
        case text(String)
        /// A name, path or command, in a fixed-width face.
        case code(String)
        /// Stressed text.
        case emphasis(String)
        /// Strongly stressed text.
        case strong(String)
    }

    /// The stretches in reading order.
    public var runs: [Run]

    /// Makes a line of the given stretches.
    public init(_ runs: [Run]) { self.runs = runs }

    /// Makes a line of plain text.
    public init(_ text: String) { runs = text.isEmpty ? [] : [.text(text)] }

    /// Makes a line that is one name, path or command.
    public static func code(_ text: String) -> InlineText { InlineText([.code(text)]) }

    /// The text without its styles.
    public var plain: String {
        runs.map { run in
            switch run {
            case .text(let text), .code(let text), .emphasis(let text), .strong(let text): text
            }
        }.joined()
    }
}

extension InlineText: ExpressibleByStringInterpolation {
    /// Collects the stretches of an interpolated literal.
    public struct StringInterpolation: StringInterpolationProtocol {
        var runs: [Run] = []

        /// Makes an empty collector; the sizes are hints only.
        public init(literalCapacity: Int, interpolationCount: Int) {}

        /// Adds the literal's own text.
        public mutating func appendLiteral(_ literal: String) {
            if !literal.isEmpty { runs.append(.text(literal)) }
        }

        /// Adds a value as plain text.
        public mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            runs.append(.text(value.description))
        }

        /// Adds a name, path or command.
        public mutating func appendInterpolation(code: String) { runs.append(.code(code)) }

        /// Adds stressed text.
        public mutating func appendInterpolation(emphasis: String) {
            runs.append(.emphasis(emphasis))
        }

        /// Adds strongly stressed text.
        public mutating func appendInterpolation(strong: String) { runs.append(.strong(strong)) }
    }

    /// Makes a line of plain text from a literal.
    public init(stringLiteral text: String) { self.init(text) }

    /// Makes a line from an interpolated literal.
    public init(stringInterpolation interpolation: StringInterpolation) {
        runs = interpolation.runs
    }
}
