import DataPipeline
import Defenses
import ModelZoo
import TorchNN
import Training

extension PurificationSummary {
    /// The summary of a purification over auxiliary texts from `sources`.
    public init(_ report: Purification.Report, sources: [TextSource], command: String? = nil) {
        let recipe = report.recipe
        var warnings: [String] = []
        let replaced = sources.reduce(0) { $0 + $1.invalidSequences }
        if replaced > 0 { warnings.append("\(replaced) byte sequences were no UTF-8 and replaced") }
        if report.texts.empty > 0 { warnings.append("\(report.texts.empty) texts had no token") }
        self.init(
            model: report.model, output: report.output, command: command,
            settings: [
                Setting("weight λ", "\(recipe.weight)"),
                Setting("pre-training loss", recipe.hasPretrainingLoss ? "yes" : "no"),
                Setting("epochs", "\(recipe.epochs)"),
                Setting("learning rate", "\(recipe.learningRate), linear to 0"),
                Setting("batch size", "\(recipe.batchSize)"),
                Setting("maximum length", "\(recipe.maximumLength) tokens"),
                Setting("masks", recipe.masks.rawValue),
                Setting("precision", report.computeType.rawValue),
                Setting("seed", "\(recipe.seed.value)"),
            ],
            auxiliary: Auxiliary(
                files: sources.map(\.file),
                .texts(
                    report.texts.texts, tokens: report.texts.tokens,
                    truncated: report.texts.atLimit)),
            epochs: Self.epochs(report.training), throughput: Throughput(report.training),
            changedTensors: report.changed.count, tensors: report.tensorCount,
            omittedFiles: report.omitted, warnings: warnings)
    }

    /// The summary of a purification of an image model with the images at `images`.
    public init(_ report: ImagePurification.Report, images: String, command: String? = nil) {
        let recipe = report.recipe
        var warnings = Self.warnings(of: report.skipped)
        if recipe.pretrainingLoss == .classification, !report.usesOwnHead {
            warnings.append(ImageModelFolder.fittedHeadWarning)
        }
        self.init(
            model: report.model, output: report.output, command: command,
            settings: [
                Setting("weight λ", "\(recipe.weight)"),
                Setting("pre-training loss", recipe.pretrainingLoss.rawValue),
                Setting("epochs", "\(recipe.epochs)"),
                Setting("learning rate", "\(recipe.training.learningRate)"),
                Setting("schedule", recipe.training.schedule.shape.rawValue),
                Setting("optimizer", recipe.training.optimizer.name),
                Setting("batch size", "\(recipe.batchSize)"),
                Setting(
                    "norm budget",
                    "\(NumberText.fixed(report.budget.share, decimals: 3)) of the median norm"),
                Setting("precision", report.computeType.rawValue),
                Setting("seed", "\(recipe.seed.value)"),
            ],
            auxiliary: Auxiliary(
                files: [images], .images(report.images, skipped: report.skipped.count)),
            epochs: Self.epochs(report.training), throughput: Throughput(report.training),
            changedTensors: report.changed.count, tensors: report.tensorCount,
            omittedFiles: report.omitted, warnings: warnings)
    }

    /// The summary of a purification of a CLIP with the pairs of the file or folder `pairs`.
    public init(_ report: CLIPPurification.Report, pairs: String, command: String? = nil) {
        let recipe = report.recipe
        self.init(
            model: report.model, output: report.output, command: command,
            settings: [
                Setting("weight λ", "\(recipe.weight)"),
                Setting("pre-training loss", recipe.hasPretrainingLoss ? "contrastive" : "none"),
                Setting("epochs", "\(recipe.epochs)"),
                Setting("learning rate", "\(recipe.training.learningRate)"),
                Setting("schedule", recipe.training.schedule.shape.rawValue),
                Setting("optimizer", recipe.training.optimizer.name),
                Setting("batch size", "\(recipe.batchSize)"),
                Setting("precision", report.computeType.rawValue),
                Setting("seed", "\(recipe.seed.value)"),
            ],
            auxiliary: Auxiliary(
                files: [pairs],
                .pairs(
                    report.images, captions: report.captions, truncated: report.truncated,
                    skipped: report.skipped.count)),
            epochs: Self.epochs(report.training), throughput: Throughput(report.training),
            changedTensors: report.changed.count, tensors: report.tensorCount,
            omittedFiles: report.omitted, warnings: Self.warnings(of: report.skipped))
    }

    /// The first images that were left out by name, and the number of the others.
    private static func warnings(of skipped: [SkippedImage]) -> [String] {
        let others = skipped.count - 5
        return skipped.prefix(5).map { "\($0.identifier) was left out: it \($0.reason)" }
            + (others > 0 ? ["\(others) more images were left out"] : [])
    }

    private static func epochs(_ training: RunSummary) -> [Epoch] {
        training.epochs.map { Epoch(losses: $0.terms, normRatios: $0.normRatios) }
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
