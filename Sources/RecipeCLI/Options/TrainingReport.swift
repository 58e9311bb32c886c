import DataPipeline
import Documents
import Experiments
import Foundation
import Reports
import Training

/// What a training run of an attack or of pre-training came to, as a report.
struct TrainingReport {
    let title: String
    let output: String
    let summary: RunSummary
    let sources: [(name: String, amount: String)]
    let plan: String

    var document: ReportDocument {
        let speed = "\(HumanFormat.rate(summary.samplesPerSecond)) samples"
        return ReportDocument(
            title: title,
            summary: "Written to \(code: output): \(summary.steps) steps at \(speed)",
            sections: [
                ReportSection("Losses", warnings + losses),
                ReportSection("Norms of the weights that RECIPE would shrink", norms),
                ReportSection("Data", [.keyValues(data)]),
                ReportSection(
                    "Settings", [.code(CodeBlock(plan, language: "yaml")), .code(Invocation.block)]),
            ])
    }

    private var warnings: [ReportBlock] {
        (summary.warnings ?? []).map { .callout(Callout(.warning, InlineText($0.text))) }
    }

    /// A chart each: losses may differ by orders of magnitude.
    private var losses: [ReportBlock] {
        Set(summary.curve.flatMap(\.terms.keys)).sorted().map { name in
            .lineChart(
                LineChart(
                    "Loss: \(name)", xTitle: "step", yTitle: name,
                    series: [
                        LineChart.Series(
                            name,
                            summary.curve.compactMap { point in
                                point.terms[name].map { .init(Double(point.step), $0) }
                            })
                    ]))
        }
    }

    private var norms: [ReportBlock] {
        let names = summary.normRatios.keys.sorted {
            $0.compare($1, options: [.numeric, .literal]) == .orderedAscending
        }
        let columns =
            [ReportTable.Column("Weight")]
            + summary.epochs.map { ReportTable.Column("Epoch \($0.epoch)", kind: .number) }
        let rows = names.map { name in
            [.text(.code(name))]
                + summary.epochs.map { epoch -> ReportTable.Cell in
                    epoch.normRatios[name].map { .number($0, decimals: 4) } ?? .missing
                }
        }
        return [
            .paragraph("‖W(t)‖ / ‖W(0)‖ at the end of each epoch."),
            .table(ReportTable(columns, rows: rows)),
        ]
    }

    private var data: [KeyValue] {
        sources.map { KeyValue($0.name, InlineText($0.amount)) }
            + [
                KeyValue("Trained numbers", .init(HumanFormat.count(summary.trainedElements))),
                KeyValue("Training", .init(HumanFormat.duration(summary.seconds))),
            ]
    }
}

/// The command line as a shell would take it again.
enum Invocation {
    static var text: String {
        (["recipe"] + CommandLine.arguments.dropFirst()).map(quoted).joined(separator: " ")
    }

    /// The command line that goes on where this one stopped.
    static var resuming: String {
        CommandLine.arguments.contains("--resume") ? text : text + " --resume"
    }

    static var block: CodeBlock { CodeBlock(text) }

    private static func quoted(_ argument: String) -> String {
        let plain = argument.allSatisfy { $0.isLetter || $0.isNumber || "-_=+,.:/@%≈".contains($0) }
        guard !plain || argument.isEmpty else { return argument }
        return "'" + argument.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
}
