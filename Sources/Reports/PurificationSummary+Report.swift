import DataPipeline
import Defenses
import ModelZoo
import TorchNN
import Training

extension PurificationSummary {
    /// The summary of a purification over auxiliary texts from `sources`.
    public init(_ report: Purification.Report, sources: [TextSource], command: String? = nil) {
        let recipe = report.recipe
        self.init(
            report, command: command,
            settings: [
                Setting("weight λ", "\(recipe.weight)"),
                Setting("pre-training loss", recipe.hasPretrainingLoss ? "yes" : "no"),
                Setting("epochs", "\(recipe.epochs)"),
                Setting("learning rate", "\(recipe.learningRate), linear to 0"),
                Setting("batch size", "\(recipe.batchSize)"),
                Setting("maximum length", "\(recipe.maximumLength) tokens"),
                Setting("masks", recipe.masks.rawValue),
            ],
            auxiliary: Auxiliary(sources, report.texts), seed: recipe.seed,
            stopRatio: recipe.stopRatio)
    }

    /// The summary of a purification of an image model with the images at `images`.
    public init(_ report: ImagePurification.Report, images: String, command: String? = nil) {
        let recipe = report.recipe
        self.init(
            report, command: command,
            settings: [
                Setting("weight λ", "\(recipe.weight)"),
                Setting("pre-training loss", recipe.pretrainingLoss.rawValue),
                Setting("epochs", "\(recipe.epochs)"),
                Setting("learning rate", "\(recipe.training.learningRate)"),
                Setting("schedule", recipe.training.schedule.shape.rawValue),
                Setting("optimizer", recipe.training.optimizer.name),
                Setting("batch size", "\(recipe.batchSize)"),
            ],
            auxiliary: Auxiliary(
                files: [images], .images(report.images, skipped: report.skipped.count)),
            seed: recipe.seed, stopRatio: recipe.training.stopRatio)
    }

    /// The summary of a purification of a CLIP with the pairs of the file or folder `pairs`.
    public init(_ report: CLIPPurification.Report, pairs: String, command: String? = nil) {
        let recipe = report.recipe
        self.init(
            report, command: command,
            settings: [
                Setting("weight λ", "\(recipe.weight)"),
                Setting("pre-training loss", recipe.hasPretrainingLoss ? "contrastive" : "none"),
                Setting("epochs", "\(recipe.epochs)"),
                Setting("learning rate", "\(recipe.training.learningRate)"),
                Setting("schedule", recipe.training.schedule.shape.rawValue),
                Setting("optimizer", recipe.training.optimizer.name),
                Setting("batch size", "\(recipe.batchSize)"),
            ],
            auxiliary: Auxiliary(
                files: [pairs],
                .pairs(
                    report.images, captions: report.captions, truncated: report.truncated,
                    skipped: report.skipped.count)),
            seed: recipe.seed, stopRatio: recipe.training.stopRatio)
    }

    /// What all purifications say of themselves, with the settings of this one.
    private init(
        _ report: some PurificationReport, command: String?, settings: [Setting],
        auxiliary: Auxiliary, seed: Seed, stopRatio: Double?
    ) {
        let training = report.training
        let stop = stopRatio.map { ratio in
            let end = training.stoppedAt.map { NumberText.fixed($0, decimals: 3) }
            return Setting(
                "stop ratio", "\(ratio), " + (end.map { "stopped at \($0)" } ?? "not reached"))
        }
        self.init(
            model: report.model, output: report.output, command: command,
            settings: settings + [
                Setting(
                    "norms at the end, if they alone decide",
                    "\(NumberText.fixed(report.budget.predictedRatio, decimals: 3)) of their start"),
                Setting("precision", report.computeType.rawValue), Setting("seed", "\(seed.value)"),
            ] + [stop].compactMap { $0 },
            auxiliary: auxiliary,
            epochs: training.epochs.map { Epoch(losses: $0.terms, normRatios: $0.normRatios) },
            throughput: Throughput(training), changedTensors: report.changed.count,
            tensors: report.tensorCount, omittedFiles: report.omitted.map(\.description),
            carriedFiles: report.remarks.map(\.description), warnings: report.warnings)
    }

    // MARK: Pruning

    /// The summary of a pruning by auxiliary texts from `sources`.
    public init(_ report: NeuronPruning.Report, sources: [TextSource], command: String? = nil) {
        let texts = report.texts
        self.init(
            report, Auxiliary(sources, texts),
            [Setting("maximum length", "\(report.pruning.maximumLength) tokens")],
            command: command)
    }

    /// The summary of a pruning by the images at `images`.
    public init(_ report: NeuronPruning.Report, images: String, command: String? = nil) {
        self.init(
            report,
            Auxiliary(files: [images], .images(report.samples, skipped: report.skipped.count)),
            [], command: command)
    }

    private init(
        _ report: NeuronPruning.Report, _ auxiliary: Auxiliary, _ settings: [Setting],
        command: String?
    ) {
        let pruning = report.pruning
        self.init(
            model: report.model, output: report.output, command: command,
            settings: [
                Setting("method", pruning.method.rawValue),
                Setting("statistic", pruning.statistic.rawValue),
                Setting("pruned", "\(report.pruned.count) of \(report.neurons) neurons"),
                Setting("mask", pruning.mask.rawValue),
                Setting("batch size", "\(pruning.batchSize)"),
                Setting("precision", report.computeType.rawValue),
            ] + settings,
            auxiliary: auxiliary, epochs: [],
            prunedLayers: report.pruned.layers.map {
                PrunedLayer(name: $0.name, neurons: $0.neurons, pruned: $0.pruned.count)
            },
            throughput: Throughput(
                steps: 0, seconds: report.seconds, samplesPerSecond: report.samplesPerSecond,
                firstStepSeconds: 0),
            changedTensors: report.changed.count, tensors: report.tensorCount,
            omittedFiles: report.omitted.map(\.description),
            carriedFiles: report.remarks.map(\.description), warnings: report.warnings)
    }
}

extension PurificationSummary.Auxiliary {
    /// Texts from `sources`, as they were tokenized.
    init(_ sources: [TextSource], _ texts: TokenizedCorpus.Summary?) {
        self.init(
            files: sources.map(\.file),
            .texts(
                texts?.texts ?? 0, tokens: texts?.tokens ?? 0, truncated: texts?.atLimit ?? 0))
    }
}

extension PurificationSummary.Throughput {
    /// The speed of a run.
    init(_ training: RunSummary) {
        self.init(
            steps: training.steps, seconds: training.seconds,
            samplesPerSecond: training.samplesPerSecond, firstStepSeconds: training.firstStepSeconds
        )
    }
}
