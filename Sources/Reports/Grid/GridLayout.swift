import Documents
import Evaluation
import Experiments

/// The rows and columns that a plan makes of stages.
struct GridLayout {
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
            plan.metrics.map { GridTable.Column(labels: labels, metric: $0) }
        }
        let found =
            floor.compactMap { $0.values(of: plan.rows) }.distinct.map { row($0, isFloor: true) }
            + stages.compactMap { $0.values(of: plan.rows) }.distinct.map {
                row($0, isFloor: false)
            }
        // The rows of a group stand together, its floor first.
        rows = found.map { $0.labels.first }.distinct.flatMap { group in
            found.filter { $0.labels.first == group }
        }
        if shown.isEmpty { warnings.append("no stage of the run is what this table asks for") }
        if !unlabelled.isEmpty {
            let wanted = (plan.rows + plan.columns).joined(separator: ", ")
            warnings.append(
                "left out for want of a label among \(wanted): "
                    + Self.list(unlabelled.map(\.name)))
        }
        warnings += pooled() + unfloored() + problems(of: shown)
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
                floor: isFloor ? nil : floorRate(under: labels, at: column.labels))
            if let member = members.first, let paper = plan.paper {
                cell.paper = PaperTable.value(
                    in: paper.table, of: column.metric, for: paper.keys(for: member.labels))
            }
            return cell
        }
        return GridTable.Row(labels: labels, isFloor: isFloor, cells: cells)
    }

    /// AASR of the clean model for a row, in percent: it has the row's labels, those that `floor`
    /// asks for aside.
    private func floorRate(under row: [String], at column: [String]) -> Double? {
        let members = floor.filter { stage in
            stage.values(of: plan.columns) == column
                && zip(plan.rows, row).allSatisfy { name, value in
                    plan.floor?.values[name] != nil || stage.labels[name] == value
                }
        }
        return GridCell(.aasr, of: members, floor: nil).mean
    }

    /// Rows that have none of the clean models for their floor.
    private func unfloored() -> [String] {
        guard let filter = plan.floor else { return [] }
        let without = rows.filter { !$0.isFloor && $0.cells.allSatisfy { $0.floor == nil } }
        if floor.isEmpty { return ["no stage of the run is the floor"] }
        // A clean model that is not done yet is no mistake of the plan's.
        guard floor.allSatisfy(\.state.isFinished), !without.isEmpty else { return [] }
        let others = plan.rows.filter { filter.values[$0] == nil }
        return [
            "no clean model has the \(others.joined(separator: " and ")) of "
                + Self.list(without.map { $0.labels.joined(separator: " ") })
                + ": where it need not, name its own in `floor`"
        ]
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
        return problems + Self.cautions(shown.compactMap(\.evaluation))
    }

    /// What was said of the evaluations themselves.
    private static func cautions(_ reports: [EvaluationReport]) -> [String] {
        var cautions: [String] = []
        let lost = reports.reduce(0) { $0 + $1.lostInsertions }
        if lost > 0 {
            cautions.append(
                "\(lost) insertions lie beyond the length that texts are cut to; they count as the "
                    + "rest do")
        }
        if reports.contains(where: { $0.settings.filter == .cleanCorrect }) {
            cautions.append(
                "some evaluations count only samples that are right without a trigger, which is not "
                    + "comparable with the paper's numbers")
        }
        let shared = reports.compactMap { report in
            report.sharedSamples?.warning(of: report.testCount)
        }
        return cautions + shared.distinct.prefix(4)
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(8).joined(separator: ", ")
            + (names.count > 8 ? " and \(names.count - 8) more" : "")
    }
}
