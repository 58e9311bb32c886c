import DataPipeline
import Documents
import Evaluation
import Experiments

/// Lays an analysis of neurons out as a report: the overlap of what clean and poisoned samples
/// activate as the paper's figure 2, the counts as its table 10, and both by layers.
public struct NeuronDocument: Sendable {
    /// The report, ready for any renderer.
    public let document: ReportDocument

    /// The report of one analysis.
    public init(_ report: NeuronReport) {
        let count = report.samples.count
        document = ReportDocument(
            title: "Activated neurons of \(report.model)",
            summary: """
                \(report.neuronCount) neurons of \(report.layers.count) layers, \
                \(count) clean \(count == 1 ? "sample" : "samples"), each with \
                \(report.triggers.count) \(report.triggers.count == 1 ? "trigger" : "triggers")
                """,
            sections: [
                ReportSection("Overlap", Self.overlap(of: report)),
                ReportSection("Aggregations", [.table(Self.aggregations(of: report))]),
                ReportSection("Layers", Self.layers(of: report)),
                ReportSection("Settings", Self.settings(of: report)),
                ReportSection("What the numbers mean", Self.meaning(of: report)),
            ])
    }

    // MARK: All layers together

    private static func overlap(of report: NeuronReport) -> [ReportBlock] {
        let rows = report.triggers.flatMap { Self.rows(of: $0, in: report) }
        let columns: [ReportTable.Column] = [
            .init("Trigger"), .init("Model"), .init("Clean", kind: .number),
            .init("Poisoned", kind: .number), .init("Both", kind: .number),
            .init("Only poisoned", kind: .number), .init("Overlap (%)", kind: .number),
            .init("Jaccard (%)", kind: .number),
        ]
        return [.table(ReportTable(columns, rows: rows))] + warnings(of: report)
            + [.barChart(bars(of: report))]
    }

    /// A row each for the model, the other model, and what that changes.
    private static func rows(
        of trigger: TriggerNeurons, in report: NeuronReport
    ) -> [[ReportTable.Cell]] {
        let aggregation = report.settings.aggregation
        let name = ReportTable.Cell.text(.code(trigger.trigger))
        var rows: [[ReportTable.Cell]] = []
        if let neurons = trigger.before[aggregation]?.total {
            let model: ReportTable.Cell = report.after == nil ? "model" : "before"
            rows.append([name, model] + cells(of: neurons, aggregation))
        }
        if let neurons = trigger.after?[aggregation]?.total {
            rows.append([name, "after"] + cells(of: neurons, aggregation))
        }
        if let change = trigger.change?[aggregation] {
            let decimals = decimals(aggregation)
            rows.append([
                name, "change", difference(change.clean, decimals: decimals),
                difference(change.poisoned, decimals: decimals), .missing,
                difference(change.onlyPoisoned, decimals: decimals),
                difference(change.ratio.map { 100 * $0 }, decimals: 2),
                difference(change.jaccard.map { 100 * $0 }, decimals: 2),
            ])
        }
        return rows
    }

    private static func cells(
        of neurons: NeuronOverlap, _ aggregation: NeuronAggregation
    ) -> [ReportTable.Cell] {
        let decimals = decimals(aggregation)
        return [
            .number(neurons.clean, decimals: decimals),
            .number(neurons.poisoned, decimals: decimals),
            .number(neurons.shared, decimals: decimals),
            .number(neurons.onlyPoisoned, decimals: decimals),
            percent(neurons.ratio), percent(neurons.jaccard),
        ]
    }

    /// Means over pairs are no whole numbers.
    private static func decimals(_ aggregation: NeuronAggregation) -> Int {
        aggregation == .pairs ? 1 : 0
    }

    private static func percent(_ share: Double?) -> ReportTable.Cell {
        share.map { .number(100 * $0, decimals: 2) } ?? .missing
    }

    private static func difference(_ value: Double?, decimals: Int) -> ReportTable.Cell {
        guard let value else { return .missing }
        let text = NumberText.fixed(value, decimals: decimals)
        return .text(InlineText(value > 0 ? "+\(text)" : text))
    }

    private static func bars(of report: NeuronReport) -> BarChart {
        let aggregation = report.settings.aggregation
        func bar(_ neurons: [NeuronAggregation: ActivatedNeurons]?) -> BarChart.Bar? {
            neurons?[aggregation]?.total.ratio.map { BarChart.Bar(100 * $0) }
        }
        var series = [
            BarChart.Series(
                report.after == nil ? "model" : "before", report.triggers.map { bar($0.before) })
        ]
        if report.after != nil {
            series.append(BarChart.Series("after", report.triggers.map { bar($0.after) }))
        }
        return BarChart(
            "Overlap of the neurons that clean and poisoned samples activate", valueTitle: "%",
            categories: report.triggers.map(\.trigger), series: series, decimals: 2)
    }

