import Checkpoints
import DataPipeline
import Defenses
import Documents
import Experiments
import Foundation
import ModelZoo
import Provenance
import Reports
import Torch
import TorchNN
import Training

extension WorkRunner {
    /// Purifies the model of `source`.
    func purify<Task: PretrainingTask, Method: Defense>(
        _: Task.Type, _ work: Work<Method, Task.Settings, AuxiliaryData>, _ source: Task.Source,
        in session: Session
    ) throws {
        let read = try Task.read(
            work.data, for: source, samples(of: work), observe: ReadingReporter().show)
        try session.claim.add(read.found)
        let files = work.files
        var job = Purification(work.settings)
        (job.inputs, job.device, job.force) = (session.claim.inputs, session.device, place.force)
        job.snapshots = place.snapshots(every: files.snapshotEvery)
        job.keptEpochs = try KeptEpochs(files.keepEpochs)
        job.proof = files.proof(reading: work.sources)
        job.caveats = read.caveats
        let records = try place.open(work, session.device)
        let progress = PurificationReporter(Task.unit, on: .standard)
        let report = try records.removedIfNothingHappens {
            try job.run(
                read.task, output: place.output, records: records, observe: progress.show
            ) { report, folder in
                try report.pruned?.write(to: records.url)
                try record(
                    PurificationSummary(
                        report, files: read.amounts.map(\.name), command: Invocation.text),
                    of: report, at: folder, in: records, editsCard: files.editsCard)
            }
        }
        switch format {
        case .json: Console.standard.write(try json(report))
        case .text:
            let feature = read.task.folder.modules?.feature.map { "\n  what is read of it: \($0)" }
            Console.standard.write(text(report, unit: Task.unit, remark: feature ?? ""))
        }
    }

    /// Writes the records of a purification, and says what the user should heed.
    private func record(
        _ summary: PurificationSummary, of report: some Encodable, at folder: URL,
        in records: RunDirectory, editsCard: Bool
    ) throws {
        if let card = try Proof(in: folder)?.claims.card, card.state == .left, editsCard {
            Console.standard.warn(
                "\(ModelCard.file) \(card.reason ?? "cannot be edited"): it is left as it is and says "
                    + "nothing of the purification")
        }
        for file in summary.omittedFiles { Console.standard.warn("left out \(file)") }
        for file in summary.carriedFiles { Console.standard.warn(file) }
        let document = PurificationDocument(summary).document
        try records.write(report: report)
        try records.write(markdown: MarkdownRenderer().render(document))
        try records.write(page: HTMLRenderer().render(document))
        try records.close()
    }

    /// What a purification came to, in lines; `remark` follows what is said of norms or neurons.
    private func text<Method: Defense>(
        _ report: Purification<Method>.Report, unit: String, remark: String
    ) -> String {
        var lines = [
            report.output,
            "\(report.changed.count) of \(report.tensorCount) tensors changed, everything else is "
                + "the same to the bit",
        ]
        if let pruned = report.pruned {
            let later = pruned.mask == .frozen ? "held at zero from now on" : "free to grow back"
            lines.append(
                "\(pruned.count) of \(pruned.neurons) neurons pruned by \(report.method)"
                    + ((report.settings as? FinePruning).map { " (\($0.statistic.rawValue))" } ?? "")
                    + ", \(later)")
        }
        if let training = report.training {
            lines.append(norms(training) + expected(report.budget))
            if training.stoppedAt != nil {
                lines.append("stopped early, at step \(training.steps)")
            }
        }
        if let kept = report.kept { lines.append("\(kept.count) models kept on the way") }
        let speed =
            "\(HumanFormat.rate(report.samplesPerSecond)) \(unit), "
            + "\(HumanFormat.duration(report.seconds)); records in \(place.records.path)"
        return lines.joined(separator: "\n  ") + remark + "\n  " + speed
            + caveats(report.warnings)
    }

    /// The ids of all warnings, which were shown in full when they were found.
    private func caveats(_ warnings: [Caveat]) -> String {
        guard !warnings.isEmpty else { return "" }
        let ids = warnings.reduce(into: [String]()) { ids, caveat in
            if !ids.contains(caveat.id.rawValue) { ids.append(caveat.id.rawValue) }
        }
        return "\n  \(warnings.count) warnings: \(ids.joined(separator: ", "))"
    }

    private func expected(_ budget: NormBudget?) -> String {
        budget.map {
            "; the norms alone would leave \(NumberText.fixed($0.predictedRatio, decimals: 3))"
        } ?? ""
    }

    /// How small the regularized matrices have become.
    private func norms(_ training: RunSummary) -> String {
        let ratios = training.normRatios.values.sorted()
        let mean = ratios.reduce(0, +) / Double(max(1, ratios.count))
        return """
            ‖W‖ at \(NumberText.fixed(mean, decimals: 3)) of its start (mean of \(ratios.count) matrices, \
            \(NumberText.fixed(ratios.first ?? 1, decimals: 3)) to \
            \(NumberText.fixed(ratios.last ?? 1, decimals: 3)))
            """
    }
}

/// Shows what a purification says as it goes.
private final class PurificationReporter {
    private let console: Console
    private let unit: String
    private let fitting: TrainingProgress
    private let purifying: TrainingProgress
    private var reading: ProgressReporter?

    init(_ unit: String, on console: Console) {
        (self.unit, self.console) = (unit, console)
        fitting = TrainingProgress("fit a head", on: console)
        purifying = TrainingProgress("purify", on: console)
    }

    func show(_ progress: PurificationProgress) {
        switch progress {
        case .fitting(let event): fitting.show(event)
        case .purifying(let event): purifying.show(event)
        case .caveat(let caveat): console.tell(caveat)
        case .budget(let budget, let training): show(budget, training)
        case .reading(let done, let total):
            let shown =
                reading
                ?? ProgressReporter(
                    "read neurons", total: total, unit: String(unit.dropLast()), on: console)
            reading = shown
            shown.update(completed: done)
            if done == total { shown.finish() }
        }
    }

    private func show(_ budget: NormBudget, _ training: TrainingSettings) {
        let isPlain: Bool
        if case .sgd = training.optimizer { isPlain = true } else { isPlain = false }
        let share =
            isPlain
            ? "\(NumberText.fixed(budget.share, decimals: 2)) of the median ‖W‖ "
            : "taken from each number; the median ‖W‖ is "
        console.log(
            "norm budget: λ · Σ rate is \(NumberText.short(budget.budget, digits: 3)), \(share)"
                + "\(NumberText.short(budget.medianNorm, digits: 3)) (the smallest is "
                + "\(NumberText.short(budget.smallestNorm, digits: 3))); the norms alone would "
                + "leave \(NumberText.fixed(budget.predictedRatio, decimals: 3)) of ‖W‖")
        if isPlain, budget.budget > budget.smallestNorm {
            console.warn(
                "the budget is more than the smallest ‖W‖: that matrix may be lost, and the model "
                    + "with it, unless L_PT gives back what is taken; --learning-rate, --epochs "
                    + "or --weight make it less")
        }
    }
}
