import DataPipeline

/// Writes a table as comma-separated values (RFC 4180) with numbers in full precision.
///
/// A deviation and the ends of an interval get columns of their own. Text that a spreadsheet would
/// run as a formula is made plain by a leading apostrophe.
public struct CSVRenderer: Sendable {
    /// Makes a renderer.
    public init() {}

    /// The table with a header line; lines end in a line feed.
    public func render(_ table: ReportTable) -> String {
        let rows = table.filledRows
        let layouts = table.columns.indices.map { column in
            Layout(of: rows.map { $0[column] })
        }
        let compared = Set(table.annotations.filter { $0.value.paper != nil }.keys.map(\.column))
        let header = table.columns.indices.flatMap { column in
            (layouts[column].suffixes + (compared.contains(column) ? [" paper"] : []))
                .map { text(table.columns[column].fullTitle + $0) }
        }
        let lines = rows.enumerated().map { index, row in
            row.enumerated().flatMap { column, cell in
                let paper = table.annotations[.init(row: index, column: column)]?.paper
                return fields(cell, in: layouts[column])
                    + (compared.contains(column) ? [paper.map(number) ?? ""] : [])
            }
        }
        return ([header] + lines).map { $0.joined(separator: ",") + "\n" }.joined()
    }

    /// Which fields a column is written as.
    private enum Layout {
        case value, deviation, interval

        init(of cells: [ReportTable.Cell]) {
            self = .value
            for cell in cells {
                switch cell {
                case .deviation: self = .deviation
                case .interval: self = .interval
                case .text, .number, .missing: continue
                }
                return
            }
        }

        var suffixes: [String] {
            switch self {
            case .value: [""]
            case .deviation: ["", " deviation"]
            case .interval: ["", " low", " high"]
            }
        }
    }

    private func fields(_ cell: ReportTable.Cell, in layout: Layout) -> [String] {
        let written: [String] =
            switch cell {
            case .text(let content): [text(content.plain)]
            case .number(let value, _): [number(value)]
            case .deviation(let mean, let deviation, _): [number(mean), number(deviation)]
            case .interval(let value, let low, let high, _): [value, low, high].map(number)
            case .missing: []
            }
        let count = layout.suffixes.count
        return Array((written + Array(repeating: "", count: count)).prefix(count))
    }

    private func number(_ value: Double) -> String {
        value.isFinite ? NumberText.exact(value) : value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
    }

    private func text(_ text: String) -> String {
        var text = VisibleText.lines(text)
        if let first = text.first, "=+-@\t".contains(first) { text = "'" + text }
        guard text.contains(where: { ",\"\n".contains($0) }) else { return text }
        return "\"\(text.replacing("\"", with: "\"\""))\""
    }
}
