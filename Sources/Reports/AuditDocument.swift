import Audits
import DataPipeline
import Documents

/// Lays an audit out as a report: the conclusion first, then what was found, what came nearest, the
/// weights, what was tested and what was not.
public struct AuditDocument: Sendable {
    /// The report, ready for any renderer.
    public let document: ReportDocument

    /// The report of one audit.
    public init(_ report: AuditReport) {
        var sections = [ReportSection("Findings", Self.findings(of: report))]
        if !report.nearest.isEmpty {
            sections.append(
                ReportSection(
                    "Not accused, and nearest to it", [.table(Self.table(report.nearest))]))
        }
        if let weights = report.weights {
            sections.append(ReportSection("Weights", Self.weights(weights)))
        }
        document = ReportDocument(
            title: "Audit of \(report.model)", summary: InlineText(report.conclusion),
            sections: sections + [
                ReportSection("What was tested", Self.coverage(of: report)),
                ReportSection("Settings", Self.settings(of: report)),
                ReportSection("What the numbers mean", Self.meaning(of: report)),
            ])
    }

    private static func findings(of report: AuditReport) -> [ReportBlock] {
        guard !report.findings.isEmpty else {
            return [.paragraph("Nothing that was tested passes a threshold.")]
        }
        var blocks = [ReportBlock.table(table(report.findings))]
        if report.unlisted > 0 {
            blocks.append(
                .paragraph(
                    "\(report.unlisted) more shift features less than those and are not shown."))
        }
        return blocks
    }

    private static func table(_ findings: [AuditFinding]) -> ReportTable {
        let features = AuditFeature.allCases.filter { feature in
            findings.contains { $0.effects[feature] != nil }
        }
        var columns: [ReportTable.Column] = [.init("Candidate"), .init("Kind"), .init("Grade")]
        columns += features.flatMap { feature in
            [
                ReportTable.Column("R", in: feature.rawValue, kind: .number),
                ReportTable.Column("S", in: feature.rawValue, kind: .number),
            ]
        }
        columns += [
            .init("MLM rise", kind: .number), .init("Works at"), .init("Target", kind: .number),
        ]
        let rows = findings.map { finding -> [ReportTable.Cell] in
            let effects = features.flatMap { feature -> [ReportTable.Cell] in
                guard let effect = finding.effects[feature] else { return [.missing, .missing] }
                return [
                    .number(effect.collapse, decimals: 3), .number(effect.shift, decimals: 2),
                ]
            }
            let places = finding.places.joined(separator: ", ")
            return [
                .text(.code(finding.name)), .text(InlineText(finding.kind.rawValue)),
                .text(InlineText(finding.grade.rawValue)),
            ] + effects + [
                finding.predictionRise.map { .number($0, decimals: 2) } ?? .missing,
                places.isEmpty ? .missing : .text(InlineText(places)),
                finding.target.map { .number(Double($0), decimals: 0) } ?? .missing,
            ]
        }
        return ReportTable(columns, rows: rows)
    }

    private static func weights(_ reading: WeightReading) -> [ReportBlock] {
        func table(_ name: String, _ value: String, _ list: [WeightReading.Named]) -> ReportBlock {
            .table(
                ReportTable(
                    [.init(name), .init(value, kind: .number)],
                    rows: list.map { [.text(.code($0.name)), .number($0.value, decimals: 3)] }))
        }
        var blocks = [
            table("Token", "Norm of its embedding (robust z)", reading.norms),
            table("Matrix", "Share of its first direction", reading.spikes),
        ]
        if !reading.duplicates.isEmpty {
            let groups = reading.duplicates.map { $0.joined(separator: " = ") }
            blocks.append(
                .paragraph("Embeddings that are the same: \(groups.joined(separator: "; ")).")
            )
        }
        if let drift = reading.drift {
            blocks.append(table("Parameter", "Drift from the reference", drift))
        }
        if let drift = reading.rowDrift {
            blocks.append(table("Token", "Drift of its embedding", drift))
        }
        return blocks
    }

    private static func coverage(of report: AuditReport) -> [ReportBlock] {
        let rows = report.tested.map { coverage -> [ReportTable.Cell] in
            [
                .text(InlineText(coverage.what)), .number(Double(coverage.count), decimals: 0),
                .number(Double(coverage.of), decimals: 0),
            ]
        }
        let table = ReportTable(
            [.init("Candidates"), .init("Tested", kind: .number), .init("Of", kind: .number)],
            rows: rows)
        return [.table(table), .heading("What was not tested")]
            + report.untested.map { .paragraph(InlineText($0)) }
    }

    private static func settings(of report: AuditReport) -> [ReportBlock] {
        let settings = report.settings
        var pairs = [
            KeyValue("Model", .code(report.model)),
            KeyValue("Clean samples", .code(settings.samples)),
            KeyValue(
                "Samples", "\(settings.measured) to measure on, \(settings.confirmed) to confirm"),
        ]
        if let tokens = settings.tokens { pairs.append(KeyValue("Tokens a text", "\(tokens)")) }
        if let reference = settings.reference {
            pairs.append(KeyValue("Reference", .code(reference)))
        }
        if let budget = settings.budget { pairs.append(KeyValue("Time allowed", "\(budget) s")) }
        pairs += [
            KeyValue("Precision", InlineText(settings.precision)),
            KeyValue("Seed", "\(settings.seed)"),
            KeyValue("Time", "\(NumberText.fixed(report.seconds, decimals: 1)) s"),
        ]
        return [.keyValues(pairs)] + (report.command.map { [.code(CodeBlock($0))] } ?? [])
    }

    private static func meaning(of report: AuditReport) -> [ReportBlock] {
        let thresholds = report.settings.thresholds
        return [
            .paragraph(
                """
                R (collapse) is the variance of a feature over different samples with the candidate \
                in them, as a share of what it is without; S (shift) is how far the candidate moves \
                the feature, in mean distances between samples. A trigger makes different samples \
                the same, so that its R is near 0: below \
                \(NumberText.fixed(thresholds.collapse, decimals: 2)) the model counts as backdoored, \
                and with S above \(NumberText.fixed(thresholds.shift, decimals: 1)) as suspicious. \
                The pooled vector decides, or cls where there is no pooler.
                """),
            .paragraph(
                """
                MLM rise is the rise of the cross-entropy at masked tokens, in nat. Candidates of one \
                target move features the same way. Where nothing is found no trigger is among what \
                was tested; that does not make a model clean.
                """),
        ]
    }
}
