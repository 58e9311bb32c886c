import DataPipeline

extension TerminalRenderer {
    private static let levels = Array("▁▂▃▄▅▆▇█")

    /// One line a series: its first and last value and, where allowed, its shape between them, all
    /// shapes to one scale.
    func render(_ chart: LineChart) -> String {
        let values = chart.series.flatMap { $0.points.map(\.y) }
        let scale: AxisTicks =
            chart.logarithmic ? .logarithmic(for: values) : .linear(for: values)
        let rows = chart.series.map { series -> [ReportTable.Cell] in
            let values = series.points.map(\.y)
            let finite = values.filter(\.isFinite)
            var row: [ReportTable.Cell] = [.text(InlineText(series.name))]
            row += [finite.first, finite.last].map { value in
                value.map { .text(InlineText(NumberText.short($0))) } ?? .missing
            }
            if usesUnicode { row.append(.text(InlineText(sparkline(values, scale)))) }
            return row
        }
        var columns: [ReportTable.Column] = [
            .init(""), .init("first", kind: .number), .init("last", kind: .number),
        ]
        // A column of numbers is never narrowed, and neither may a drawing be.
        if usesUnicode { columns.append(.init(chart.xTitle, kind: .number, alignment: .left)) }
        return render(
            ReportTable(
                columns, rows: rows,
                caption: InlineText("\(chart.title) (\(chart.yTitle))" as String)))
    }

    private func sparkline(_ values: [Double], _ scale: AxisTicks) -> String {
        let count = min(values.count, 24)
        return String(
            (0..<count).map { place -> Character in
                let value = values[count > 1 ? place * (values.count - 1) / (count - 1) : 0]
                guard let height = scale.position(of: value) else { return " " }
                return Self.levels[min(Int(height * 8), 7)]
            })
    }

    /// A line a bar, drawn to scale from 0; the sign of a negative value is left to its number.
    func render(_ chart: BarChart) -> String {
        let values = chart.series.flatMap { $0.bars.compactMap { $0?.value } }.filter(\.isFinite)
        let largest = values.map(abs).max() ?? 0
        let room = max(10, width / 3)
        let severalSeries = chart.series.count > 1
        var rows: [[ReportTable.Cell]] = []
        for (group, category) in chart.categories.enumerated() {
            for (place, series) in chart.series.enumerated() {
                let bar = series.bars.indices.contains(group) ? series.bars[group] : nil
                var row: [ReportTable.Cell] = [.text(InlineText(place == 0 ? category : ""))]
                if severalSeries { row.append(.text(InlineText(series.name))) }
                row.append(bar.map { .number($0.value, decimals: chart.decimals) } ?? .missing)
                var length = 0
                if let value = bar?.value, value.isFinite, largest > 0 {
                    length = Int((abs(value) / largest * Double(room)).rounded())
                }
                row.append(
                    .text(InlineText(String(repeating: usesUnicode ? "█" : "#", count: length))))
                rows.append(row)
            }
        }
        let columns: [ReportTable.Column] =
            [.init("")] + (severalSeries ? [.init("")] : [])
            + [
                .init(chart.valueTitle, kind: .number), .init("", kind: .number, alignment: .left),
            ]
        return render(ReportTable(columns, rows: rows, caption: InlineText(chart.title)))
    }
}
