import Foundation

/// A scan's findings in the form that code-scanning services read: SARIF 2.1.0.
///
/// Offsets are byte offsets of a region where the finding lies in the file itself; within a member
/// they are properties of the result, for the file's bytes there are not the member's.
public struct SARIFLog: Encodable {
    private let report: ScanReport
    private let version: String

    /// Makes the log of a scan by this version of the tool.
    public init(_ report: ScanReport, version: String) {
        self.report = report
        self.version = version
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

    private var run: Run {
        let used = ScanRule.allCases
        let positions = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
        let notifications = report.files.filter(\.isIncomplete).map { file in
            Notification(
                level: "warning", message: Text("\(harmless(file.path)): \(file.verdict.rawValue)"))
        }
        return Run(
            tool: Tool(
                driver: Driver(
                    name: "recipe", version: version, semanticVersion: version,
                    rules: used.map(Rule.init))),
            invocations: [
                Invocation(
                    executionSuccessful: report.status != .incomplete,
                    toolExecutionNotifications: notifications)
            ],
            columnKind: "unicodeCodePoints",
            results: report.findings.map { Result($0, ruleIndex: positions[$0.rule] ?? 0) })
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

    private struct Text: Encodable {
        let text: String
        init(_ text: String) { self.text = text }
    }

    private struct Rule: Encodable {
        let id: String
        let name: String
        let shortDescription: Text
        let fullDescription: Text
        let help: Text
        let defaultConfiguration: Configuration

        struct Configuration: Encodable { let level: String }

        init(_ rule: ScanRule) {
            id = rule.rawValue
            name = rule.rawValue.split(separator: "-").map(\.capitalized).joined()
            shortDescription = Text(rule.title)
            fullDescription = Text(rule.title + ". " + rule.help)
            help = Text(rule.help)
            defaultConfiguration = Configuration(level: rule.severity.rawValue)
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

    private struct Result: Encodable {
        let ruleId: String
        let ruleIndex: Int
        let level: String
        let message: Text
        let locations: [Location]
        let properties: Properties?

        init(_ finding: Finding, ruleIndex: Int) {
            ruleId = finding.rule.rawValue
            self.ruleIndex = ruleIndex
            level = finding.severity.rawValue
            message = Text(finding.message)
            locations = [Location(finding)]
            properties = finding.member.map {
                Properties(member: $0, memberByteOffset: finding.offset)
            }
        }
    }

    private struct Properties: Encodable {
        let member: String
        let memberByteOffset: Int?
    }

    private struct Location: Encodable {
        let physicalLocation: Physical
        let logicalLocations: [Logical]?

        struct Physical: Encodable {
            let artifactLocation: Artifact
            let region: Region?
        }

        struct Artifact: Encodable { let uri: String }

        struct Region: Encodable { let byteOffset: Int }

        struct Logical: Encodable {
            let fullyQualifiedName: String
            let kind: String
        }

        init(_ finding: Finding) {
            let allowed = CharacterSet(
                charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
            let uri = finding.path.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
            physicalLocation = Physical(
                artifactLocation: Artifact(
                    uri: (finding.path.hasPrefix("/") ? "file://" : "") + uri),
                region: finding.member == nil ? finding.offset.map { Region(byteOffset: $0) } : nil)
            logicalLocations = finding.member.map {
                [Logical(fullyQualifiedName: "\(finding.path)!\($0)", kind: "member")]
            }
        }
    }
}
