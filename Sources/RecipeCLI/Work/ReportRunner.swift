import Attacks
import Checkpoints
import DataPipeline
import Defenses
import Evaluation
import Files
import Foundation
import ModelZoo
import Randomness
import Reports
import Torch
import Training

/// Does a piece of work that reads models: shows how it goes, prints the result, and leaves a report
/// where one is asked for.
struct ReportRunner {
    /// The report's folder, or nil.
    let report: URL?
    let force: Bool
    let format: OutputFormat

    /// Calls `body` while the report's folder is claimed by work that reads `inputs`.
    func claiming(_ inputs: [URL], _ body: (ReportRunner) throws -> Void) throws {
        try OutputClaim.holding(report, force: force, reading: inputs) { try body(self) }
    }

    /// Evaluates the model of `folder`.
    func evaluate<Method: Evaluator>(
        _ work: Work<Method, Never, DownstreamData>, _ folder: Method.Folder, _ device: Device
    ) throws {
        let reference = try work.opened(Method.Folder.self)
        for folder in [folder, reference].compactMap({ $0?.folder }) {
            try tell(ofPrunedNeurons: folder)
        }
        let records = PendingRecords(work, self, device)
        let progress = EvaluationReporter(on: .standard, records)
        let reports = try records.removedIfNothingHappens {
            try work.settings.evaluate(
                folder, reading: work.data, reference: reference, device: device,
                command: Invocation.text, reading: ReadingReporter().show,
                begin: { task in
                    if let warning = task.shared?.warning(of: task.truth.count) {
                        Console.standard.warn(warning)
                    }
                    try records.open()
                    if let split = task.split { try records.directory?.write(split: split) }
                }, observe: progress.show)
        }
        if let report = reports.first, reports.count == 1 {
            try publish(
                report, as: EvaluationDocument(report).document, in: records.directory, format)
        } else {
            let comparison = try EvaluationComparison(
                title: "Evaluation of \(folder.folder.url.path)",
                entries: zip(work.settings.variants, reports).map { .init($0.name, $1) })
            try publish(
                comparison, as: EvaluationDocument(comparison).document, in: records.directory,
                format)
        }
    }

    /// Watches the neurons of the model of `folder`.
    func analyze<Method: NeuronAnalysis>(
        _ work: Work<Method, Never, DownstreamData>, _ folder: Method.Folder, _ device: Device
    ) throws {
        let records = PendingRecords(work, self, device)
        let progress = NeuronReporter(on: .standard)
        let found = try records.removedIfNothingHappens {
            try work.settings.analyze(
                folder, after: work.opened(Method.Folder.self), reading: work.data,
                device: device, command: Invocation.text, reading: ReadingReporter().show,
                begin: { _ in try records.open() }, observe: progress.show)
        }
        if found.lost > 0 {
            Console.standard.warn(
                "in \(found.lost) of \(found.samples.count) samples a trigger lies beyond the "
                    + "length that texts are cut to, or changes no token")
        }
        try publish(found, as: NeuronDocument(found).document, in: records.directory, format)
    }

    /// Says where training will leave neurons at zero; refuses a record of them that is none.
    private func tell(ofPrunedNeurons folder: ModelFolder) throws {
        guard let pruned = try PrunedNeurons(with: folder), pruned.mask == .frozen else { return }
        Console.standard.log(
            "\(folder.url.path): \(pruned.count) pruned neurons are held at zero, as "
                + "\(PrunedNeurons.file) says")
    }
}

extension Work {
    /// The model that is measured beside the work's own, opened.
    fileprivate func opened<Folder: TaskModel>(_: Folder.Type) throws -> Folder? {
        try beside.map { try Folder.opened(at: URL(fileURLWithPath: $0), for: .use) }
    }
}

/// The records of work that opens them once it has read all.
final class PendingRecords {
    private(set) var directory: RunDirectory?
    private let opening: () throws -> RunDirectory?

    init(_ work: some Encodable, _ runner: ReportRunner, _ device: Device) {
        opening = {
            try runner.report.map {
                try RunDirectory.open(
                    at: $0, force: runner.force, resuming: false, plan: work, device: device)
            }
        }
    }

    func open() throws { directory = try opening() }

    /// Runs `body`; where it fails before its first event, takes the records away again.
    func removedIfNothingHappens<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            guard let directory else { throw error }
            return try directory.removedIfNothingHappens { throw error }
        }
    }
}

/// Shows an evaluation's training and measuring as progress, and records the training.
private final class EvaluationReporter {
    private let console: Console
    private let records: PendingRecords
    private var training: TrainingProgress?
    private var measuring: ProgressReporter?

    init(on console: Console, _ records: PendingRecords) {
        self.console = console
        self.records = records
    }

    func show(_ progress: EvaluationProgress) throws {
        switch progress {
        case .training(let seed, let event):
            if case .started = event {
                training = TrainingProgress("fine-tune, seed \(seed.value)", on: console)
            }
            training?.show(event)
            try records.directory?.append(event)
        case .measuring(let seed, let done, let total):
            if done == 1 {
                let title = seed.map { "measure, seed \($0.value)" } ?? "measure"
                measuring = ProgressReporter(title, total: total, unit: "run", on: console)
            }
            measuring?.update(completed: done)
            if done == total { measuring?.finish() }
        }
    }
}

/// Shows how far an analysis is, model by model.
private final class NeuronReporter {
    private let console: Console
    private var reporter: ProgressReporter?

    init(on console: Console) { self.console = console }

    func show(_ progress: NeuronProgress) {
        let reporter =
            reporter
            ?? ProgressReporter(
                "analyze \(URL(fileURLWithPath: progress.model).lastPathComponent)",
                total: progress.total, unit: "sample", on: console)
        self.reporter = reporter
        reporter.update(completed: progress.done)
        if progress.done == progress.total {
            reporter.finish()
            self.reporter = nil
        }
    }
}
