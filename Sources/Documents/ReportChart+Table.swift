import DataPipeline

// Where a picture cannot be drawn, and for readers who cannot see it, a chart is also a table.

extension LineChart {
    /// The most rows a line chart's table has; longer lines are sampled evenly, ends included.
    static let tableRows = 12

    /// A row for each place on the horizontal axis, a column for each line.
    var table: ReportTable {
        let places = Set(series.flatMap { $0.points.map(\.x) }.filter(\.isFinite)).sorted()
        let sampled = Self.sample(places, count: Self.tableRows)
        let lookups = series.map { line in
            Dictionary(line.points.map { ($0.x, $0.y) }, uniquingKeysWith: { _, last in last })
        }
        let rows = sampled.map { place in
            [ReportTable.Cell.text(InlineText(NumberText.short(place, digits: 7)))]
                + lookups.map { lookup in
                    lookup[place].map { .text(InlineText(NumberText.short($0))) } ?? .missing
                }
        }
        return ReportTable(
            [.init(xTitle, kind: .number)] + series.map { .init($0.name, kind: .number) },
            rows: rows, caption: InlineText("\(title) (\(yTitle))" as String))
    }

    private static func sample(_ values: [Double], count: Int) -> [Double] {
        guard values.count > count, count > 1 else { return values }
        return (0..<count).map { values[$0 * (values.count - 1) / (count - 1)] }
    }
}

extension BarChart {
    /// A row for each category, a column for each series.
    var table: ReportTable {
        let rows = categories.enumerated().map { (index, category) in
            [ReportTable.Cell.text(InlineText(category))]
                + series.map { line in
                    cell(line.bars.indices.contains(index) ? line.bars[index] : nil)
                }
        }
        return ReportTable(
            [.init("")] + series.map { .init($0.name, kind: .number) }, rows: rows,
            caption: InlineText("\(title) (\(valueTitle))" as String))
    }

    private func cell(_ bar: Bar?) -> ReportTable.Cell {
        guard let bar else { return .missing }
        guard let interval = bar.interval else { return .number(bar.value, decimals: decimals) }
        return .interval(
            bar.value, low: interval.lowerBound, high: interval.upperBound, decimals: decimals)
    }
}

extension HeatMap {
    /// The grid as it stands.
    var table: ReportTable {
        let cells = rows.indices.map { row in
            [ReportTable.Cell.text(InlineText(rows[row]))]
                + columns.indices.map { column in
                    value(row, column).map { .number($0, decimals: decimals) } ?? .missing
                }
        }
        return ReportTable(
            [.init("\(rowTitle) \\ \(columnTitle)")] + columns.map { .init($0, kind: .number) },
            rows: cells, caption: InlineText(title))
    }
}
