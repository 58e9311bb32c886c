import DataPipeline
import Documents
import Experiments
import Foundation
import Training

/// Lays a purification out as a report: losses, norms of the regularized weights, what was written.
public struct PurificationDocument: Sendable {
    /// The report, ready for any renderer.
    public let document: ReportDocument

    /// The report of one purification.
    public init(_ summary: PurificationSummary) {
        let speed = NumberText.fixed(summary.throughput.samplesPerSecond, decimals: 1)
        document = ReportDocument(
            title: "Purification of \(summary.model)",
            summary: """
                Written to \(code: summary.output): \(summary.changedTensors) of \
                \(summary.tensors) tensors changed, at \(speed) \(summary.auxiliary.unit) a second
                """,
            sections: (summary.prunedLayers.map { [Self.pruning(of: $0)] }
                ?? [
                    ReportSection("Losses", Self.losses(of: summary)),
                    ReportSection("Norms of the regularized weights", Self.norms(of: summary)),
                ]) + [
                    ReportSection("Output", Self.output(of: summary)),
                    ReportSection("Settings", Self.settings(of: summary)),
                ])
    }

    // MARK: Pruned neurons

    private static func pruning(of layers: [PurificationSummary.PrunedLayer]) -> ReportSection {
        let all = layers.reduce(0) { $0 + $1.neurons }
        let pruned = layers.reduce(0) { $0 + $1.pruned }
        let columns =
            [ReportTable.Column("Layer")]
            + ["Neurons", "Pruned", "Share, %"].map { ReportTable.Column($0, kind: .number) }
        let rows = layers.map { layer -> [ReportTable.Cell] in
            [
                .text(.code(layer.name)), .number(Double(layer.neurons), decimals: 0),
                .number(Double(layer.pruned), decimals: 0),
                .number(100 * Double(layer.pruned) / Double(max(1, layer.neurons)), decimals: 1),
            ]
        }
        return ReportSection(
            "Pruned neurons",
            [
                .paragraph("\(pruned) of \(all) neurons are zero, whatever they read."),
                .table(ReportTable(columns, rows: rows)),
            ])
    }

    // MARK: Losses

    private static func losses(of summary: PurificationSummary) -> [ReportBlock] {
        let names = Set(summary.epochs.flatMap(\.losses.keys)).sorted()
        guard !names.isEmpty else { return [.paragraph("No epoch was finished.")] }
        let charts = names.map { name in
            // A chart each: the norms' sum is hundreds of times the cross-entropy.
            ReportBlock.lineChart(
                LineChart(
                    "Mean loss by epoch: \(name)", xTitle: "epoch", yTitle: name,
                    series: [series(name, summary.epochs) { $0.losses[name] }]))
        }
        let columns =
            [ReportTable.Column("Epoch", kind: .number)]
            + names.map { ReportTable.Column($0, kind: .number) }
        let rows = summary.epochs.enumerated().map { index, epoch in
            [.number(Double(index + 1), decimals: 0)]
                + names.map { name -> ReportTable.Cell in
                    epoch.losses[name].map { .number($0, decimals: 4) } ?? .missing
                }
        }
        return charts + [.table(ReportTable(columns, rows: rows))]
    }

    private static func series(
        _ name: String, _ epochs: [PurificationSummary.Epoch], from start: LineChart.Point? = nil,
        _ value: (PurificationSummary.Epoch) -> Double?
    ) -> LineChart.Series {
        let points = epochs.enumerated().map { index, epoch in
            LineChart.Point(Double(index + 1), value(epoch) ?? .nan)
        }
        return LineChart.Series(name, (start.map { [$0] } ?? []) + points)
    }

    // MARK: Norms

