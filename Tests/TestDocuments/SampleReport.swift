import Documents

/// A report with one of every block, and names that try to break out of each format.
public enum SampleReport {
    /// A name that tries to break out of each format.
    public static let hostile = "<script>alert(1)</script>|`*_[x](https://a.b)\u{1B}[31m\u{202E}\0"

    /// A table with every kind of cell.
    public static let accuracy = ReportTable(
        [
            .init("Model"), .init("ACC", kind: .number, best: .max),
            .init("AASR", kind: .number, best: .min), .init("Note", alignment: .center),
        ],
        rows: [
            ["clean", .number(88.24), .interval(13.8, low: 12.5, high: 15.2), .missing],
            [
                "no defense", .deviation(mean: 87.5, deviation: 0.25),
                .interval(70.04, low: 68, high: 72), "backdoored",
            ],
            ["\(code: "a|b`c")", .number(.nan), .number(13.79), .text(InlineText(hostile))],
        ],
        caption: "SST-2")

    /// Lines with a gap.
    public static let norms = LineChart(
        "Norms", xTitle: "step", yTitle: "‖W(t)‖ / ‖W(0)‖",
        series: [
            .init("layer 0", values: [1, 0.875, .nan, 0.75, 0.5]),
            .init("layer 1", values: [1, 0.9375, 0.875, 0.8125, 0.75]),
        ], palette: .sequential)

    /// Bars, one of which has no end.
    public static let rates = BarChart(
        "Attack success", valueTitle: "ASR (%)", categories: ["cf", hostile],
        series: [
            .init("before", [.init(99.5, interval: 98...100), .init(.infinity)]),
            .init("after", values: [12, 14.5]),
        ])

    /// A map with holes.
    public static let grid = HeatMap(
        "ASR", rowTitle: "trigger", columnTitle: "label", rows: ["cf", hostile],
        columns: ["negative", "positive"], values: [[0, 100], [nil, .nan]], range: 0...100)

    /// All of them.
    public static let document = ReportDocument(
        title: "Purification of \(hostile)", summary: "Made by \(code: "recipe purify")",
        sections: [
            ReportSection(
                "Results",
                [
                    .heading("Table"), .table(accuracy),
                    .callout(.warning, "The pooler was \(strong: "reset")."),
                ]),
            ReportSection("Charts", [.lineChart(norms), .barChart(rates), .heatMap(grid)]),
            ReportSection(
                "Settings",
                [
                    .keyValues([.init("seed", "50"), .init(hostile, .code(hostile))]),
                    .code(.init("recipe purify MODEL \\\n    -o OUT", language: "sh")),
                ]),
            ReportSection(hostile, [.paragraph("See \(emphasis: hostile).")]),
        ])
}

extension ReportBlock {
    /// A callout of words.
    public static func callout(_ kind: Callout.Kind, _ text: InlineText) -> ReportBlock {
        .callout(Callout(kind, text))
    }
}
