import ArgumentParser
import Audits
import DataPipeline
import Documents
import Files
import Foundation
import ModelZoo
import Randomness
import RecipeKit
import Reports
import Scanning
import Torch
import Training

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Look for triggers in a pre-trained model.",
        discussion: """
            Puts every token of the vocabulary, the words of a list and phrases that it grows into \
            clean texts, and tells what makes different texts the same to the model. Exit code 0: no \
            trigger among those tested; 1: suspicious or backdoored; 2: nothing was found, and the \
            time ran out before all was tested, or the audit could not be done.
            """)

    @Argument(help: "The model's folder.")
    var model: URL
    @OptionGroup var texts: AuxiliaryOptions
    @Option(help: "Words to try too, one a line; those of one token are tried anyway.")
    var wordList: URL?
    @Option(help: "A model known to be clean, whose weights are compared.")
    var reference: URL?
    @Option(help: "The time that it may take, such as 90s or 2m; by default as long as it takes.")
    var budget: String?
    @Option(help: "Seed of all chance.")
    var seed: UInt64 = 42
    @Option(help: "How to print the result: text, json or sarif.")
    var format = ScanCommand.Format.text
    @Option(help: "Folder to leave the report in.")
    var report: URL?
    @Flag(help: "Replace the report where it exists.")
    var force = false
    @OptionGroup var compute: ComputeOptions

    func validate() throws { _ = try seconds() }

    /// The budget in seconds.
    private func seconds() throws -> Double? {
        guard let budget else { return nil }
        let units = ["s": 1.0, "m": 60, "h": 3600]
        let unit = budget.last.flatMap { units[String($0)] }
        guard let number = Double(unit == nil ? budget : String(budget.dropLast())),
            number.isFinite, number > 0
        else {
            throw ValidationError("--budget \(budget): expected a time such as 90s or 2m")
        }
        return number * (unit ?? 1)
    }

    private var inputs: [URL] {
        [model] + texts.inputs + [wordList, reference].compactMap { $0 }
    }

    func run() throws {
        let found = try OutputClaim.holding(report, force: force, reading: inputs) {
            // What is audited goes by what the model reads: another kind is another case here.
            switch try ModelKind(at: model) {
            case .texts: try auditTexts()
            case .images, .pairs:
                throw TrainingError(
                    "\(model.path): reads images, and audits of images are not built yet; "
                        + "`recipe scan` looks at its files")
            }
        }
        if found.verdict != .noneFound { throw RecipeCLI.ExitStatusError(status: .found) }
        if found.isIncomplete { throw RecipeCLI.ExitStatusError(status: .failed) }
    }

    private func auditTexts() throws -> AuditReport {
        var audit = TextAudit()
        audit.budget = try seconds()
        audit.seed = Seed(seed)
        if let precision = compute.givenPrecision { audit.precision = precision }
        let device = try compute.prepare()
        let folder = try TextModelFolder(model)
        var inputs = TextAudit.Inputs()
        inputs.texts = texts.inputs.isEmpty ? nil : try texts.read()
        inputs.words = try wordList.map { try TextCorpus.read([$0]).texts } ?? []
        inputs.reference = try reference.map { try TextModelFolder($0) }
        let records = try report.map {
            try RunDirectory.open(
                at: $0, force: force, resuming: false, plan: audit, device: device)
        }
        let progress = AuditReporter(on: .standard)
        func found() throws -> AuditReport {
            try audit.audit(
                folder, inputs, device: device, command: Invocation.text, observe: progress.show)
        }
        let report = try records.map { try $0.removedIfNothingHappens(found) } ?? found()
        progress.finish()
        let document = AuditDocument(report).document
        try keep(report, as: document, in: records)
        let console = Console.standard
        switch format {
        case .text:
            // The conclusion comes first, and once.
            console.write(ReportDocument(title: report.conclusion, sections: document.sections))
        case .json: console.write(try json(report))
        case .sarif:
            console.write(try json(SARIFLog(report, version: RecipeKit.version)))
        }
        return report
    }
}

/// Shows how far an audit is, stage by stage.
private final class AuditReporter {
    private let console: Console
    private var stage: (name: String, reporter: ProgressReporter)?

    init(on console: Console) { self.console = console }

    func show(_ progress: AuditProgress) {
        if stage?.name != progress.stage {
            finish()
            stage = (
                progress.stage,
                ProgressReporter(
                    "audit \(progress.stage)", total: progress.total, unit: "candidate", on: console
                )
            )
        }
        stage?.reporter.update(completed: progress.done)
    }

    func finish() {
        stage?.reporter.finish()
        stage = nil
    }
}
