import CBuild

/// Which program did something: what records, cards and attestations say of it.
public struct Tool: Sendable, Codable, Equatable {
    /// The program's name.
    public var name = "recipe"
    /// The package's version.
    public var version = Tool.version
    /// The commit of its sources, 40 hexadecimal digits, with `-modified` behind them where files
    /// were changed since; `unknown` where the build could not tell.
    public var commit = Tool.commit

    /// This program.
    public init() {}

    /// This package's version.
    public static let version = "0.1.0"

    /// The commit that this program was built from; see ``commit-swift.property``.
    public static let commit: String = {
        let built = String(cString: recipe_build_commit())
        return built.isEmpty ? "unknown" : built
    }()
}
