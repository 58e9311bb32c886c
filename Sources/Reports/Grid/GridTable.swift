import Evaluation

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
        /// The AASR of the clean model in percent; nil where there is none.
        public var floor: Double?
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
        let choice = Choice(plan, stages)
        columns = choice.columns
        rows = choice.rows
        warnings = choice.warnings
        markBest()
    }

    /// The table for a renderer.
    var reportTable: ReportTable {
        let names = LabelNames(own: plan.names)
        var columns = plan.rows.map { ReportTable.Column($0.capitalizedFirst) }
        columns += self.columns.map { column in
            let group = names(column.labels)
            return .init(
                column.metric.title, in: group.isEmpty ? nil : group, kind: .number)
        }
        var annotations: [ReportTable.Position: ReportTable.Annotation] = [:]
        for (index, row) in rows.enumerated() {
            for (place, cell) in row.cells.enumerated() {
                let note = ReportTable.Annotation(
                    isBest: cell.mark == .best, isTied: cell.mark != nil,
                    isPartial: cell.state == .partial, other: cell.paper)
                guard note != ReportTable.Annotation() else { continue }
                annotations[.init(row: index, column: plan.rows.count + place)] = note
            }
        }
        let cells = rows.map { row -> [ReportTable.Cell] in
            var labels = row.labels.map { names($0) }
            if row.isFloor, let last = labels.indices.last { labels[last] += " (floor)" }
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

/// The rows and columns that a plan makes of stages.
private struct Choice {
    let plan: TablePlan
    /// Those that the table is about, the floor's not among them.
    let stages: [StageResult]
    let floor: [StageResult]
    private(set) var columns: [GridTable.Column] = []
    private(set) var rows: [GridTable.Row] = []
    private(set) var warnings: [String] = []

    init(_ plan: TablePlan, _ all: [StageResult]) {
        self.plan = plan
        let measures = { (stage: StageResult) in
            plan.metrics.contains { $0.isOfNeurons ? stage.isAnalysis : stage.isEvaluation }
        }
        // The clean model has another attack than the rows, but the same of what else is asked for.
        var floorFilter = plan.where
        for name in plan.floor?.values.keys.map({ $0 }) ?? [] { floorFilter.values[name] = nil }
        floor = all.filter { stage in
            (plan.floor?.matches(stage.labels) ?? false) && floorFilter.matches(stage.labels)
                && measures(stage)
        }
        let floorNames = Set(floor.map(\.name))
        stages = all.filter {
            plan.where.matches($0.labels) && measures($0) && !floorNames.contains($0.name)
        }
        layOut()
    }

    private mutating func layOut() {
        let shown = floor + stages
        let unlabelled = shown.filter {
            $0.values(of: plan.rows) == nil || $0.values(of: plan.columns) == nil
        }
        let heads = shown.compactMap { $0.values(of: plan.columns) }.distinct
        columns = heads.flatMap { labels in
            plan.metrics.map {
                GridTable.Column(labels: labels, metric: $0, floor: floorRate(at: labels))
            }
        }
        rows =
            floor.compactMap { $0.values(of: plan.rows) }.distinct.map { row($0, isFloor: true) }
            + stages.compactMap { $0.values(of: plan.rows) }.distinct.map {
                row($0, isFloor: false)
            }
        if shown.isEmpty { warnings.append("no stage of the run is what this table asks for") }
        if !unlabelled.isEmpty {
            let wanted = (plan.rows + plan.columns).joined(separator: ", ")
            warnings.append(
                "left out for want of a label among \(wanted): "
                    + Self.list(unlabelled.map(\.name)))
        }
        warnings += pooled() + problems(of: shown)
    }

    private func row(_ labels: [String], isFloor: Bool) -> GridTable.Row {
        let cells = columns.map { column in
            let members = (isFloor ? floor : stages).filter { stage in
                stage.values(of: plan.rows) == labels
                    && stage.values(of: plan.columns) == column.labels
                    && (column.metric.isOfNeurons ? stage.isAnalysis : stage.isEvaluation)
            }
            // The floor lies by nothing above itself.
            var cell = GridCell(
                column.metric, of: isFloor && column.metric == .excess ? [] : members,
                floor: column.floor)
            if let member = members.first, let paper = plan.paper {
                cell.paper = PaperTable.value(
                    in: paper.table, of: column.metric, for: paper.keys(for: member.labels))
            }
            return cell
        }
        return GridTable.Row(labels: labels, isFloor: isFloor, cells: cells)
    }

    private func floorRate(at labels: [String]) -> Double? {
        let members = floor.filter { $0.values(of: plan.columns) == labels }
        return GridCell(.aasr, of: members, floor: nil).mean
    }

    /// What else than the seed differs between stages that one mean is over.
    private func pooled() -> [String] {
        let told = Set(plan.rows + plan.columns + ["seed"])
        let groups = Dictionary(grouping: stages) {
            ($0.values(of: plan.rows) ?? []) + ($0.values(of: plan.columns) ?? []) + [$0.verb]
        }
        let names = groups.values.flatMap { group -> [String] in
            let labels = Set(group.flatMap(\.labels.keys)).subtracting(told)
            return labels.filter { name in Set(group.map { $0.labels[name] }).count > 1 }
        }
        guard !names.isEmpty else { return [] }
        return [
            "means are over stages that differ in \(names.distinct.sorted().joined(separator: ", "))"
                + " too: make it a row or column, or choose one with `where`"
        ]
    }

    private func problems(of shown: [StageResult]) -> [String] {
        let states: [(StageResult.State, String)] = [
            (.failed, "failed"), (.running, "still running"), (.waiting, "not begun"),
        ]
        var problems = states.compactMap { state, words -> String? in
            let names = shown.filter { $0.state == state }.map(\.name)
            return names.isEmpty ? nil : "\(words): \(Self.list(names))"
        }
        for stage in shown {
            if case .unreadable(let reason) = stage.outcome {
                problems.append("\(stage.name) has no readable report: \(reason)")
            }
        }
        return problems
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(8).joined(separator: ", ")
            + (names.count > 8 ? " and \(names.count - 8) more" : "")
    }
}

extension String {
    /// The text with its first letter in upper case.
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
