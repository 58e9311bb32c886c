import DataPipeline
import Documents
import Evaluation
import Experiments
import Randomness

/// Lays evaluations out as a report: results, triggers by label, settings, and what numbers mean.
public struct EvaluationDocument: Sendable {
    /// The report, ready for any renderer.
    public let document: ReportDocument

    /// The report of one evaluation, with the clean model as the floor where it was evaluated.
    public init(_ report: EvaluationReport) {
        var rows = [
            Self.row(of: report, name: report.model, excess: report.excessAASR, isFloor: false)
        ]
        if let reference = report.reference {
            let floor = EvaluationRow(
                name: reference.model, seeds: reference.seeds, pooler: report.poolerPolicy,
                filter: report.settings.filter, excess: nil, isFloor: true)
            rows.insert(floor, at: 0)
        }
        let seeds =
            report.isTrained ? [ReportSection("Seeds", [.table(Self.seeds(of: report))])] : []
        document = ReportDocument(
            title: "Evaluation of \(report.model)", summary: Self.summary(of: [report]),
            sections: [
                ReportSection("Results", Self.results(rows) + Self.warnings([report])),
                ReportSection("Triggers", Self.triggers(of: report)),
            ] + seeds + [
                ReportSection("Settings", Self.settings(of: report)),
                ReportSection("What the numbers mean", Self.meaning(of: rows, in: [report])),
            ])
    }

    /// The report of several evaluations side by side.
    public init(_ comparison: EvaluationComparison) {
        let rows = comparison.entries.map { entry in
            Self.row(
                of: entry.report, name: entry.name, excess: comparison.excessAASR(of: entry),
                isFloor: entry.name == comparison.cleanEntry)
        }
        let reports = comparison.entries.map(\.report)
        let triggers: [ReportBlock] = comparison.entries.flatMap { entry in
            [ReportBlock.heading(entry.name), .heatMap(Self.labelGrid(of: entry.report))]
        }
        let settings: [ReportBlock] = comparison.entries.flatMap { entry in
            [ReportBlock.heading(entry.name)] + Self.settings(of: entry.report)
        }
        document = ReportDocument(
            title: comparison.title, summary: Self.summary(of: reports),
            sections: [
                ReportSection(
                    "Results",
                    Self.results(rows) + Self.warnings(reports) + [.barChart(Self.bars(rows))]),
                ReportSection("Triggers", triggers),
                ReportSection("Settings", settings),
                ReportSection("What the numbers mean", Self.meaning(of: rows, in: reports)),
            ])
    }

    // MARK: Results

    private static func row(
        of report: EvaluationReport, name: String, excess: Double?, isFloor: Bool
    ) -> EvaluationRow {
        EvaluationRow(
            name: name, seeds: report.seeds, pooler: report.poolerPolicy,
            filter: report.settings.filter, excess: excess, isFloor: isFloor)
    }

    private static func results(_ rows: [EvaluationRow]) -> [ReportBlock] {
        let hasExcess = rows.contains { $0.excess != nil }
        // Next to a clean model, which attacks do not reach, no other row is the one to pick out.
        let marks = !rows.contains(where: \.isFloor)
        let hasPooler = rows.contains { $0.pooler != nil }
        var columns = [ReportTable.Column("Model")]
        if hasPooler { columns.append(.init("Pooler")) }
        columns += [
            .init("ACC (%)", kind: .number, best: marks ? .max : nil),
            .init("AASR (%)", kind: .number, best: marks ? .min : nil),
            .init("MASR (%)", kind: .number, best: marks ? .min : nil),
        ]
        if hasExcess { columns.append(.init("Excess AASR (points)", kind: .number)) }
        let cells = rows.map { row in
            let name: ReportTable.Cell = row.isFloor ? "\(row.name) (floor)" : "\(row.name)"
            let pooler = row.pooler.map { ReportTable.Cell.text(InlineText($0.rawValue)) }
            let excess = row.excess.map { ReportTable.Cell.number(100 * $0, decimals: 2) }
            return
                ([name] + (hasPooler ? [pooler ?? .missing] : [])
                + [row.accuracy, row.aasr, row.masr, excess ?? .missing]).prefix(columns.count)
        }
        return [.table(ReportTable(columns, rows: cells.map(Array.init)))]
    }

    private static func bars(_ rows: [EvaluationRow]) -> BarChart {
        let metrics: [(String, KeyPath<EvaluationRow, ReportTable.Cell>)] = [
            ("ACC", \.accuracy), ("AASR", \.aasr), ("MASR", \.masr),
        ]
        return BarChart(
            "Accuracy and attack success", valueTitle: "%", categories: rows.map(\.name),
            series: metrics.map { name, cell in
                BarChart.Series(name, rows.map { $0[keyPath: cell].percentBar })
            }, decimals: 2)
    }

