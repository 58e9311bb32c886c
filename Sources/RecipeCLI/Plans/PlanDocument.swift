import Documents
import Evaluation
import Experiments
import Foundation
import Reports

/// The stages of a run as a table: which are done, and how long the others will take.
struct PlanDocument {
    private let run: GridRun
    private let stages: [GridRun.Outlook]
    private let jobs: Int

    init(_ run: GridRun, _ outlook: [GridRun.Outlook], chosen: Set<String>?, jobs: Int) {
        self.run = run
        self.jobs = jobs
        stages = outlook.filter { chosen?.contains($0.stage.name) ?? true }
    }

    var document: ReportDocument {
        let columns = [
            ReportTable.Column("Stage"), ReportTable.Column("Command"),
            ReportTable.Column("State"), ReportTable.Column("Time"),
            ReportTable.Column("Known from"),
        ]
        let rows = stages.map { one -> [ReportTable.Cell] in
            [
                .text(.code(one.stage.name)), .text(InlineText(one.stage.command)),
                .text(InlineText(one.state.rawValue)),
                one.seconds.map { .text(InlineText(HumanFormat.duration($0))) } ?? .missing,
                one.basis.map { .text(InlineText($0)) } ?? .missing,
            ]
        }
        return ReportDocument(
            title: run.title, summary: InlineText(total),
            sections: [ReportSection("Stages", [.table(ReportTable(columns, rows: rows))])])
    }

    private var total: String {
        let waiting = stages.filter { $0.state == .waiting }
        let seconds = waiting.compactMap(\.seconds).reduce(0, +)
        let unknown = waiting.count { $0.seconds == nil }
        var text =
            "\(stages.count) stages, \(stages.count - waiting.count) done, \(waiting.count) to run"
        if !waiting.isEmpty {
            let known = unknown < waiting.count ? "\(HumanFormat.duration(seconds)) of work" : nil
            let open = unknown > 0 ? "\(unknown) stages of unknown time" : nil
            text += ": " + [known, open].compactMap { $0 }.joined(separator: " and ")
            if jobs > 1 { text += ", \(jobs) side by side" }
        }
        return text
    }
}
