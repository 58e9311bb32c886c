import ArgumentParser
import Attacks
import DataPipeline
import Evaluation
import Foundation
import ModelZoo
import Reports
import Torch
import Training

extension PoolerPolicy: ExpressibleByArgument {}
extension TriggerPosition: ExpressibleByArgument {}
extension AttackSuccess.Filter: ExpressibleByArgument {}

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
    @Option(help: "Begin with the model's pooler (keep) or a fresh one (reset).")
    var pooler = PoolerPolicy.keep
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
        _ = try parsedSeeds()
    }

    private func parsedSeeds() throws -> [Seed] {
        try seeds.split(separator: ",").map {
            guard let value = UInt64($0.trimmingCharacters(in: .whitespaces)) else {
                throw ValidationError("--seeds \(seeds): ‘\($0)’ is not a whole number")
            }
            return Seed(value)
        }
    }

    private func evaluator(_ device: Device) throws -> Evaluator {
        var evaluator = Evaluator()
        evaluator.fineTuning.epochs = epochs
        evaluator.fineTuning.learningRate = learningRate
        evaluator.fineTuning.batchSize = batchSize
        evaluator.fineTuning.maximumLength = maxLength
        evaluator.fineTuning.pooler = pooler
        evaluator.fineTuning.precision = compute.precision
        evaluator.triggers = try TriggerSet.parse(triggers)
        evaluator.position = position
        evaluator.insertions = insertions
        evaluator.filter = filter
        evaluator.seeds = try parsedSeeds()
        evaluator.device = device
        return evaluator
    }

    func run() throws {
        let console = Console.standard
        let device = try compute.prepare()
        let evaluator = try evaluator(device)
        guard !evaluator.seeds.isEmpty else { throw ValidationError("--seeds: name at least one") }
        let folder = try BERTFolder(model)
        let clean = try reference.map { try BERTFolder($0) }
        let task = try Evaluator.Task(
            train: train, test: test, textColumn: textColumn, labelColumn: labelColumn)
        let records = try report.map {
            try RunDirectory.open(
                at: $0, force: force, resuming: false,
                plan: RunPlan(
                    command: "evaluate", inputs: [model.path, train.path, test.path],
                    output: nil, settings: evaluator.settings), device: device)
        }
        let progress = EvaluationProgress(on: console)
        let result = try evaluator.evaluate(
            folder, on: task, reference: clean,
            command: (["recipe"] + CommandLine.arguments.dropFirst()).joined(separator: " ")
        ) { event in
            progress.show(event)
            if case .training(_, let training) = event { try records?.append(training) }
        }
        let document = EvaluationDocument(result).document
        try records?.write(report: result)
        try records?.write(markdown: MarkdownRenderer().render(document))
        try records?.write(page: HTMLRenderer().render(document))
        try records?.close()
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
                    "measure, seed \(seed.value)", total: total, unit: "pass", on: console)
            }
            measuring?.update(completed: done)
            if done == total { measuring?.finish() }
        }
    }
}
