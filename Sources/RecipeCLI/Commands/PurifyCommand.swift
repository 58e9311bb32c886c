import ArgumentParser
import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Provenance
import Reports
import Torch
import Training

struct PurifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purify",
        abstract: "Remove what triggers do from a pre-trained model.",
        discussion: """
            Continues the model's own pre-training on a little unlabelled, unrelated text, on \
            images, or for a CLIP on images with captions (--pairs), while a norm penalty makes \
            chosen weights small (RECIPE). The output is a \
            drop-in replacement: same files, names and types, and every tensor that was not trained \
            is the same to the bit. Settings left out are those of the model's architecture. With \
            --method fp, fp-gm or fp-ga nothing is trained: the neurons that the data activate least \
            are set to zero.
            """)

    @Argument(help: "The suspect model: a folder, or for images also a single weights file.")
    var model: URL

    @OptionGroup var chosen: WeightsOption
    @OptionGroup var choice: MethodOptions
    @OptionGroup var texts: AuxiliaryOptions
    @OptionGroup var out: OutputOptions
    @OptionGroup var compute: ComputeOptions
    @OptionGroup var head: HeadOptions
    @OptionGroup var snapshots: SnapshotOptions
    @OptionGroup var dynamics: DynamicsOptions
    @OptionGroup var card: CardOptions
    @Option(help: "Images to purify an image model with: a data set in any layout it is known by.")
    var images: URL?
    @OptionGroup var pairOptions: PairOptions
    @OptionGroup var imageOptions: ImageOptions
    @Option(help: "Use the images' classes (folder), or keep the features instead (none).")
    var labels: ImageLabels?
    @Option(help: "The optimizer: sgd (image models) or adamw (CLIP with --pairs).")
    var optimizer: OptimizerChoice?

    @Option(help: "Use at most this many texts, images or pairs, drawn at random by --seed.")
    var samples: Int?
    @Option(help: "Weight λ of the norms: 1; 0 only pre-trains.")
    var weight: Double?
    @Option(help: "Epochs over the data: 4 (BERT, ViT), 10 (VGG) or 20 (pairs).")
    var epochs: Int?
    @Option(
        help: """
            Peak learning rate: 2e-5 (BERT, falling to 0), 1e-2 (ViT), 1e-3 (VGG) or 1e-5 (pairs, \
            falling to 0).
            """)
    var learningRate: Double?
    @Option(help: "Samples a step: 32 (BERT) or 64 (ViT, VGG, pairs).")
    var batchSize: Int?
    @Option(help: "Batches whose mean gradient makes one step.")
    var accumulation = 1
    @Option(help: "Tokens a text is cut to: 64.")
    var maxLength: Int?
    @Option(help: "Draw masks once (static) or each epoch (dynamic): static.")
    var masks: TokenMasking.Masks?
    @Option(help: "Where all randomness comes from.")
    var seed: UInt64 = 50
    @Flag(help: "Leave the pre-training loss out: only regularize.")
    var noPretrainingLoss = false
    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    func validate() throws {
        try validatePositive(
            ("--epochs", epochs ?? 1), ("--batch-size", batchSize ?? 1),
            ("--accumulation", accumulation), ("--samples", samples ?? 1))
        try validateRate("--weight", weight ?? 1, allowsZero: true)
        try validateRate("--learning-rate", learningRate ?? 1)
        try validateLength(maxLength ?? 3)
        try validateData(
            texts: texts, images: images, pairs: pairOptions.pairs,
            GivenOptions(
                texts: [
                    maxLength.map { _ in "--max-length" }, masks.map { _ in "--masks" },
                    head.mlmHead == "keep" ? nil : "--mlm-head",
                ],
                images: imageOptions.given + [optimizer.map { _ in "--optimizer" }],
                classes: imageOptions.givenOfSets + [labels.map { _ in "--labels" }],
                pairs: pairOptions.given))
        try choice.check(trained: aboutTraining)
        if noPretrainingLoss, weight == 0 {
            throw ValidationError("--no-pretraining-loss with --weight 0 leaves nothing to do")
        }
        if dynamics.stopRatio != nil, weight == 0 {
            throw ValidationError("--stop-ratio with --weight 0: nothing makes the norms fall")
        }
        if samples != nil, imageOptions.limit != nil || texts.sentences != nil {
            let other = texts.sentences == nil ? "--limit" : "--sentences"
            throw ValidationError("--samples and \(other) both say how much is used: give one")
        }
    }

    /// The options about training that were given, by their names.
    private var aboutTraining: [String?] {
        [
            weight.map { _ in "--weight" }, epochs.map { _ in "--epochs" },
            learningRate.map { _ in "--learning-rate" }, optimizer.map { _ in "--optimizer" },
            accumulation == 1 ? nil : "--accumulation", masks.map { _ in "--masks" },
            head.mlmHead == "keep" ? nil : "--mlm-head", labels.map { _ in "--labels" },
            noPretrainingLoss ? "--no-pretraining-loss" : nil,
            snapshots.snapshotEvery > 0 ? "--snapshot-every" : nil,
        ] + dynamics.given + pairOptions.given
    }

    private var recipe: RECIPE {
        var recipe = RECIPE()
        recipe.weight = weight ?? recipe.weight
        recipe.hasPretrainingLoss = !noPretrainingLoss
        recipe.epochs = epochs ?? recipe.epochs
        recipe.learningRate = learningRate ?? recipe.learningRate
        recipe.batchSize = batchSize ?? recipe.batchSize
        recipe.accumulation = accumulation
        recipe.maximumLength = maxLength ?? recipe.maximumLength
        recipe.masks = masks ?? recipe.masks
        recipe.precision = compute.precision
        recipe.seed = Seed(seed)
        recipe.stopRatio = dynamics.stopRatio
        return recipe
    }

    /// The auxiliary texts, or as many of them as are asked for.
    func readTexts() throws -> TextCorpus {
        let corpus = try texts.read()
        return samples.map { corpus.randomSubset(of: $0, seed: Seed(seed)) } ?? corpus
    }

    /// How images are read, at most `count` of them.
    func imageOptions(drawing count: Int?) -> ImageOptions {
        var options = imageOptions
        options.limit = count ?? options.limit
        return options
    }

    /// The files and folders that are read.
    var inputs: [URL] {
        [model] + texts.inputs + [images].compactMap { $0 } + pairOptions.inputs + head.inputs
    }

    func run() throws { try chosen.reading { try purify() } }

    private func purify() throws {
        if case .pruning(let method) = choice.method { return try prune(method) }
        if let pairs = pairOptions.pairs { return try purify(withPairs: pairs) }
        if let images { return try purify(with: images) }
        let console = Console.standard
        let device = try compute.prepare()
        let claim = try out.claim(reading: inputs, resuming: snapshots.resume)
        defer { claim.release() }
        let folder = try BERTFolder(model, for: out.examination)
        try refuse(folder)
        let corpus = try readTexts()
        var job = Purification(recipe)
        job.inputs = claim.inputs
        job.head = head.source
        job.device = device
        job.force = out.force
        job.snapshots = snapshots.policy(in: out.runFolder)
        job.keptEpochs = try dynamics.kept()
        job.proof = card.proof(reading: texts.sources + head.sources)
        job.caveats = Caveat.of(corpus)
        let records = try out.records(
            of: "purify", inputs: [model.path] + texts.auxiliary.map(\.path), settings: recipe,
            snapshots: snapshots, device: device)
        let progress = TrainingProgress("purify", on: console)
        let report = try records.removedIfNothingHappens {
            try job.run(
                folder, texts: corpus.texts, output: out.output, records: records,
                observe: progress.show, tell: console.tell
            ) { report, folder in
                let summary = PurificationSummary(
                    report, sources: corpus.sources, command: Invocation.text)
                try record(summary, of: report, at: folder, in: records)
            }
        }
        let feature = folder.folder.modules?.feature.map { "\n  what is read of it: \($0)" }
        try show(report, as: text(report, unit: "texts", remark: feature ?? ""))
    }

    /// Refuses what can be refused before texts are read and records are opened.
    private func refuse(_ folder: BERTFolder) throws {
        try folder.checkLength(recipe.maximumLength)
        _ = try folder.tokenizer()
    }

    /// Writes the records of a purification, and says what the user should heed.
    func record(
        _ summary: PurificationSummary, of report: some Encodable, at folder: URL,
        in records: RunDirectory
    ) throws {
        if let card = try Proof(in: folder)?.claims.card, card.state == .left, !self.card.noCard {
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

    /// Prints what came of a purification.
    func show(_ report: some Encodable, as text: String) throws {
        switch format {
        case .json: Console.standard.write(try json(report))
        case .text: Console.standard.write(text)
        }
    }

    /// What a purification came to, in lines; `remark` follows what is said of norms.
    func text(
        _ report: some PurificationReport, unit: String, remark: String = ""
    ) -> String {
        let training = report.training
        let stop = training.stoppedAt.map { _ in "\n  stopped early, at step \(training.steps)" }
        let kept = report.kept.map { "\n  \($0.count) models kept on the way" }
        return """
            \(report.output)
              \(report.changed.count) of \(report.tensorCount) tensors changed, everything else is \
            the same to the bit
              \(norms(training))\(expected(report.budget))\(remark)\(stop ?? "")\(kept ?? "")
              \(HumanFormat.rate(training.samplesPerSecond)) \(unit), \
            \(HumanFormat.duration(training.seconds)); records in \(out.runFolder.path)\
            \(caveats(report.warnings))
            """
    }

    /// The ids of all warnings, which were shown in full when they were found.
    func caveats(_ warnings: [Caveat]) -> String {
        guard !warnings.isEmpty else { return "" }
        let ids = warnings.reduce(into: [String]()) { ids, caveat in
            if !ids.contains(caveat.id.rawValue) { ids.append(caveat.id.rawValue) }
        }
        return "\n  \(warnings.count) warnings: \(ids.joined(separator: ", "))"
    }

    private func expected(_ budget: NormBudget) -> String {
        "; the norms alone would leave \(NumberText.fixed(budget.predictedRatio, decimals: 3))"
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