    private static func summary(of reports: [EvaluationReport]) -> InlineText? {
        guard let first = reports.first else { return nil }
        let alike = reports.allSatisfy {
            $0.testCount == first.testCount && $0.labelNames == first.labelNames
                && $0.settings.triggers == first.settings.triggers
                && $0.seeds.map(\.seed) == first.seeds.map(\.seed)
        }
        guard alike else { return nil }
        let seeds = first.seeds.compactMap(\.seed).map { "\($0.value)" }.joined(separator: ", ")
        return """
            \(first.testCount) test samples of \(first.labelNames.count) labels, \
            \(first.settings.triggers.count) triggers, \
            \(first.isTrained ? "\(first.seeds.count == 1 ? "seed" : "seeds") \(seeds)" : "zero-shot")
            """
    }

    private static func warnings(_ reports: [EvaluationReport]) -> [ReportBlock] {
        var warnings: [ReportBlock] = []
        let lost = reports.reduce(0) { $0 + $1.lostInsertions }
        if lost > 0 {
            warnings.append(
                .callout(
                    Callout(
                        .warning,
                        """
                        \(lost) insertions lie beyond the length that texts are cut to, so that \
                        the model never saw these triggers. They count as the rest do.
                        """)))
        }
        var shared: [String] = []
        for report in reports {
            guard let text = report.sharedSamples?.warning(of: report.testCount),
                !shared.contains(text)
            else { continue }
            shared.append(text)
        }
        warnings += shared.map { .callout(Callout(.warning, InlineText($0 + "."))) }
        if reports.contains(where: { $0.isTrained && $0.seeds.count == 1 }) {
            warnings.append(
                .callout(
                    Callout(
                        .note,
                        """
                        A row of one seed says nothing about the scatter between runs: take no \
                        difference for real that is smaller than the intervals.
                        """)))
        }
        return warnings
    }

    // MARK: Triggers and seeds

    private static func triggers(of report: EvaluationReport) -> [ReportBlock] {
        guard let triggers = report.seeds.first?.triggers, !triggers.isEmpty else {
            return [.paragraph("No trigger was tested.")]
        }
        var columns: [ReportTable.Column] = [
            .init("Trigger"), .init("Best label"), .init("ASR (%)", kind: .number),
            .init("Any change (%)", kind: .number),
        ]
        // An image is never cut, so that every patch is to be seen.
        if case .texts = report.settings.samples {
            columns.append(.init("Cut off", kind: .number))
        }
        let rows = triggers.indices.map { index in
            let results = report.seeds.compactMap {
                $0.triggers.indices.contains(index) ? $0.triggers[index] : nil
            }
            var labels: [String] = []
            for case let label? in results.map(\.best?.label) where !labels.contains(label) {
                labels.append(label)
            }
            let cells: [ReportTable.Cell] = [
                .text(.code(triggers[index].trigger)),
                .text(InlineText(labels.joined(separator: ", "))),
                .percent(results.compactMap(\.best?.proportion)),
                .percent(results.map(\.flip)),
                .number(Double(results.reduce(0) { $0 + $1.lost }), decimals: 0),
            ]
            return Array(cells.prefix(columns.count))
        }
        let table = ReportTable(columns, rows: rows)
        return [.heatMap(labelGrid(of: report)), .table(table)]
    }

    private static func labelGrid(of report: EvaluationReport) -> HeatMap {
        HeatMap(
            "Attack success by trigger and label (%)", rowTitle: "trigger", columnTitle: "label",
            rows: (report.seeds.first?.triggers ?? []).map(\.trigger), columns: report.labelNames,
            values: report.labelRates.map { $0.map { $0.map { 100 * $0.mean } } }, range: 0...100,
            decimals: 2)
    }

    private static func seeds(of report: EvaluationReport) -> ReportTable {
        let groups =
            [(report.model, report.seeds)]
            + (report.reference.map { [("\($0.model) (floor)", $0.seeds)] } ?? [])
        let rows = groups.flatMap { name, seeds in
            seeds.map { seed -> [ReportTable.Cell] in
                [
                    "\(name)", "\(seed.seed.map { "\($0.value)" } ?? "–")",
                    .percent([seed.accuracy]),
                    .percent(MeanDeviation([seed.aasr].compactMap { $0 })),
                    .percent([seed.strongest?.best?.proportion].compactMap { $0 }),
                    seed.finalLoss.map { .number($0, decimals: 4) } ?? .missing,
                    .number(seed.trainSeconds), .number(seed.evalSeconds),
                ]
            }
        }
        return ReportTable(
            [
                .init("Model"), .init("Seed", kind: .number), .init("ACC (%)", kind: .number),
                .init("AASR (%)", kind: .number), .init("MASR (%)", kind: .number),
                .init("Final loss", kind: .number), .init("Training (s)", kind: .number),
                .init("Testing (s)", kind: .number),
            ], rows: rows)
    }
}
