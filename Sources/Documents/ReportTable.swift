import DataPipeline

/// A table of typed cells; how a cell looks is up to the renderer.
public struct ReportTable: Sendable, Equatable {
    /// What a column holds.
    public enum Kind: Sendable {
        /// Names and prose.
        case text
        /// Measurements.
        case number
    }

    /// Where a column's cells stand.
    public enum Alignment: Sendable {
        /// At the left edge.
        case left
        /// In the middle.
        case center
        /// At the right edge.
        case right
    }

    /// Which value of a column is the best one.
    public enum Best: Sendable {
        /// The smallest, as for an attack's success rate.
        case min
        /// The largest, as for an accuracy.
        case max
    }

    /// A column's heading and how its cells are to be read.
    public struct Column: Sendable, Equatable {
        /// The heading.
        public var title: String
        /// What stands above the headings of neighbouring columns that share it, such as their task.
        public var group: String?
        /// What the column holds.
        public var kind: Kind
        /// Where its cells stand.
        public var alignment: Alignment
        /// Which value to mark, if any.
        public var best: Best?

        /// Makes a column; numbers stand right and text left unless told otherwise.
        public init(
            _ title: String, in group: String? = nil, kind: Kind = .text,
            alignment: Alignment? = nil, best: Best? = nil
        ) {
            self.title = title
            self.group = group
            self.kind = kind
            self.alignment = alignment ?? (kind == .number ? .right : .left)
            self.best = best
        }

        /// The heading with what stands above it.
        var fullTitle: String { group.map { "\($0) \(title)" } ?? title }
    }

    /// What is said of a cell beside its value.
    public struct Annotation: Sendable, Equatable {
        /// Whether it is the best of its group and told apart from the others.
        public var isBest: Bool
        /// Whether it is the best of its group or cannot be told apart from that.
        public var isTied: Bool
        /// Whether some of what belongs to it is still missing.
        public var isPartial: Bool
        /// The paper's value to compare with.
        public var paper: Double?

        /// Says nothing unless told otherwise.
        public init(
            isBest: Bool = false, isTied: Bool = false, isPartial: Bool = false,
            paper: Double? = nil
        ) {
            self.isBest = isBest
            self.isTied = isTied
            self.isPartial = isPartial
            self.paper = paper
        }
    }

    /// One cell.
    public enum Cell: Sendable, Equatable {
        /// Text.
        case text(InlineText)
        /// A number shown with so many decimals.
        case number(Double, decimals: Int = 1)
        /// A mean with its deviation, as of several seeds.
        case deviation(mean: Double, deviation: Double, decimals: Int = 1)
        /// A value with the interval that holds it, as of a proportion.
        case interval(Double, low: Double, high: Double, decimals: Int = 1)
        /// Nothing was measured.
        case missing
    }

    /// What the table shows.
    public var caption: InlineText?
    /// The columns, left to right.
    public var columns: [Column]
    /// The rows, top to bottom; a short row is filled up with ``Cell/missing``.
    public var rows: [[Cell]]
    /// Whether neighbouring rows with the same first cell form a group that shows it once.
    public var groupsRows: Bool
    /// What is said of cells; where there is something, columns mark no best value of their own.
    public var annotations: [Position: Annotation]

    /// Where a cell stands.
    public struct Position: Sendable, Hashable {
        /// The row, counted from 0.
        public var row: Int
        /// The column, counted from 0.
        public var column: Int

        /// The cell at `row` and `column`.
        public init(row: Int, column: Int) {
            self.row = row
            self.column = column
        }
    }

    /// Makes a table.
    public init(
        _ columns: [Column], rows: [[Cell]] = [], caption: InlineText? = nil,
        groupsRows: Bool = false, annotations: [Position: Annotation] = [:]
    ) {
        self.columns = columns
        self.rows = rows
        self.caption = caption
        self.groupsRows = groupsRows
        self.annotations = annotations
    }
}

extension ReportTable.Cell: ExpressibleByStringInterpolation {
    /// Makes a text cell from a literal.
    public init(stringLiteral text: String) { self = .text(InlineText(text)) }

    /// Makes a text cell from an interpolated literal.
    public init(stringInterpolation interpolation: InlineText.StringInterpolation) {
        self = .text(InlineText(stringInterpolation: interpolation))
    }
}

