import Checkpoints
import DataPipeline
import Defenses
import Experiments
import ModelZoo
import Randomness
import Torch
import TorchNN
import Training

extension PurificationSummary {
    /// The summary of a purification with the data in `files`.
    public init<Method: Defense>(
        _ report: Purification<Method>.Report, files: [String], command: String? = nil
    ) {
        var settings = [Setting("method", report.method)]
        settings += report.settings.facts.map { Setting($0.name, $0.value) }
        if let method = report.settings as? any TrainedDefense {
            settings += Self.settings(method.run, report.training)
        }
        if let budget = report.budget {
            settings.append(
                Setting(
                    "norms at the end, if they alone decide",
                    "\(NumberText.fixed(budget.predictedRatio, decimals: 3)) of their start"))
        }
        if let pruned = report.pruned {
            settings.append(
                Setting("pruned", "\(pruned.count) of \(pruned.neurons) neurons"))
        }
        settings.append(Setting("precision", report.computeType.rawValue))
        self.init(
            model: report.model, output: report.output, command: command, settings: settings,
            auxiliary: Auxiliary(files: files, report.data),
            epochs: report.training?.epochs.map {
                Epoch(losses: $0.terms, normRatios: $0.normRatios)
            } ?? [],
            prunedLayers: report.pruned?.layers.map {
                PrunedLayer(name: $0.name, neurons: $0.neurons, pruned: $0.pruned.count)
            },
            throughput: report.training.map(Throughput.init)
                ?? Throughput(
                    steps: 0, seconds: report.seconds,
                    samplesPerSecond: report.samplesPerSecond, firstStepSeconds: 0),
            changedTensors: report.changed.count, tensors: report.tensorCount,
            omittedFiles: report.omitted.map(\.description),
            carriedFiles: report.remarks.map(\.description), warnings: report.warnings)
    }

    private static func settings(_ run: RunSettings, _ training: RunSummary?) -> [Setting] {
        let stop = run.training.stopRatio.map { ratio in
            let end = training?.stoppedAt.map { NumberText.fixed($0, decimals: 3) }
            return Setting(
                "stop ratio", "\(ratio), " + (end.map { "stopped at \($0)" } ?? "not reached"))
        }
        return [
            Setting("epochs", "\(run.training.epochs)"),
            Setting("learning rate", NumberText.exact(run.training.learningRate)),
            Setting("schedule", run.training.schedule.shape.rawValue),
            Setting("optimizer", run.training.optimizer.name),
            Setting("batch size", "\(run.batchSize)"), Setting("seed", "\(run.seed.value)"),
        ] + [stop].compactMap { $0 }
    }
}

extension PurificationSummary.Auxiliary {
    /// The data in `files`, as they were read.
    init(files: [String], _ data: DataSummary) {
        let skipped = data.skipped?.count ?? 0
        if let texts = data.texts {
            self.init(
                files: files,
                .texts(texts.texts, tokens: texts.tokens, truncated: texts.atLimit))
        } else if let captions = data.captions {
            self.init(
                files: files,
                .pairs(
                    data.count, captions: captions, truncated: data.truncated ?? 0,
                    skipped: skipped))
        } else {
            self.init(files: files, .images(data.count, skipped: skipped))
        }
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
