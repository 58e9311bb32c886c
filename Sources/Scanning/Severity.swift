/// How much a finding weighs.
public enum Severity: String, Codable, CaseIterable, Comparable, Sendable {
    /// Worth knowing; ordinary models have it too. Does not change the exit code.
    case note
    /// Nobody vouches for it: something a loader would use, or could read differently.
    case warning
    /// Runs code, leaves the folder, or is made to deceive.
    case error

    /// Notes come before warnings, warnings before errors.
    public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .note: 0
        case .warning: 1
        case .error: 2
        }
    }
}

/// What is known of a name that a pickle imports.
public enum Grade: String, Codable, CaseIterable, Sendable {
    /// Builds data and nothing else.
    case safe
    /// Not on any list: whoever loads the file runs it.
    case unknown
    /// Runs code, reads or writes files, reaches the network, or leads to what does.
    case dangerous
}

/// One thing that a scan found, and where.
public struct Finding: Codable, Equatable, Sendable {
    /// What kind of thing it is.
    public let rule: ScanRule
    /// How much it weighs.
    public let severity: Severity
    /// The file, as it was reached from the path that was scanned.
    public let path: String
    /// Where within the file, outermost container first: `inner.zip!archive/data.pkl`.
    public let member: String?
    /// The byte within the member, or within the file where there is no member.
    public let offset: Int?
    /// What was found and why it matters.
    public let message: String
}

/// A name that a pickle imports, with its grade.
public struct GlobalRecord: Codable, Equatable, Sendable {
    /// The file, as it was reached from the path that was scanned.
    public let path: String
    /// Where within the file.
    public let member: String?
    /// The byte of the opcode that first imports it, within the member.
    public let offset: Int
    /// The module, as the pickle writes it.
    public let module: String
    /// The name within the module; may be a path of attributes.
    public let name: String
    /// What is known of it.
    public let grade: Grade
    /// Why it has this grade.
    public let reason: String
    /// Whether the pickle calls it.
    public var isCalled: Bool
    /// How often the pickle imports it.
    public var count: Int
}