extension ReportTable.Cell {
    /// The number that the cell is ranked by; nothing for text and for what is not finite.
    var value: Double? {
        switch self {
        case .number(let value, _), .deviation(let value, _, _), .interval(let value, _, _, _):
            value.isFinite ? value : nil
        case .text, .missing: nil
        }
    }

    /// The ranked number as it is shown, so that cells that look alike rank alike.
    private var shownValue: String? {
        switch self {
        case .number(let value, let decimals), .deviation(let value, _, let decimals),
            .interval(let value, _, _, let decimals):
            NumberText.fixed(value, decimals: decimals)
        case .text, .missing: nil
        }
    }

    /// How many decimals the number is shown with; nothing for text.
    var decimals: Int? {
        switch self {
        case .number(_, let decimals), .deviation(_, _, let decimals),
            .interval(_, _, _, let decimals):
            decimals
        case .text, .missing: nil
        }
    }

    /// The cell as a line, a number with its decimals and what belongs to it.
    var inline: InlineText {
        switch self {
        case .text(let text): return text
        case .missing: return "–"
        case .number(let value, let decimals):
            return InlineText(NumberText.fixed(value, decimals: decimals))
        case .deviation(let mean, let deviation, let decimals):
            let (mean, deviation) = (
                NumberText.fixed(mean, decimals: decimals),
                NumberText.fixed(deviation, decimals: decimals)
            )
            return InlineText("\(mean) ± \(deviation)" as String)
        case .interval(let value, let low, let high, let decimals):
            let shown = [value, low, high].map { NumberText.fixed($0, decimals: decimals) }
            return InlineText("\(shown[0]) [\(shown[1]), \(shown[2])]" as String)
        }
    }

    fileprivate func ties(with other: Self) -> Bool { shownValue == other.shownValue }
}

extension ReportTable {
    /// The rows with exactly one cell a column.
    var filledRows: [[Cell]] {
        rows.map { row in
            columns.indices.map { row.indices.contains($0) ? row[$0] : .missing }
        }
    }

    /// Row and column of each cell that is its column's best; of cells that show the same value all
    /// are, and a column in which all are alike has none.
    var bestCells: Set<Position> {
        guard annotations.isEmpty else {
            return Set(annotations.filter(\.value.isBest).keys)
        }
        var marked: Set<Position> = []
        let rows = filledRows
        for (index, column) in columns.enumerated() {
            guard let best = column.best else { continue }
            let ranked = rows.indices.filter { rows[$0][index].value != nil }
            let order: (Int, Int) -> Bool = { (left, right) in
                (rows[left][index].value ?? 0) < (rows[right][index].value ?? 0)
            }
            let winner = best == .min ? ranked.min(by: order) : ranked.max(by: order)
            guard let winner else { continue }
            let winners = ranked.filter { rows[$0][index].ties(with: rows[winner][index]) }
            guard winners.count < ranked.count else { continue }
            marked.formUnion(winners.map { Position(row: $0, column: index) })
        }
        return marked
    }

    /// Whether columns stand under common headings.
    var isGrouped: Bool { columns.contains { $0.group != nil } }

    /// Whether a column is the first of those under a common heading.
    func beginsColumnGroup(_ column: Int) -> Bool {
        guard let group = columns[column].group else { return false }
        return column == 0 || columns[column - 1].group != group
    }

    /// Whether the row's first cell is that of the row above, and its group goes on.
    func continuesGroup(_ row: Int) -> Bool {
        guard groupsRows, rows.indices.contains(row), row > 0 else { return false }
        return rows[row].first == rows[row - 1].first
    }

    /// How many rows the group that begins at `row` has.
    func groupLength(at row: Int) -> Int {
        var end = row + 1
        while continuesGroup(end) { end += 1 }
        return end - row
    }

    /// The cell as it is shown: its value, and signs for what is said of it.
    func text(at position: Position, of cell: Cell) -> InlineText {
        guard let note = annotations[position] else { return cell.inline }
        let signs = (note.isTied && !note.isBest ? " ≈" : "") + (note.isPartial ? " †" : "")
        return InlineText(cell.inline.runs + (signs.isEmpty ? [] : [.text(signs)]))
    }

    /// The paper's value to compare a cell with, as it is shown.
    func paperText(at position: Position, of cell: Cell) -> String? {
        guard let value = annotations[position]?.paper else { return nil }
        return NumberText.fixed(value, decimals: cell.decimals ?? 2)
    }
}
