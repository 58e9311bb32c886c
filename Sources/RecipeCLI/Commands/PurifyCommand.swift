import ArgumentParser
import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Reports
import Torch
import Training

struct PurifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purify",
        abstract: "Remove what triggers do from a pre-trained model.",
        discussion: """
            Continues the model's own pre-training on a little unlabelled, unrelated text while a \
            norm penalty makes the feed-forward weights small (RECIPE). The output is a drop-in \
            replacement: same files, names and types, and every tensor that was not trained is the \
            same to the bit.
            """)

    @Argument(help: "The suspect model's folder.")
    var model: URL

    @OptionGroup var texts: AuxiliaryOptions
    @OptionGroup var out: OutputOptions
    @OptionGroup var compute: ComputeOptions
    @OptionGroup var head: HeadOptions
    @OptionGroup var snapshots: SnapshotOptions

    @Option(help: "Weight λ of the norms; 0 only pre-trains.")
    var weight = 1.0
    @Option(help: "Journeys through the texts.")
    var epochs = 4
    @Option(help: "Peak learning rate; it falls to 0 in a straight line.")
    var learningRate = 2e-5
    @Option(help: "Texts a step.")
    var batchSize = 32
    @Option(help: "Batches whose mean gradient makes one step.")
    var accumulation = 1
    @Option(help: "Tokens a text is cut to.")
    var maxLength = 64
    @Option(help: "Draw masks once (static) or each epoch (dynamic).")
    var masks = TokenMasking.Masks.static
    @Option(help: "Where all randomness comes from.")
    var seed: UInt64 = 50
    @Flag(help: "Leave the pre-training loss out: only regularize.")
    var noPretrainingLoss = false
    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    func validate() throws {
        try validatePositive(
            ("--epochs", epochs), ("--batch-size", batchSize), ("--accumulation", accumulation))
        try validateRate("--weight", weight, allowsZero: true)
        try validateRate("--learning-rate", learningRate)
        try validateLength(maxLength)
        if noPretrainingLoss, weight == 0 {
            throw ValidationError("--no-pretraining-loss with --weight 0 leaves nothing to do")
        }
    }

    private var recipe: RECIPE {
        var recipe = RECIPE()
        recipe.weight = weight
        recipe.hasPretrainingLoss = !noPretrainingLoss
        recipe.epochs = epochs
        recipe.learningRate = learningRate
        recipe.batchSize = batchSize
        recipe.accumulation = accumulation
        recipe.maximumLength = maxLength
        recipe.masks = masks
        recipe.precision = compute.precision
        recipe.seed = Seed(seed)
        return recipe
    }

    func run() throws {
        let console = Console.standard
        let device = try compute.prepare()
        let folder = try BERTFolder(model)
        try refuse(folder)
        let corpus = try texts.read()
        var job = Purification(recipe)
        job.head = head.source
        job.device = device
        job.force = out.force
        job.snapshots = snapshots.policy(in: out.runFolder)
        let records = try RunDirectory.open(
            at: out.runFolder, force: out.force, resuming: snapshots.resume,
            plan: RunPlan(
                command: "purify", inputs: [model.path] + texts.auxiliary.map(\.path),
                output: out.output.path, settings: recipe), device: device)
        let progress = TrainingProgress("purify", on: console)
        let report = try records.removedIfNothingHappens {
            try job.run(
                folder, texts: corpus.texts, output: out.output, records: records,
                observe: progress.show)
        }
        try finish(report, corpus, records, console)
    }

    /// Refuses what can be refused before texts are read and records are opened.
    private func refuse(_ folder: BERTFolder) throws {
        try out.check(inputs: [model])
        try folder.checkLength(maxLength)
        _ = try folder.tokenizer()
    }

    private func finish(
        _ report: Purification.Report, _ corpus: TextCorpus, _ records: RunDirectory,
        _ console: Console
    ) throws {
        let summary = PurificationSummary(
            report, sources: corpus.sources, command: Invocation.text)
        let document = PurificationDocument(summary).document
        try records.write(report: report)
        try records.write(markdown: MarkdownRenderer().render(document))
        try records.write(page: HTMLRenderer().render(document))
        try records.close()
        for file in report.omitted {
            console.warn(
                "left out \(file): it holds weights in a form that cannot be purified here")
        }
        switch format {
        case .json: console.write(try json(report))
        case .text: console.write(text(report))
        }
    }

    private func text(_ report: Purification.Report) -> String {
        let ratios = report.training.normRatios.values
        let mean = ratios.reduce(0, +) / Double(max(1, ratios.count))
        let rate = HumanFormat.rate(report.training.samplesPerSecond)
        return """
            \(report.output)
              \(report.changed.count) tensors changed, everything else is the same to the bit
              ‖W‖ at \(String(format: "%.3f", mean)) of its start (mean of \(ratios.count) matrices)
              \(rate) texts, \(HumanFormat.duration(report.training.seconds)); records in \
            \(out.runFolder.path)
            """
    }
}
