import ArgumentParser
import DataPipeline
import Experiments
import Foundation
import JSON
import ModelZoo
import Provenance
import TorchNN
import Training

/// Settings by their names, for those that have no option of their own.
struct SettingOptions: ParsableArguments {
    @Option(
        name: .customLong("set"),
        help: "A setting of the method's own, by its name in plan.yaml: NAME=VALUE.")
    var set: [String] = []

    func validate() throws {
        for setting in set where !setting.dropFirst().contains("=") {
            throw ValidationError("--set \(setting): expected NAME=VALUE")
        }
    }

    /// The settings that were given.
    var overlays: [SettingsOverlay] {
        self.set.map { setting in
            let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
            let text = parts.count > 1 ? parts[1] : ""
            return SettingsOverlay(
                "--set \(parts[0])", [parts[0]],
                (try? JSONValue(parsing: Array(text.utf8))) ?? .string(text))
        }
    }
}

/// How a run trains: what every method that trains has settings for.
struct TrainingOptions: ParsableArguments {
    @Option(help: "The optimizer: sgd or adamw, with the constants usual for the model.")
    var optimizer: OptimizerChoice?
    @Option(help: "Epochs over the data.")
    var epochs: Int?
    @Option(help: "Peak learning rate.")
    var learningRate: Double?
    @Option(help: "Samples a step.")
    var batchSize: Int?
    @Option(help: "Batches whose mean gradient makes one step.")
    var accumulation: Int?
    @Option(help: "Tokens a text, or a block of joined texts, is cut to.")
    var maxLength: Int?

    func validate() throws {
        try validatePositive(
            ("--epochs", epochs ?? 1), ("--batch-size", batchSize ?? 1),
            ("--accumulation", accumulation ?? 1))
        try validateRate("--learning-rate", learningRate ?? 1)
        try validateLength(maxLength ?? 3)
    }

    /// The settings that were given, for a model of a kind.
    func overlays(for kind: ModelKind) throws -> [SettingsOverlay] {
        [
            try optimizer.map {
                SettingsOverlay(
                    "--optimizer", ["run.training.optimizer"],
                    try JSONValue(encoding: $0.configuration(for: kind)))
            },
            epochs.map { SettingsOverlay("--epochs", ["run.training.epochs"], .integer($0)) },
            learningRate.map {
                SettingsOverlay("--learning-rate", ["run.training.learningRate"], .number($0))
            },
            batchSize.map {
                SettingsOverlay("--batch-size", ["run.batchSize", "batchSize"], .integer($0))
            },
            accumulation.map {
                SettingsOverlay("--accumulation", ["run.training.accumulation"], .integer($0))
            },
            maxLength.map { SettingsOverlay("--max-length", ["maximumLength"], .integer($0)) },
        ].compactMap { $0 }
    }
}

extension ComputeOptions {
    /// The precision that was given, as a setting.
    var overlays: [SettingsOverlay] {
        givenPrecision.map {
            [
                SettingsOverlay(
                    "--precision", ["run.precision", "fineTuning.precision", "precision"],
                    .string($0.rawValue))
            ]
        } ?? []
    }
}

extension PairOptions {
    /// How pairs go through the model, as far as it was given.
    var overlays: [SettingsOverlay] {
        chunkSize.map { [SettingsOverlay("--chunk-size", ["chunkSize"], .integer($0))] } ?? []
    }
}

extension SettingsOverlay {
    /// That nothing here has the setting.
    ///
    /// - Parameters:
    ///   - method: What has it not, as in `--method fp`.
    ///   - others: Names of what has it.
    func refusal(by method: String, of model: URL, _ kind: ModelKind, others: [String])
        -> ValidationError
    {
        if !others.isEmpty {
            return ValidationError(
                "\(option) means nothing for \(method); it goes with "
                    + others.joined(separator: ", "))
        }
        let samples: [Any] = [TextTask.Settings(), ImageTask.Settings(), PairTask.Settings()]
        return ValidationError(
            samples.contains { path(in: $0) != nil }
                ? "\(option) means nothing for \(model.path), which \(DataOptions.reads(kind))"
                : "\(option) means nothing for \(method)")
    }
}

/// Which optimizer trains a model.
enum OptimizerChoice: String, CaseIterable, ExpressibleByArgument {
    case sgd, adamw

    /// The optimizer, whose AdamW has constants of its own for a CLIP.
    func configuration(for kind: ModelKind) -> OptimizerConfiguration {
        switch self {
        case .sgd: .sgd()
        case .adamw: kind == .pairs ? CLIP.optimizer() : .adamW()
        }
    }
}
