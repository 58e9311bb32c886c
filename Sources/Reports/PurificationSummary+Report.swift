import DataPipeline
import Defenses
import ModelZoo

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
                files: sources.map(\.file), texts: report.texts.texts,
                tokens: report.texts.tokens, truncated: report.texts.atLimit),
            epochs: report.training.epochs.map {
                Epoch(losses: $0.terms, normRatios: $0.normRatios)
            },
            throughput: Throughput(
                steps: report.training.steps, seconds: report.training.seconds,
                samplesPerSecond: report.training.samplesPerSecond,
                firstStepSeconds: report.training.firstStepSeconds),
            changedTensors: report.changed.count, tensors: report.tensorCount,
            omittedFiles: report.omitted, warnings: warnings)
    }
}
