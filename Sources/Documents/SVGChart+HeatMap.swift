import DataPipeline

extension SVGChart {
    private static let cellHeight = 26.0

    /// A grid of coloured cells with their values.
    func render(_ chart: HeatMap) -> String {
        guard !chart.rows.isEmpty, !chart.columns.isEmpty else { return empty(title: chart.title) }
        let widest = ([chart.rowTitle] + chart.rows).map { Self.width(of: $0) }.max() ?? 0
        let left = 16 + min(widest, 220), top = 46.0
        let cellWidth = min(110, (Self.width - left - 8) / Double(chart.columns.count))
        var content = headings(chart, left: left, top: top, cellWidth: cellWidth)
        for (row, name) in chart.rows.enumerated() {
            let y = top + Double(row) * Self.cellHeight
            content.append(
                .label(
                    Self.fitted(name, to: 220), at: (left - 8, y + Self.cellHeight / 2 + 4),
                    anchor: "end"))
            for (column, columnName) in chart.columns.enumerated() {
                content += cell(
                    chart.value(row, column), name: "\(name), \(columnName)", in: chart,
                    at: (left + Double(column) * cellWidth, y), width: cellWidth)
            }
        }
        return drawing(
            height: top + Double(chart.rows.count) * Self.cellHeight + 8, title: chart.title,
            description: description(of: chart), content)
    }

    private func headings(
        _ chart: HeatMap, left: Double, top: Double, cellWidth: Double
    ) -> [SVGElement] {
        let titles: [SVGElement] = [
            .label(
                Self.fitted(chart.columnTitle, to: Self.width - left), at: (left, 14),
                anchor: "start",
                "label axis-title"),
            .label(
                Self.fitted(chart.rowTitle, to: left - 8), at: (left - 8, top - 10), anchor: "end",
                "label axis-title"),
        ]
        return titles
            + chart.columns.enumerated().map { (column, name) in
                let middle = left + (Double(column) + 0.5) * cellWidth
                return .label(
                    Self.fitted(name, to: cellWidth - 4), at: (middle, top - 10), anchor: "middle")
            }
    }

    private func cell(
        _ value: Double?, name: String, in chart: HeatMap, at corner: (Double, Double),
        width: Double
    ) -> [SVGElement] {
        let middle = (corner.0 + width / 2, corner.1 + Self.cellHeight / 2 + 4)
        guard let value else {
            let box = SVGElement.box(
                x: corner.0 + 1, y: corner.1 + 1, width: width - 2, height: Self.cellHeight - 2,
                style: "fill:none;stroke:var(--grid)", tooltip: "\(name): not measured")
            return [box, .label("–", at: middle, anchor: "middle", "label muted")]
        }
        let shade = fraction(of: value, in: chart)
        let shown = NumberText.fixed(value, decimals: chart.decimals)
        let box = SVGElement.box(
            x: corner.0 + 1, y: corner.1 + 1, width: width - 2, height: Self.cellHeight - 2,
            style: "fill:\(Self.mix(shade))", tooltip: "\(name): \(shown)")
        guard Self.width(of: shown) <= width else { return [box] }
        let style = shade > 0.5 ? "label on-strong" : "label on-weak"
        return [box, .label(shown, at: middle, anchor: "middle", style)]
    }

    /// How strong a value's colour is.
    private func fraction(of value: Double, in chart: HeatMap) -> Double {
        let values = chart.values.joined().compactMap { $0 }.filter(\.isFinite)
        let low = chart.range?.lowerBound ?? values.min() ?? 0
        let high = chart.range?.upperBound ?? values.max() ?? 0
        let fraction = (value / 2 - low / 2) / (high / 2 - low / 2)
        return fraction.isFinite ? min(max(fraction, 0), 1) : 0.5
    }

    private func description(of chart: HeatMap) -> String {
        var strongest: (value: Double, row: String, column: String)?
        for (row, rowName) in chart.rows.enumerated() {
            for (column, columnName) in chart.columns.enumerated() {
                guard let value = chart.value(row, column), value > strongest?.value ?? -.infinity
                else { continue }
                strongest = (value, rowName, columnName)
            }
        }
        let axes = "\(chart.title) by \(chart.rowTitle) and \(chart.columnTitle)."
        guard let strongest else { return axes + " There is no data." }
        let shown = NumberText.fixed(strongest.value, decimals: chart.decimals)
        return "\(axes) The largest is \(shown), at \(strongest.row), \(strongest.column)."
    }
}
