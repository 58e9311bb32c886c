import Documents
import Evaluation
import Experiments

/// The tables and figures of a run, as data and as a document.
public struct GridReport: Sendable, Codable, Equatable {
    /// How far a stage is.
    public struct Stage: Sendable, Codable, Equatable {
        /// Its name.
        public var name: String
        /// The command that it is.
        public var command: String
        /// What tells it apart, by label.
        public var labels: [String: String]
        /// How far it is.
        public var state: StageResult.State
        /// Seconds it took.
        public var seconds: Double?
        /// Why its report cannot be read, where it cannot.
        public var problem: String?
    }

    /// What the run is called.
    public var title: String
    /// What it is about.
    public var about: String?
    /// Its stages.
    public var stages: [Stage]
    /// Its tables and figures in reading order.
    public var items: [Item]

    /// A table or a figure with its numbers.
    public enum Item: Sendable, Codable, Equatable {
        /// A table.
        case table(GridTable)
        /// A figure.
        case figure(GridFigure)
    }

    /// Lays out `results` as `plan` says, else as their own plan does, else as their labels suggest.
    public init(_ results: GridResults, plan: ReportPlan? = nil) {
        title = results.title
        about = results.about
        stages = results.stages.map { stage in
            var problem: String?
            if case .unreadable(let reason) = stage.outcome { problem = reason }
            return Stage(
                name: stage.name, command: stage.command, labels: stage.labels,
                state: stage.state, seconds: stage.seconds, problem: problem)
        }
        let plan = plan ?? results.plan ?? ReportPlan(suggestedFor: results.stages)
        items = plan.items.map { item in
            switch item {
            case .table(let table): .table(GridTable(table, of: results.stages))
            case .figure(let figure): .figure(GridFigure(figure, of: results.stages))
            }
        }
    }

    /// The tables, in reading order.
    public var tables: [GridTable] {
        items.compactMap { if case .table(let table) = $0 { table } else { nil } }
    }

    /// All cells of all tables, a line each, to be read by other programs.
    public var cells: ReportTable {
        let labels = tables.flatMap { $0.plan.rows + $0.plan.columns }.distinct
        let numbers = ["mean", "deviation", "low", "high", "runs", "paper"]
        let columns =
            (["table"] + labels + ["metric", "floor"]).map { ReportTable.Column($0) }
            + numbers.map { ReportTable.Column($0, kind: .number) }
            + ["mark", "state"].map { ReportTable.Column($0) }
        let rows = tables.flatMap { table in
            table.rows.flatMap { row in
                zip(table.columns, row.cells).map { column, cell in
                    let names = zip(
                        table.plan.rows + table.plan.columns, row.labels + column.labels)
                    let values = Dictionary(names, uniquingKeysWith: { first, _ in first })
                    return Self.line(table, column, row, cell, labels.map { values[$0] ?? "" })
                }
            }
        }
        return ReportTable(columns, rows: rows)
    }

    private static func line(
        _ table: GridTable, _ column: GridTable.Column, _ row: GridTable.Row, _ cell: GridCell,
        _ labels: [String]
    ) -> [ReportTable.Cell] {
        let texts =
            [table.plan.table] + labels + [column.metric.rawValue, row.isFloor ? "yes" : ""]
        let numbers = [
            cell.mean, cell.deviation, cell.low, cell.high, Double(cell.values.count), cell.paper,
        ]
        return texts.map { .text(InlineText($0)) }
            + numbers.map { $0.map { .number($0) } ?? .missing }
            + [cell.mark?.rawValue ?? "", cell.state.rawValue].map { .text(InlineText($0)) }
    }
}

extension ReportPlan {
    /// A table of all evaluations by the labels that differ, tasks side by side; and what figures
    /// the stages have data for.
    init(suggestedFor stages: [StageResult]) {
        let evaluations = stages.filter(\.isEvaluation)
        let names = Set(evaluations.flatMap(\.labels.keys)).subtracting(["seed", "task"]).sorted()
        let differing = names.filter { name in
            Set(evaluations.map { $0.labels[name] }).count > 1
        }
        let known = ["model", "attack", "defense"].filter(differing.contains)
        let rows = known + differing.filter { !known.contains($0) }
        var items: [ReportItem] = []
        if !evaluations.isEmpty {
            let hasTask = evaluations.contains { $0.labels["task"] != nil }
            let fallback = names.first.map { [$0] } ?? [hasTask ? "task" : "seed"]
            items.append(
                .table(
                    TablePlan(
                        "Evaluations", rows: rows.isEmpty ? fallback : rows,
                        columns: hasTask && !(rows.isEmpty && names.isEmpty) ? ["task"] : [])))
        }
        if stages.contains(where: \.isAnalysis) { items.append(.figure(FigurePlan(.overlap))) }
        if stages.contains(where: { $0.verb == "purify" }) {
            items += [.figure(FigurePlan(.losses)), .figure(FigurePlan(.norms))]
        }
        self.init(items)
    }
}