    private static func warnings(of report: NeuronReport) -> [ReportBlock] {
        var warnings: [ReportBlock] = []
        if let worst = report.triggers.max(by: { $0.lost < $1.lost }), worst.lost > 0 {
            warnings.append(
                .callout(
                    Callout(
                        .warning,
                        """
                        In \(worst.lost) of \(report.samples.count) samples the trigger \
                        \(code: worst.trigger) lies beyond the length that texts are cut to, or \
                        changes no token, so that the model never saw it. They count as the rest do.
                        """)))
        }
        let aggregation = report.settings.aggregation
        let silent = report.triggers.contains { trigger in
            [trigger.before, trigger.after ?? [:]].contains {
                $0[aggregation].map { $0.total.poisoned == 0 } ?? false
            }
        }
        if silent {
            warnings.append(
                .callout(
                    Callout(
                        .warning,
                        "Where poisoned samples activate no neuron, there is no overlap ratio.")))
        }
        return warnings
    }

    // MARK: By aggregation and by layer

    private static func aggregations(of report: NeuronReport) -> ReportTable {
        let isPair = report.after != nil
        var columns: [ReportTable.Column] = [.init("Trigger"), .init("Aggregation")]
        for name in isPair ? ["before", "after"] : [""] {
            let suffix = name.isEmpty ? "" : ", \(name)"
            columns += [
                .init("Clean\(suffix)", kind: .number),
                .init("Only poisoned\(suffix)", kind: .number),
                .init("Overlap (%)\(suffix)", kind: .number),
            ]
        }
        let rows = report.triggers.flatMap { trigger in
            NeuronAggregation.allCases.map { aggregation -> [ReportTable.Cell] in
                var cells: [ReportTable.Cell] = [
                    .text(.code(trigger.trigger)), .text(InlineText(aggregation.rawValue)),
                ]
                for neurons in [trigger.before, trigger.after].compactMap({ $0 }) {
                    cells += short(neurons[aggregation]?.total, aggregation)
                }
                return cells
            }
        }
        return ReportTable(columns, rows: rows)
    }

    private static func short(
        _ neurons: NeuronOverlap?, _ aggregation: NeuronAggregation
    ) -> [ReportTable.Cell] {
        guard let neurons else { return [.missing, .missing, .missing] }
        let decimals = decimals(aggregation)
        return [
            .number(neurons.clean, decimals: decimals),
            .number(neurons.onlyPoisoned, decimals: decimals), percent(neurons.ratio),
        ]
    }

    private static func layers(of report: NeuronReport) -> [ReportBlock] {
        let names = PurificationDocument.shortNames(report.layers.map(\.name))
        return report.triggers.flatMap { trigger -> [ReportBlock] in
            let chart = lines(of: trigger, in: report)
            var blocks = [ReportBlock.heading("Trigger \(trigger.trigger)")]
            if chart.series.contains(where: { !$0.points.isEmpty }) {
                blocks.append(.lineChart(chart))
            }
            return blocks + [.table(table(of: trigger, names: names, in: report))]
        }
    }

    private static func lines(of trigger: TriggerNeurons, in report: NeuronReport) -> LineChart {
        let aggregation = report.settings.aggregation
        let lines = [
            (report.after == nil ? "model" : "before", trigger.before), ("after", trigger.after),
        ]
        return LineChart(
            "Overlap by layer, trigger \(trigger.trigger)", xTitle: "layer", yTitle: "%",
            series: lines.compactMap { name, neurons in
                guard let layers = neurons?[aggregation]?.layers else { return nil }
                return LineChart.Series(
                    name,
                    // Where poisoned samples activate nothing there is no point.
                    layers.enumerated().compactMap { index, layer in
                        layer.ratio.map { LineChart.Point(Double(index), 100 * $0) }
                    })
            })
    }

    private static func table(
        of trigger: TriggerNeurons, names: [String], in report: NeuronReport
    ) -> ReportTable {
        let aggregation = report.settings.aggregation
        let models = [
            (report.after == nil ? "" : ", before", trigger.before), (", after", trigger.after),
        ].compactMap { suffix, neurons in neurons.map { (suffix, $0) } }
        let columns =
            [ReportTable.Column("Layer"), .init("Neurons", kind: .number)]
            + models.flatMap { suffix, _ in
                [
                    ReportTable.Column("Clean\(suffix)", kind: .number),
                    .init("Only poisoned\(suffix)", kind: .number),
                    .init("Overlap (%)\(suffix)", kind: .number),
                ]
            }
        let rows = report.layers.indices.map { layer -> [ReportTable.Cell] in
            [
                .text(.code(names[layer])),
                .number(Double(report.layers[layer].neurons), decimals: 0),
            ]
                + models.flatMap { _, neurons in
                    short(neurons[aggregation]?.layers[layer], aggregation)
                }
        }
        return ReportTable(columns, rows: rows)
    }
}