    private static func norms(of summary: PurificationSummary) -> [ReportBlock] {
        let names = Set(summary.epochs.flatMap(\.normRatios.keys)).sorted {
            $0.compare($1, options: [.numeric, .literal]) == .orderedAscending
        }
        guard !names.isEmpty else { return [.paragraph("No norm was watched.")] }
        let titles = shortNames(names)
        let chart = LineChart(
            "Norms relative to the input's", xTitle: "epoch", yTitle: "‖W(t)‖ / ‖W(0)‖",
            series: names.indices.map { index in
                series(titles[index], summary.epochs, from: LineChart.Point(0, 1)) {
                    $0.normRatios[names[index]]
                }
            }, palette: .sequential)
        let columns =
            [ReportTable.Column("Weight")]
            + summary.epochs.indices.map { ReportTable.Column("Epoch \($0 + 1)", kind: .number) }
        let rows = names.map { name in
            [.text(.code(name))]
                + summary.epochs.map { epoch -> ReportTable.Cell in
                    epoch.normRatios[name].map { .number($0, decimals: 4) } ?? .missing
                }
        }
        return [.lineChart(chart), .table(ReportTable(columns, rows: rows))]
    }

    /// Names without the components at either end that all of them share; a number that is left
    /// over is a layer's.
    static func shortNames(_ names: [String]) -> [String] {
        var parts = names.map { ArraySlice($0.split(separator: ".")) }
        guard names.count > 1 else { return names }
        func shared(_ end: (ArraySlice<Substring>) -> Substring?) -> Bool {
            parts.allSatisfy { $0.count > 1 } && Set(parts.map(end)).count == 1
        }
        while shared(\.first) { parts = parts.map { $0.dropFirst() } }
        while shared(\.last) { parts = parts.map { $0.dropLast() } }
        return parts.map { part in
            let name = part.joined(separator: ".")
            return Int(name) == nil ? name : "layer \(name)"
        }
    }

    // MARK: Output and settings

    private static func output(of summary: PurificationSummary) -> [ReportBlock] {
        let speed = summary.throughput
        let warnings = summary.warnings.map { warning in
            ReportBlock.callout(Callout(.warning, InlineText(warning.text)))
        }
        var pairs = [
            KeyValue("Input", .code(summary.model)),
            KeyValue("Output", .code(summary.output)),
            KeyValue("Changed tensors", "\(summary.changedTensors) of \(summary.tensors)"),
            KeyValue("Time", "\(NumberText.fixed(speed.seconds, decimals: 1)) s"),
            KeyValue(
                "\(summary.auxiliary.unit.capitalized) a second",
                .init(NumberText.fixed(speed.samplesPerSecond, decimals: 1))),
        ]
        if summary.prunedLayers == nil {
            pairs += [
                KeyValue("Steps", "\(speed.steps)"),
                KeyValue(
                    "First step", "\(NumberText.fixed(speed.firstStepSeconds, decimals: 2)) s"),
            ]
        }
        pairs += summary.omittedFiles.map { KeyValue("Left out", .code($0)) }
        pairs += summary.carriedFiles.map { KeyValue("Carried", .code($0)) }
        return warnings + [.keyValues(pairs)]
    }

    private static func settings(of summary: PurificationSummary) -> [ReportBlock] {
        let auxiliary = summary.auxiliary
        var pairs = auxiliary.files.map { KeyValue("Auxiliary data", .code($0)) }
        switch auxiliary.content {
        case .texts(let texts, let tokens, let truncated):
            pairs += [
                KeyValue("Texts", "\(texts), \(truncated) of them cut"),
                KeyValue("Tokens", "\(tokens)"),
            ]
        case .images(let images, let skipped):
            pairs.append(KeyValue("Images", "\(images), \(skipped) more damaged"))
        case .pairs(let images, let captions, let truncated, let skipped):
            pairs += [
                KeyValue("Images", "\(images), \(skipped) more missing or damaged"),
                KeyValue("Captions", "\(captions), \(truncated) of them cut"),
            ]
        }
        pairs += summary.settings.map { KeyValue($0.name, InlineText($0.value)) }
        return [.keyValues(pairs)] + (summary.command.map { [.code(CodeBlock($0))] } ?? [])
    }
}
