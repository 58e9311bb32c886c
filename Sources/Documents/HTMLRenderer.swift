import DataPipeline
import Foundation

/// Writes a report as one HTML page that needs nothing else: its style and drawings are inside it,
/// it runs no script, and its policy forbids every request.
public struct HTMLRenderer: Sendable {
    /// Makes a renderer.
    public init() {}

    /// The whole page.
    public func render(_ document: ReportDocument) -> String {
        var writer = HTMLWriter()
        let sections = document.sections.enumerated().map { writer.section($1, number: $0 + 1) }
        let summary =
            document.summary.map { "<p class=\"summary\">\(writer.inline($0))</p>\n" } ?? ""
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src \
            'unsafe-inline'; img-src data:">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(HTMLText.escape(document.title))</title>
            <style>
            \(Self.style)
            </style>
            </head>
            <body>
            <main>
            <h1>\(HTMLText.escape(document.title))</h1>
            \(summary)\(writer.contents(of: document))\(sections.joined())</main>
            </body>
            </html>

            """
    }
}

/// Writes the parts of a page and numbers its drawings.
private struct HTMLWriter {
    private var charts = 0

    /// Links to the sections, where there are enough of them to need it.
    func contents(of document: ReportDocument) -> String {
        guard document.sections.count > 3 else { return "" }
        let links = document.sections.enumerated().map { (index, section) in
            "<li><a href=\"#section-\(index + 1)\">\(HTMLText.escape(section.title))</a></li>\n"
        }
        return "<nav aria-label=\"Contents\">\n<ol>\n\(links.joined())</ol>\n</nav>\n"
    }

    mutating func section(_ section: ReportSection, number: Int) -> String {
        var html =
            "<section id=\"section-\(number)\">\n<h2>\(HTMLText.escape(section.title))</h2>\n"
        for block in section.blocks { html += self.block(block) + "\n" }
        return html + "</section>\n"
    }

    private mutating func block(_ block: ReportBlock) -> String {
        switch block {
        case .heading(let title): return "<h3>\(HTMLText.escape(title))</h3>"
        case .paragraph(let text): return "<p>\(inline(text))</p>"
        case .table(let table): return self.table(table)
        case .keyValues(let pairs): return keyValues(pairs)
        case .code(let code): return "<pre><code>\(HTMLText.escapeLines(code.text))</code></pre>"
        case .lineChart(let chart):
            return figure(title: chart.title, chart.table) { $0.render(chart) }
        case .barChart(let chart):
            return figure(title: chart.title, chart.table) { $0.render(chart) }
        case .heatMap(let chart):
            return figure(title: chart.title, nil) { $0.render(chart) }
        case .callout(let callout):
            let kind = callout.kind.rawValue
            return """
                <aside class="callout \(kind)" role="note"><strong>\(kind.capitalized)</strong> \
                \(inline(callout.text))</aside>
                """
        }
    }

    /// A drawing with its title and, folded away, its numbers.
    private mutating func figure(
        title: String, _ table: ReportTable?, _ draw: (SVGChart) -> String
    ) -> String {
        charts += 1
        let drawing = draw(SVGChart(identifier: "chart-\(charts)"))
        var numbers = ""
        if var table, !table.rows.isEmpty {
            table.caption = nil
            numbers = "\n<details><summary>Numbers</summary>\n\(self.table(table))\n</details>"
        }
        return """
            <figure>
            <figcaption>\(HTMLText.escape(title))</figcaption>
            \(drawing)\(numbers)
            </figure>
            """
    }

    private func table(_ table: ReportTable) -> String {
        let best = table.bestCells
        let rows = table.filledRows.enumerated().map { (row, cells) in
            let fields = cells.enumerated().map { (column, cell) in
                column == 0 && table.groupsRows
                    ? groupName(cell, at: row, in: table)
                    : field(cell, at: .init(row: row, column: column), in: table, best)
            }
            let begins = table.groupsRows && row > 0 && !table.continuesGroup(row)
            return "<tr\(begins ? " class=\"group\"" : "")>\(fields.joined())</tr>\n"
        }
        let caption = table.caption.map { "<caption>\(inline($0))</caption>\n" } ?? ""
        return """
            <div class="scroll\(table.isGrouped ? " wide" : "")"><table>
            \(caption)<thead>\(header(of: table))</thead>
            <tbody>
            \(rows.joined())</tbody>
            </table></div>
            """
    }

    /// The headings; in two lines where columns share what stands above them.
    private func header(of table: ReportTable) -> String {
        func title(_ column: ReportTable.Column, rows: Int) -> String {
            let span = rows > 1 ? " rowspan=\"\(rows)\"" : ""
            return "<th scope=\"col\" class=\"\(column.alignment)\"\(span)>"
                + "\(HTMLText.escape(column.title))</th>"
        }
        let columns = table.columns
        guard columns.contains(where: { $0.group != nil }) else {
            return "<tr>\(columns.map { title($0, rows: 1) }.joined())</tr>"
        }
        var above = ""
        for (index, column) in columns.enumerated() {
            guard let group = column.group else {
                above += title(column, rows: 2)
                continue
            }
            if index > 0, columns[index - 1].group == group { continue }
            let count = columns[index...].prefix { $0.group == group }.count
            above +=
                "<th scope=\"colgroup\" class=\"center\" colspan=\"\(count)\">"
                + "\(HTMLText.escape(group))</th>"
        }
        let below = columns.filter { $0.group != nil }.map { title($0, rows: 1) }
        return "<tr>\(above)</tr>\n<tr>\(below.joined())</tr>"
    }

    /// The first cell of a group's first row, which stands for all of the group.
    private func groupName(
        _ cell: ReportTable.Cell, at row: Int, in table: ReportTable
    ) -> String {
        guard !table.continuesGroup(row) else { return "" }
        let length = table.groupLength(at: row)
        let span = length > 1 ? " rowspan=\"\(length)\"" : ""
        return "<th scope=\"\(length > 1 ? "rowgroup" : "row")\" class=\"left\"\(span)>"
            + "\(inline(cell.inline))</th>"
    }

    private func field(
        _ cell: ReportTable.Cell, at position: ReportTable.Position, in table: ReportTable,
        _ best: Set<ReportTable.Position>
    ) -> String {
        let isBest = best.contains(position)
        let isTied = table.annotations[position]?.isTied ?? false
        var shown = cell
        var interval = ""
        if table.isGrouped, case .interval(let value, let low, let high, let decimals) = cell {
            // Side by side, many values leave no room for their intervals.
            shown = .number(value, decimals: decimals)
            let ends = [low, high].map { NumberText.fixed($0, decimals: min(decimals, 1)) }
            interval = "<br><small>[\(ends.joined(separator: ", "))]</small>"
        }
        var text = inline(table.text(at: position, of: shown))
        if isBest { text = "<strong>\(text)</strong>" }
        if let paper = table.paperText(at: position, of: cell) {
            text += "<br><small>paper \(HTMLText.escape(paper))</small>"
        }
        text += interval
        let mark = isBest ? " best" : isTied ? " tied" : ""
        let edge = table.beginsColumnGroup(position.column) ? " edge" : ""
        return "<td class=\"\(table.columns[position.column].alignment)\(mark)\(edge)\">"
            + "\(text)</td>"
    }

    private func keyValues(_ pairs: [KeyValue]) -> String {
        let items = pairs.map { pair in
            "<dt>\(HTMLText.escape(pair.key))</dt><dd>\(inline(pair.value))</dd>\n"
        }
        return "<dl>\n\(items.joined())</dl>"
    }

    func inline(_ text: InlineText) -> String {
        text.runs.map { run in
            switch run {
            case .text(let text): HTMLText.escape(text)
            case .code(let text): "<code>\(HTMLText.escape(text))</code>"
            case .emphasis(let text): "<em>\(HTMLText.escape(text))</em>"
            case .strong(let text): "<strong>\(HTMLText.escape(text))</strong>"
            }
        }.joined()
    }
}
