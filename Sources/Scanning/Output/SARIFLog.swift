import Foundation

/// Findings in the form that code-scanning services read: SARIF 2.1.0.
///
/// Offsets are byte offsets of a region where the finding lies in the file itself; within a member
/// they are properties of the result, for the file's bytes there are not the member's.
public struct SARIFLog: Encodable {
    private let run: Run

    /// Makes the log of a scan by this version of the tool.
    public init(_ report: ScanReport, version: String) {
        let incomplete = report.files.filter(\.isIncomplete).map { file in
            "\(harmless(file.path)): \(file.verdict.rawValue)"
        }
        self.init(
            rules: ScanRule.allCases.map(Rule.init), results: report.findings.map(Result.init),
            incomplete: incomplete, isComplete: report.status != .incomplete, version: version)
    }

    /// Makes the log of another examination: every rule that it goes by, what was found, and what
    /// could not be examined.
    public init(
        rules: [Rule], results: [Result], incomplete: [String], isComplete: Bool, version: String
    ) {
        let positions = Dictionary(
            rules.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        run = Run(
            tool: Tool(
                driver: Driver(
                    name: "recipe", version: version, semanticVersion: version, rules: rules)),
            invocations: [
                Invocation(
                    executionSuccessful: isComplete,
                    toolExecutionNotifications: incomplete.map {
                        Notification(level: "warning", message: Text($0))
                    })
            ],
            columnKind: "unicodeCodePoints",
            results: results.map { result in
                var result = result
                result.ruleIndex = positions[result.ruleId] ?? 0
                return result
            })
    }

    /// Writes the log.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(
            "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            forKey: .schema)
        try container.encode("2.1.0", forKey: .version)
        try container.encode([run], forKey: .runs)
    }

    private enum Key: String, CodingKey {
        case schema = "$schema"
        case version, runs
    }

    private struct Run: Encodable {
        let tool: Tool
        let invocations: [Invocation]
        let columnKind: String
        let results: [Result]
    }

    private struct Tool: Encodable { let driver: Driver }

    private struct Driver: Encodable {
        let name: String
        let version: String
        let semanticVersion: String
        let rules: [Rule]
    }

    private struct Text: Encodable, Sendable {
        let text: String
        init(_ text: String) { self.text = text }
    }

    /// What is looked for.
    public struct Rule: Encodable, Sendable {
        let id: String
        private let name: String
        private let shortDescription: Text
        private let fullDescription: Text
        private let help: Text
        private let defaultConfiguration: Configuration

        private struct Configuration: Encodable, Sendable { let level: String }

        /// A rule of a name with hyphens, what it is, what to do about it, and how grave it is.
        public init(id: String, title: String, help: String, level: Severity) {
            self.id = id
            name = id.split(separator: "-").map(\.capitalized).joined()
            shortDescription = Text(title)
            fullDescription = Text(title + ". " + help)
            self.help = Text(help)
            defaultConfiguration = Configuration(level: level.rawValue)
        }

        init(_ rule: ScanRule) {
            self.init(id: rule.rawValue, title: rule.title, help: rule.help, level: rule.severity)
        }
    }

    private struct Notification: Encodable {
        let level: String
        let message: Text
    }

    private struct Invocation: Encodable {
        let executionSuccessful: Bool
        let toolExecutionNotifications: [Notification]
    }

    /// Something found.
    public struct Result: Encodable, Sendable {
        let ruleId: String
        fileprivate(set) var ruleIndex = 0
        private let level: String
        private let message: Text
        private let locations: [Location]
        private let properties: Properties?

        /// Something found by a rule in a file or folder.
        public init(rule: String, level: Severity, message: String, path: String) {
            ruleId = rule
            self.level = level.rawValue
            self.message = Text(message)
            locations = [Location(path: path)]
            properties = nil
        }

        init(_ finding: Finding) {
            ruleId = finding.rule.rawValue
            level = finding.severity.rawValue
            message = Text(finding.message)
            locations = [
                Location(path: finding.path, member: finding.member, offset: finding.offset)
            ]
            properties = finding.member.map {
                Properties(member: $0, memberByteOffset: finding.offset)
            }
        }
    }

    private struct Properties: Encodable, Sendable {
        let member: String
        let memberByteOffset: Int?
    }

    private struct Location: Encodable, Sendable {
        let physicalLocation: Physical
        let logicalLocations: [Logical]?

        struct Physical: Encodable, Sendable {
            let artifactLocation: Artifact
            let region: Region?
        }

        struct Artifact: Encodable, Sendable { let uri: String }

        struct Region: Encodable, Sendable { let byteOffset: Int }

        struct Logical: Encodable, Sendable {
            let fullyQualifiedName: String
            let kind: String
        }

        init(path: String, member: String? = nil, offset: Int? = nil) {
            let allowed = CharacterSet(
                charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
            let uri = path.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
            physicalLocation = Physical(
                artifactLocation: Artifact(
                    uri: (path.hasPrefix("/") ? "file://" : "") + uri),
                region: member == nil ? offset.map { Region(byteOffset: $0) } : nil)
            logicalLocations = member.map {
                [Logical(fullyQualifiedName: "\(path)!\($0)", kind: "member")]
            }
        }
    }
}
