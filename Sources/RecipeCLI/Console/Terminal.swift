import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What one of the process's outputs can show.
public struct Terminal: Sendable {
    /// A meaning that is shown in colour where colour is wanted.
    public enum Style: String, Sendable {
        /// Stands out.
        case strong = "1"
        /// Steps back.
        case faint = "2"
        /// Went well.
        case success = "32"
        /// Needs heed.
        case warning = "1;33"
        /// Went wrong.
        case failure = "1;31"
    }

    /// The file descriptor.
    public let descriptor: Int32
    /// Whether it is a terminal and not a file or pipe.
    public let isTerminal: Bool
    /// Whether colours are wanted there.
    public let usesColor: Bool
    /// Whether a line can be drawn over.
    public let canRedraw: Bool
    /// Whether characters beyond ASCII are understood.
    public let usesUnicode: Bool
    private let columns: Int?

    /// Looks at a file descriptor and the variables that say what the user wants of it.
    public init(descriptor: Int32, environment: [String: String]) {
        self.init(
            descriptor: descriptor, isTerminal: isatty(descriptor) == 1, environment: environment)
    }

    init(descriptor: Int32, isTerminal: Bool, environment: [String: String]) {
        self.descriptor = descriptor
        self.isTerminal = isTerminal
        let isDumb = environment["TERM"] == "dumb"
        canRedraw = isTerminal && !isDumb
        usesColor = Self.wantsColor(canRedraw: canRedraw, environment: environment)
        usesUnicode = Self.understandsUnicode(environment)
        columns = environment["COLUMNS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }

    /// How many columns a line has: those of the window, else `COLUMNS`, else 80.
    ///
    /// Asked anew each time, for a window can be resized.
    public var width: Int {
        var size = winsize()
        if isTerminal, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
            return Int(size.ws_col)
        }
        return columns.map { min($0, 10_000) } ?? 80
    }

    /// The text in the colour of its meaning, or as it is where colour is not wanted.
    public func styled(_ text: String, _ style: Style) -> String {
        usesColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// `NO_COLOR` (set to anything) outranks `CLICOLOR_FORCE`, which outranks what the output is.
    private static func wantsColor(canRedraw: Bool, environment: [String: String]) -> Bool {
        if let off = environment["NO_COLOR"], !off.isEmpty { return false }
        if let force = environment["CLICOLOR_FORCE"], !force.isEmpty, force != "0" { return true }
        return canRedraw && environment["CLICOLOR"] != "0"
    }

    /// By the locale, of which the first variable that is set counts; without any, yes.
    private static func understandsUnicode(_ environment: [String: String]) -> Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .compactMap { environment[$0] }.first { !$0.isEmpty }
        guard let locale = locale?.lowercased() else { return true }
        if locale.contains("utf-8") || locale.contains("utf8") { return true }
        // Minimal systems run under C or POSIX, whose terminals read UTF-8 all the same; a locale
        // that names another encoding means it.
        return !locale.contains(".")
    }
}
