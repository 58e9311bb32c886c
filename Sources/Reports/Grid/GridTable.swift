import Documents
import Evaluation
import Experiments

/// A table of a run's results: stages laid out by their labels.
public struct GridTable: Sendable, Codable, Equatable {
    /// A line of the table.
    public struct Row: Sendable, Codable, Equatable {
        /// The values of the labels that rows are told apart by.
        public var labels: [String]
        /// Whether it is the clean model, the floor of the others.
        public var isFloor: Bool
        /// A cell for each column.
        public var cells: [GridCell]
    }

    /// A column of the table.
    public struct Column: Sendable, Codable, Equatable {
        /// The values of the labels that columns are told apart by.
        public var labels: [String]
        /// What it shows.
        public var metric: ReportMetric
    }

    /// How it was asked for.
    public var plan: TablePlan
    /// The columns, left to right.
    public var columns: [Column]
    /// The lines, top to bottom.
    public var rows: [Row]
    /// What a reader must know, such as what is missing.
    public var warnings: [String]

    /// Lays out `stages` as `plan` says.
    public init(_ plan: TablePlan, of stages: [StageResult]) {
        self.plan = plan
        let layout = GridLayout(plan, stages)
        columns = layout.columns
        rows = layout.rows
        warnings = layout.warnings
        markBest()
    }

    /// The table for a renderer.
    var reportTable: ReportTable {
        let names = LabelNames(own: plan.names)
        var columns = plan.rows.map { ReportTable.Column($0.capitalizedFirst) }
        columns += self.columns.map { column in
            let group = names(column.labels)
            return .init(
                column.metric.title(among: plan.metrics), in: group.isEmpty ? nil : group,
                kind: .number)
        }
        var annotations: [ReportTable.Position: ReportTable.Annotation] = [:]
        for (index, row) in rows.enumerated() {
            for (place, cell) in row.cells.enumerated() {
                let note = ReportTable.Annotation(
                    isBest: cell.mark == .best, isTied: cell.mark != nil,
                    isPartial: cell.state == .partial, paper: cell.paper)
                guard note != ReportTable.Annotation() else { continue }
                annotations[.init(row: index, column: plan.rows.count + place)] = note
            }
        }
        let cells = rows.map { row -> [ReportTable.Cell] in
            var labels = row.labels.map { names($0) }
            if row.isFloor, let last = labels.last {
                labels[labels.count - 1] = "Floor: \(last)"
            }
            return labels.map { .text(InlineText($0)) }
                + zip(row.cells, self.columns).map { $0.shown(decimals: $1.metric.decimals) }
        }
        return ReportTable(
            columns, rows: cells, groupsRows: plan.rows.count > 1, annotations: annotations)
    }

    // MARK: The best

    private mutating func markBest() {
        let groups = Dictionary(grouping: rows.indices.filter { !rows[$0].isFloor }) { index in
            plan.rows.count > 1 ? rows[index].labels.first : nil
        }
        for group in groups.values {
            for (place, column) in columns.enumerated() {
                guard let best = column.metric.best else { continue }
                for (row, mark) in Self.marks(of: group, in: rows, at: place, best) {
                    rows[row].cells[place].mark = mark
                }
            }
        }
    }

    /// The rows of `group` that are best or cannot be told apart from that; none where all are.
    private static func marks(
        of group: [Int], in rows: [Row], at column: Int, _ best: ReportTable.Best
    ) -> [Int: GridCell.Mark] {
        let ranked = group.filter { rows[$0].cells[column].mean?.isFinite ?? false }
        let value = { (row: Int) in rows[row].cells[column].mean ?? 0 }
        let order = { (left: Int, right: Int) in value(left) < value(right) }
        guard let winner = best == .min ? ranked.min(by: order) : ranked.max(by: order) else {
            return [:]
        }
        let width = { (row: Int) in rows[row].cells[column].uncertainty ?? 0 }
        let tied = ranked.filter { row in
            let (one, other) = (width(row), width(winner))
            let difference = abs(value(row) - value(winner))
            return difference <= (one * one + other * other).squareRoot()
        }
        guard tied.count < ranked.count else { return [:] }
        if tied.count == 1 { return [winner: .best] }
        return Dictionary(uniqueKeysWithValues: tied.map { ($0, .tied) })
    }
}

extension String {
    /// The text with its first letter in upper case.
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
