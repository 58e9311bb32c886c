import ArgumentParser
import Attacks
import DataPipeline
import Evaluation
import Foundation
import ModelZoo
import Reports
import Torch
import Training

extension TriggerPosition: ExpressibleByArgument {}
extension AttackSuccess.Filter: ExpressibleByArgument {}

/// Which poolers classifiers begin with.
enum PoolerChoice: String, CaseIterable, ExpressibleByArgument {
    case keep, reset, both

    var policies: [PoolerPolicy] {
        switch self {
        case .keep: [.keep]
        case .reset: [.reset]
        case .both: [.keep, .reset]
        }
    }
}

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Fine-tune a model on a task, then measure accuracy and what triggers do.",
        discussion: """
            ACC is the accuracy without triggers. The attack success rate of a trigger and a label \
            is the share of the texts of all other labels that the trigger turns into that label; \
            of a trigger, the greatest over labels. AASR and MASR are its mean and greatest value \
            over triggers. With --reference, a clean model's rate is the floor.
            """)

    @Argument(help: "The model's folder.")
    var model: URL
    @Option(help: "Labelled training texts (.tsv, .csv or .jsonl).")
    var train: URL
    @Option(help: "Labelled test texts.")
    var test: URL
    @Option(help: "Trigger words, separated by commas.")
    var triggers = TriggerSet.por.joined(separator: ",")
    @Option(help: "Begin with the model's pooler (keep), a fresh one (reset), or try both.")
    var pooler = PoolerChoice.keep
    @Option(help: "Seeds, separated by commas; one classifier is made with each.")
    var seeds = "42,43,44"
    @Option(help: "A clean model, whose attack success rate is the floor.")
    var reference: URL?
    @Option(help: "Folder for the report: JSON, Markdown and HTML.")
    var report: URL?
    @Flag(help: "Replace the report where it exists.")
    var force = false
    @OptionGroup var compute: ComputeOptions

    @Option(help: "Journeys through the training texts.")
    var epochs = 3
    @Option(help: "Peak learning rate.")
    var learningRate = 2e-5
    @Option(help: "Texts a step.")
    var batchSize = 32
    @Option(help: "Tokens a text is cut to.")
    var maxLength = 128
    @Option(help: "Where a trigger goes: random, start, end, or recipe (as the authors put it).")
    var position = TriggerPosition.random
    @Option(help: "Times a trigger is put into a text.")
    var insertions = 1
    @Option(help: "Count all texts (none), or only those right without a trigger (clean-correct).")
    var filter = AttackSuccess.Filter.none
    @Option(help: "Column or key that holds the text.")
    var textColumn: String?
    @Option(help: "Column or key that holds the label.")
    var labelColumn: String?
    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    func validate() throws {
        try validatePositive(
            ("--epochs", epochs), ("--batch-size", batchSize), ("--insertions", insertions))
        try validateRate("--learning-rate", learningRate)
        try validateLength(maxLength)
        _ = try parsedTriggers(triggers)
        guard try !parsedSeeds().isEmpty else {
            throw ValidationError("--seeds: name at least one")
        }
    }

    private func parsedSeeds() throws -> [Seed] {
        try seeds.split(separator: ",").map {
            guard let value = UInt64($0.trimmingCharacters(in: .whitespaces)) else {
                throw ValidationError("--seeds \(seeds): ‘\($0)’ is not a whole number")
            }
            return Seed(value)
        }
    }

    private func evaluator(_ device: Device, _ policy: PoolerPolicy) throws -> Evaluator {
        var evaluator = Evaluator()
        evaluator.fineTuning.epochs = epochs
        evaluator.fineTuning.learningRate = learningRate
        evaluator.fineTuning.batchSize = batchSize
        evaluator.fineTuning.maximumLength = maxLength
        evaluator.fineTuning.pooler = policy
        evaluator.fineTuning.precision = compute.precision
        evaluator.triggers = try parsedTriggers(triggers)
        evaluator.position = position
        evaluator.insertions = insertions
        evaluator.filter = filter
        evaluator.seeds = try parsedSeeds()
        evaluator.device = device
        return evaluator
    }

    func run() throws {
        let device = try compute.prepare()
        let folder = try BERTFolder(model)
        let clean = try reference.map { try BERTFolder($0) }
        for folder in [folder, clean].compactMap({ $0 }) {
            try folder.checkLength(maxLength)
            _ = try folder.tokenizer()
        }
        let task = try Evaluator.Task(
            train: train, test: test, textColumn: textColumn, labelColumn: labelColumn)
        let records = try records(device)
        let evaluate = { try self.reports(folder, clean, task, device, records) }
        let reports = try records?.removedIfNothingHappens(evaluate) ?? evaluate()
        if let report = reports.first, reports.count == 1 {
            try show(report, EvaluationDocument(report).document, records)
        } else {
            let comparison = try EvaluationComparison(
                title: "Evaluation of \(folder.folder.url.path)",
                entries: reports.map { .init("pooler \($0.poolerPolicy.rawValue)", $0) })
            try show(comparison, EvaluationDocument(comparison).document, records)
        }
    }

    private func records(_ device: Device) throws -> RunDirectory? {
        guard let report else { return nil }
        let settings = try evaluator(device, .keep).settings
        return try RunDirectory.open(
            at: report, force: force, resuming: false,
            plan: RunPlan(
                command: "evaluate",
                inputs: ([model, train, test] + [reference].compactMap { $0 }).map(\.path),
                output: nil,
                settings: Plan(
                    pooler: pooler.rawValue, evaluation: settings,
                    seeds: try parsedSeeds())), device: device)
    }

    private struct Plan: Encodable {
        let pooler: String
        let evaluation: EvaluationSettings
        let seeds: [Seed]
    }

    private func reports(
        _ folder: BERTFolder, _ clean: BERTFolder?, _ task: Evaluator.Task, _ device: Device,
        _ records: RunDirectory?
    ) throws -> [EvaluationReport] {
        let progress = EvaluationProgress(on: .standard)
        return try pooler.policies.map { policy in
            try evaluator(device, policy).evaluate(
                folder, on: task, reference: clean, command: Invocation.text
            ) { event in
                progress.show(event)
                if case .training(_, let training) = event { try records?.append(training) }
            }
        }
    }

    private func show(
        _ result: some Encodable, _ document: ReportDocument, _ records: RunDirectory?
    ) throws {
        try records?.write(report: result)
        try records?.write(markdown: MarkdownRenderer().render(document))
        try records?.write(page: HTMLRenderer().render(document))
        try records?.close()
        let console = Console.standard
        switch format {
        case .json: console.write(try json(result))
        case .text: console.write(console.renderer.render(document))
        }
    }
}

/// Shows an evaluation's training and measuring as progress.
private final class EvaluationProgress {
    private let console: Console
    private var training: TrainingProgress?
    private var measuring: ProgressReporter?

    init(on console: Console) { self.console = console }

    func show(_ progress: Evaluator.Progress) {
        switch progress {
        case .training(let seed, let event):
            if case .started = event {
                training = TrainingProgress("fine-tune, seed \(seed.value)", on: console)
            }
            training?.show(event)
        case .measuring(let seed, let done, let total):
            if done == 1 {
                measuring = ProgressReporter(
                    "measure, seed \(seed.value)", total: total, unit: "run", on: console)
            }
            measuring?.update(completed: done)
            if done == total { measuring?.finish() }
        }
    }
}
