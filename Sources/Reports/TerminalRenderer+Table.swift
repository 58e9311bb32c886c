extension TerminalRenderer {
    /// One table with aligned columns; without colour a column's best value is marked by a star.
    public func render(_ table: ReportTable) -> String {
        let layout = TableLayout(table, width: width, starsBest: !usesColor)
        let edges = usesUnicode ? Edges.box : Edges.plain
        var lines = table.caption.map { [styled(VisibleText.line($0.plain), .bold)] } ?? []
        if let top = edges.top { lines.append(rule(top, layout.widths, edges)) }
        let titles = zip(layout.titles, table.columns).enumerated().map { (index, column) in
            styled(
                VisibleText.padded(column.0, to: layout.widths[index], column.1.alignment), .bold)
        }
        lines.append(joined(titles, edges))
        lines.append(rule(edges.middle, layout.widths, edges))
        for (row, cells) in layout.rows.enumerated() {
            let shown = cells.enumerated().map { (column, text) in
                let padded = VisibleText.padded(
                    text, to: layout.widths[column], table.columns[column].alignment)
                return layout.best.contains(.init(row: row, column: column))
                    ? styled(padded, .best) : padded
            }
            lines.append(joined(shown, edges))
        }
        if let bottom = edges.bottom { lines.append(rule(bottom, layout.widths, edges)) }
        return lines.joined(separator: "\n")
    }

    private func joined(_ cells: [String], _ edges: Edges) -> String {
        let line = edges.left + cells.joined(separator: edges.between) + edges.right
        return edges.right.isEmpty ? line.replacing(#/ +$/#, with: "") : line
    }

    private func rule(_ corners: Corners, _ widths: [Int], _ edges: Edges) -> String {
        let dashes = widths.map { String(repeating: edges.dash, count: $0 + 2 * edges.padding) }
        return corners.left + dashes.joined(separator: corners.between) + corners.right
    }
}

private struct Corners { let left: String, between: String, right: String }

/// What a table is drawn with.
private struct Edges {
    let dash: String
    let padding: Int
    let left: String, between: String, right: String
    let top: Corners?, middle: Corners, bottom: Corners?

    static let box = Edges(
        dash: "─", padding: 1, left: "│ ", between: " │ ", right: " │",
        top: Corners(left: "┌", between: "┬", right: "┐"),
        middle: Corners(left: "├", between: "┼", right: "┤"),
        bottom: Corners(left: "└", between: "┴", right: "┘"))

    static let plain = Edges(
        dash: "-", padding: 0, left: "", between: "  ", right: "", top: nil,
        middle: Corners(left: "", between: "  ", right: ""), bottom: nil)
}

/// A table's cells as text, and how wide each column is.
private struct TableLayout {
    /// Text is not narrowed below this.
    static let narrowest = 8

    var titles: [String]
    var rows: [[String]]
    var widths: [Int]
    let best: Set<ReportTable.Position>

    init(_ table: ReportTable, width: Int, starsBest: Bool) {
        let best = table.bestCells
        self.best = best
        let marked = Set(
            table.columns.indices.filter { table.columns[$0].best != nil } + best.map(\.column))
        titles = table.columns.map { VisibleText.line($0.fullTitle) }
        rows = table.filledRows.enumerated().map { (row, cells) in
            cells.enumerated().map { (column, cell) in
                if column == 0, table.continuesGroup(row) { return "" }
                let place = ReportTable.Position(row: row, column: column)
                let text = VisibleText.line(table.text(at: place, of: cell).plain)
                let other = table.otherText(at: place, of: cell).map { " (\($0))" } ?? ""
                guard starsBest, marked.contains(column) else { return text + other }
                return text + (best.contains(place) ? "*" : " ") + other
            }
        }
        widths = []
        for (column, title) in titles.enumerated() {
            widths.append(
                ([title] + rows.map { $0[column] }).map(VisibleText.width).max() ?? 0)
        }
        narrow(table, to: width)
    }

    /// Takes from the widest text column, a character at a time, until the table fits.
    private mutating func narrow(_ table: ReportTable, to width: Int) {
        let frame = 3 * table.columns.count + 1
        var excess = widths.reduce(frame, +) - width
        let candidates = table.columns.indices.filter { table.columns[$0].kind == .text }
        while excess > 0, let widest = candidates.max(by: { widths[$0] < widths[$1] }),
            widths[widest] > Self.narrowest
        {
            widths[widest] -= 1
            excess -= 1
        }
        for column in candidates {
            titles[column] = VisibleText.truncated(titles[column], to: widths[column])
            for row in rows.indices {
                rows[row][column] = VisibleText.truncated(rows[row][column], to: widths[column])
            }
        }
    }
}
