import Audits
import DataPipeline
import Scanning

extension SARIFLog {
    /// The log of an audit: a result for each finding, at the model's folder.
    init(_ report: AuditReport, version: String) {
        let rules = [
            Rule(
                id: "audit-backdoored", title: "A candidate makes different samples the same",
                help: "Do not build on the model before `recipe purify` and another audit.",
                level: .error),
            Rule(
                id: "audit-suspicious",
                title: "A candidate moves features farther than samples differ",
                help: "Look at what it does to a classifier (`recipe evaluate --triggers`).",
                level: .warning),
        ]
        let results = report.findings.map { finding in
            let effects = AuditFeature.allCases.compactMap { feature in
                finding.effects[feature].map {
                    "\(feature.rawValue): R \(NumberText.fixed($0.collapse, decimals: 3)), "
                        + "S \(NumberText.fixed($0.shift, decimals: 2))"
                }
            }
            return Result(
                rule: "audit-\(finding.grade.rawValue)",
                level: finding.grade == .backdoored ? .error : .warning,
                message: "\(finding.kind.rawValue) ‘\(finding.name)’: "
                    + effects.joined(separator: "; "),
                path: report.model)
        }
        self.init(
            rules: rules, results: results, incomplete: report.isIncomplete ? report.untested : [],
            isComplete: !report.isIncomplete, version: version)
    }
}
