import DataPipeline
import Documents
import Evaluation
import Experiments

extension GridReport {
    /// The report, ready for any renderer.
    public var document: ReportDocument {
        let finished = stages.count { $0.state.isFinished }
        let seconds = stages.compactMap(\.seconds).reduce(0, +)
        var sections = items.map { item in
            switch item {
            case .table(let table): Self.section(of: table)
            case .figure(let figure): Self.section(of: figure)
            }
        }
        if let callout = unfinished {
            sections.insert(ReportSection("Not finished", [.callout(callout)]), at: 0)
        }
        if !tables.isEmpty { sections.append(ReportSection("How to read the tables", legend)) }
        sections.append(ReportSection("Stages", [.table(stageTable)]))
        let state: InlineText = """
            \(finished) of \(stages.count) stages done, in \(Self.duration(seconds)) in all
            """
        return ReportDocument(
            title: title,
            summary: about.map { InlineText([.text($0 + " ")] + state.runs) } ?? state,
            sections: sections)
    }

    // MARK: Tables and figures

    private static func section(of table: GridTable) -> ReportSection {
        let about = table.plan.about.map { [ReportBlock.paragraph(InlineText($0))] } ?? []
        return ReportSection(
            table.plan.table, about + [.table(table.reportTable)] + callouts(table.warnings))
    }

    private static func section(of figure: GridFigure) -> ReportSection {
        let about = figure.plan.about.map { [ReportBlock.paragraph(InlineText($0))] } ?? []
        return ReportSection(figure.title, about + figure.blocks + callouts(figure.warnings))
    }

    private static func callouts(_ warnings: [String]) -> [ReportBlock] {
        guard !warnings.isEmpty else { return [] }
        let text = warnings.map(\.capitalizedSentence).joined(separator: " ")
        return [.callout(Callout(.warning, InlineText(text)))]
    }

    private var unfinished: Callout? {
        let open: [(StageResult.State, String)] = [
            (.failed, "failed"), (.running, "running"), (.waiting, "waiting"),
        ]
        let counts = open.compactMap { state, word -> String? in
            let count = stages.count { $0.state == state }
            return count == 0 ? nil : "\(count) \(word)"
        }
        guard !counts.isEmpty else { return nil }
        return Callout(
            .warning,
            """
            Of \(stages.count) stages, \(counts.joined(separator: ", ")). What follows is what \
            there is so far; a cell whose stages are not done says so.
            """)
    }

    // MARK: Legend

    private var legend: [ReportBlock] {
        let cells = tables.flatMap(\.rows).flatMap(\.cells)
        let metrics = tables.flatMap(\.columns).map(\.metric)
        var notes: [InlineText] = []
        if metrics.contains(where: { !$0.isOfNeurons }) {
            notes.append(
                """
                ACC is the share of test samples classified correctly without a trigger. Of a \
                trigger, ASR is the share of samples of all other labels that it turns into one \
                label, the largest over labels; AASR is its mean and MASR its largest over \
                triggers. All are percentages.
                """)
            notes.append(
                """
                Numbers are means ± sample standard deviations over runs with different seeds. Of \
                a single run, brackets hold Wilson's 95 % interval of a share; that of MASR does \
                not allow for the strongest trigger having been picked, and AASR has none.
                """)
        }
        if metrics.contains(where: \.isOfNeurons) {
            notes.append(
                """
                Overlap is the share of the neurons that poisoned samples activate which clean \
                ones activate too; beside it stand numbers of neurons that only poisoned ones do.
                """)
        }
        if metrics.contains(.excess) {
            notes.append("Excess is AASR less the clean model's in the same column, in points.")
        }
        if tables.contains(where: { $0.plan.floor != nil }) {
            notes.append(
                """
                The floor is a model without a backdoor: its attack success counts a classifier's \
                ordinary mistakes, and no purification can be expected to go below it.
                """)
        }
        if cells.contains(where: { $0.mark != nil }) {
            notes.append(
                """
                \(strong: "Bold") is the best value of a column within its group, where it is told \
                apart from all others; else ≈ stands by the best and by those that cannot be told \
                apart from it. Two values are told apart where they differ by more than \
                √(a² + b²), with a and b half of the width of their 95 % intervals: Wilson's for \
                the number of test samples, or Student's over the runs, whichever is the wider. \
                AASR is taken for a share of one trigger's samples, which is cautious. Where no \
                value stands out, none is marked.
                """)
        }
        if cells.contains(where: { $0.paper != nil }) {
            notes.append(
                """
                Below our number, or in brackets after it, is the paper's own, which is of a \
                single run.
                """)
        }
        if cells.contains(where: { $0.state == .partial }) {
            notes.append("† Some of the stages that belong to this number are not done.")
        }
        return notes.map { .paragraph($0) }
    }

    // MARK: Stages

    private var stageTable: ReportTable {
        let rows = stages.map { stage -> [ReportTable.Cell] in
            let labels = stage.labels.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            let state = stage.problem.map { "\(stage.state.rawValue): \($0)" }
            return [
                .text(.code(stage.name)), .text(InlineText(stage.command)),
                .text(InlineText(labels.joined(separator: ", "))),
                .text(InlineText(state ?? stage.state.rawValue)),
                stage.seconds.map { .text(InlineText(Self.duration($0))) } ?? .missing,
            ]
        }
        return ReportTable(
            [
                .init("Stage"), .init("Command"), .init("Labels"), .init("State"),
                .init("Time", kind: .number),
            ], rows: rows)
    }

    private static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "–" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(NumberText.fixed(seconds, decimals: 1)) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}

extension String {
    /// The text with its first letter in upper case and a full stop at its end.
    fileprivate var capitalizedSentence: String {
        prefix(1).uppercased() + dropFirst() + (hasSuffix(".") ? "" : ".")
    }
}
