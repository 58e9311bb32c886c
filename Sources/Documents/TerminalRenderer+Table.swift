extension TerminalRenderer {
    /// One table with aligned columns; without colour a column's best value is marked by a star.
    ///
    /// Where columns stand under common headings and are too many for the terminal, a table for each
    /// heading.
    public func render(_ table: ReportTable) -> String {
        let whole = table.withoutIntervals
        let layout = TableLayout(whole, width: width, starsBest: !usesColor)
        guard table.isGrouped, layout.width > width else { return draw(whole, layout) }
        return whole.columns.compactMap(\.group).distinct.map { group in
            let part = whole.columns(under: group)
            return draw(part, TableLayout(part, width: width, starsBest: !usesColor))
        }.joined(separator: "\n\n")
    }

    private func draw(_ table: ReportTable, _ layout: TableLayout) -> String {
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
                let paper = table.paperText(at: place, of: cell).map { " (\($0))" } ?? ""
                guard starsBest, marked.contains(column) else { return text + paper }
                return text + (best.contains(place) ? "*" : " ") + paper
            }
        }
        widths = []
        for (column, title) in titles.enumerated() {
            widths.append(
                ([title] + rows.map { $0[column] }).map(VisibleText.width).max() ?? 0)
        }
        narrow(table, to: width)
    }

    /// How many columns of a terminal the table takes.
    var width: Int { widths.reduce(3 * widths.count + 1, +) }

    /// Takes from the widest text column, a character at a time, until the table fits.
    private mutating func narrow(_ table: ReportTable, to width: Int) {
        var excess = self.width - width
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

extension ReportTable {
    /// The table; where columns stand under common headings, without intervals, for which there is
    /// no room.
    fileprivate var withoutIntervals: ReportTable {
        guard isGrouped else { return self }
        var table = self
        table.rows = rows.map { row in
            row.map { cell in
                guard case .interval(let value, _, _, let decimals) = cell else { return cell }
                return .number(value, decimals: decimals)
            }
        }
        return table
    }

    /// The columns without a heading above them, and those under `group`, which names the table.
    fileprivate func columns(under group: String) -> ReportTable {
        let kept = columns.indices.filter { [nil, group].contains(columns[$0].group) }
        var table = ReportTable(
            kept.map { columns[$0] }, rows: filledRows.map { row in kept.map { row[$0] } },
            caption: InlineText(group), groupsRows: groupsRows)
        for index in table.columns.indices { table.columns[index].group = nil }
        for (place, column) in kept.enumerated() {
            for row in rows.indices {
                table.annotations[.init(row: row, column: place)] =
                    annotations[.init(row: row, column: column)]
            }
        }
        return table
    }
}
