/// Writes a report as GitHub-flavoured Markdown.
///
/// Markdown shows no drawings of its own, so a chart becomes the table of its values, below an image
/// of ``SVGRenderer``'s where there are files of them. All text is escaped: a name cannot open a tag,
/// a link, a table cell or a code span.
public struct MarkdownRenderer: Sendable {
    /// The folder of the drawings' files, relative to the text's own; nil where there are none.
    public var drawings: String?

    /// Makes a renderer.
    public init(drawings: String? = nil) { self.drawings = drawings }

    /// The whole report, ending in a line break.
    public func render(_ document: ReportDocument) -> String {
        var parts = ["# \(escape(document.title))"]
        if let summary = document.summary { parts.append(inline(summary)) }
        var number = 1
        for section in document.sections {
            parts.append("## \(escape(section.title))")
            for block in section.blocks {
                if let file = SVGRenderer.fileName(of: block, number: number) {
                    if let drawings {
                        parts.append("![\(escape(block.chartTitle ?? ""))](\(drawings)/\(file))")
                    }
                    number += 1
                }
                parts.append(render(block))
            }
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func render(_ block: ReportBlock) -> String {
        switch block {
        case .heading(let title): "### \(escape(title))"
        case .paragraph(let text): inline(text)
        case .table(let table): render(table)
        case .keyValues(let pairs): render(pairs)
        case .code(let code): render(code)
        case .lineChart(let chart): render(chart.table)
        case .barChart(let chart): render(chart.table)
        case .heatMap(let chart): render(chart.table)
        case .callout(let callout):
            "> [!\(callout.kind.rawValue.uppercased())]\n> \(inline(callout.text))"
        }
    }

    /// One table, with its caption above it and its best values in bold.
    public func render(_ table: ReportTable) -> String {
        let best = table.bestCells
        var lines = table.caption.map { ["**\(inline($0))**", ""] } ?? []
        lines.append(row(table.columns.map { escape($0.fullTitle) }))
        lines.append(row(table.columns.map { rule($0.alignment) }))
        for (index, cells) in table.filledRows.enumerated() {
            lines.append(
                row(
                    cells.enumerated().map { (column, cell) in
                        if column == 0, table.continuesGroup(index) { return "" }
                        return self.cell(
                            cell, at: .init(row: index, column: column), in: table, best)
                    }))
        }
        return lines.joined(separator: "\n")
    }

    /// Numbers are ours and need no escape; the brackets of an interval would be escaped.
    private func cell(
        _ cell: ReportTable.Cell, at position: ReportTable.Position, in table: ReportTable,
        _ best: Set<ReportTable.Position>
    ) -> String {
        let shown = table.text(at: position, of: cell)
        let isText = if case .text = cell { true } else { false }
        let text = isText ? inline(shown, inTable: true) : shown.plain
        let paper = table.paperText(at: position, of: cell).map { " *(\($0))*" } ?? ""
        return (best.contains(position) ? "**\(text)**" : text) + paper
    }

    private func render(_ pairs: [KeyValue]) -> String {
        render(
            ReportTable(
                [.init("Setting"), .init("Value")],
                rows: pairs.map { [.text(InlineText($0.key)), .text($0.value)] }))
    }

    private func render(_ code: CodeBlock) -> String {
        let text = VisibleText.lines(code.text)
        let fence = String(repeating: "`", count: max(3, longestRun(of: "`", in: text) + 1))
        let language = code.language.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        return "\(fence)\(language)\n\(text)\(text.hasSuffix("\n") ? "" : "\n")\(fence)"
    }

    private func row(_ cells: [String]) -> String { "| \(cells.joined(separator: " | ")) |" }

    private func rule(_ alignment: ReportTable.Alignment) -> String {
        switch alignment {
        case .left: ":---"
        case .center: ":---:"
        case .right: "---:"
        }
    }

    private func inline(_ text: InlineText, inTable: Bool = false) -> String {
        text.runs.map { run in
            switch run {
            case .text(let text): escape(text)
            case .code(let text): code(text, inTable: inTable)
            case .emphasis(let text): "*\(escape(text))*"
            case .strong(let text): "**\(escape(text))**"
            }
        }.joined()
    }

    private func code(_ text: String, inTable: Bool) -> String {
        let text = VisibleText.line(text)
        // Viewers differ in how they read a bar within a code span within a table; none misreads a
        // tag with an entity.
        if text.isEmpty || inTable && text.contains("|") { return "<code>\(escape(text))</code>" }
        let fence = String(repeating: "`", count: longestRun(of: "`", in: text) + 1)
        let edge = text.first == "`" || text.last == "`" || text.first == " " ? " " : ""
        return "\(fence)\(edge)\(text)\(edge)\(fence)"
    }

    private func longestRun(of character: Character, in text: String) -> Int {
        var longest = 0, current = 0
        for next in text {
            current = next == character ? current + 1 : 0
            longest = max(longest, current)
        }
        return longest
    }

    private func escape(_ text: String) -> String {
        let text = VisibleText.line(text)
        var result = ""
        for (index, character) in text.enumerated() {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\\", "`", "*", "_", "[", "]", "|", "~", "$": result += "\\\(character)"
            // At the start of a line these open a heading or a list.
            case "#", "-", "+", "=":
                result += index == 0 ? "\\\(character)" : String(character)
            default: result.append(character)
            }
        }
        // GitHub turns bare addresses into links.
        return result.replacing("://", with: "&#58;//").replacing("www.", with: "www&#46;")
    }
}
