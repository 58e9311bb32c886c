import ArgumentParser
import Attacks
import Checkpoints
import DataPipeline
import Defenses
import Evaluation
import Experiments
import Foundation
import JSON
import ModelZoo
import Provenance
import Randomness
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
            is the share of the samples of all other labels that the trigger turns into that label; \
            of a trigger, the greatest over labels. AASR and MASR are its mean and greatest value \
            over triggers. With --reference, a clean model's rate is the floor. Settings left out \
            are the paper's for the model and the data. With --zero-shot nothing is trained: a CLIP \
            tells classes by prompts, as most of its users have it.
            """)

    @Argument(help: "The model: a folder, or for images also a single weights file.")
    var model: URL
    @Option(help: "Labelled training texts (.tsv, .csv or .jsonl) or images.")
    var train: URL?
    @Option(
        help: """
            Labelled test texts or images; by default the test part of the images, or what --split \
            sets aside.
            """)
    var test: URL?
    @Option(
        help: """
            Triggers, separated by commas: words, by default \
            \(TriggerSet.por.joined(separator: ",")); patches for images, by default neuba, which \
            is all of neuba:0 to neuba:5.
            """)
    var triggers: String?
    @Option(help: "Seeds, separated by commas; one classifier is made with each: 42,43,44.")
    var seeds: String?
    @Option(help: "A clean model, whose attack success rate is the floor.")
    var reference: URL?
    @Option(help: "Folder for the report: JSON, Markdown and HTML.")
    var report: URL?
    @Flag(help: "Replace the report where it exists.")
    var force = false
    @OptionGroup var compute: ComputeOptions

    @Option(help: "Train on at most this many samples of --train, drawn at random.")
    var trainSamples: Int?
    @Option(help: "Test on at most this many samples of --test, drawn at random.")
    var testSamples: Int?
    @Option(help: "Where such samples, those of --limit and a split are drawn from: 42.")
    var seed: UInt64?
    @Option(
        help: "Epochs over the data: 3 (BERT, CLIP), 10 (VGG, ViT) or 4 (ViT on CIFAR-10).")
    var epochs: Int?
    @Option(
        help: """
            Learning rate: falling to 0 from 2e-5 (BERT, or CLIP on traffic signs) or 1e-5 (CLIP), \
            or constant 1e-3 (VGG, ViT) or 1e-2 (ViT on CIFAR-10).
            """)
    var learningRate: Double?
    @Option(help: "Samples a step: 32 (BERT, CLIP) or 64 (VGG, ViT).")
    var batchSize: Int?
    @Option(help: "Count all samples (none), or those right without a trigger (clean-correct).")
    var filter = AttackSuccess.Filter.none

    @Option(
        help: "Begin with a text model's pooler (keep), a fresh one (reset), or try both: keep.")
    var pooler: PoolerChoice?
    @OptionGroup var texts: TriggeredTextOptions

    @OptionGroup var imageOptions: ImageOptions
    @Option(
        help: """
            Train on so many images of --train and test on the others, such as 9:1; or a split.json \
            of an earlier report, to use the very same.
            """)
    var split: String?
    @Option(help: "The optimizer: sgd (VGG, ViT) or adamw (BERT, CLIP).")
    var optimizer: OptimizerChoice?

    @OptionGroup var zeroShot: ZeroShotOptions

    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    func validate() throws {
        try validateData()
        try validatePositive(
            ("--epochs", epochs ?? 1), ("--batch-size", batchSize ?? 1),
            ("--train-samples", trainSamples ?? 1), ("--test-samples", testSamples ?? 1))
        // A limit is about training, or without any about the test.
        if (zeroShot.isOn ? testSamples : trainSamples) != nil, imageOptions.limit != nil {
            let option = zeroShot.isOn ? "--test-samples" : "--train-samples"
            throw ValidationError("\(option) and --limit both say how much is used: give one")
        }
        try validateRate("--learning-rate", learningRate ?? 1)
        if let triggers { try validateTriggers(triggers) }
        guard try (1...OptionBounds.seeds).contains(parsedSeeds().count) else {
            throw ValidationError("--seeds: name 1 to \(OptionBounds.seeds) of them")
        }
        if let split {
            guard test == nil else {
                throw ValidationError("--split sets test images aside, but --test names others")
            }
            if case .recorded(let file) = DownstreamData.Split(split),
                !FileManager.default.fileExists(atPath: file.path)
            {
                throw ValidationError(
                    "--split \(split): expected a ratio such as 9:1, or a split.json that is there")
            }
        }
    }

    /// Refuses a task without training data, and what means nothing where nothing is trained.
    private func validateData() throws {
        guard zeroShot.isOn else {
            guard train != nil else {
                throw ValidationError(
                    "name the training data (--train), or ask a CLIP without (--zero-shot)")
            }
            return
        }
        let training = [
            train.map { _ in "--train" }, trainSamples.map { _ in "--train-samples" },
            split.map { _ in "--split" },
        ]
        if let option = training.compactMap({ $0 }).first {
            throw ValidationError("\(option) is about training, and --zero-shot trains nothing")
        }
        guard test != nil else {
            throw ValidationError("name the images to tell the classes of: --test FOLDER")
        }
    }

    /// Refuses a list that no model could be tried with.
    private func validateTriggers(_ list: String) throws {
        if (try? PatchTrigger.parse(list)) == nil { _ = try parsedTriggers(list) }
    }

    private func parsedSeeds() throws -> [Seed] {
        let seeds = seeds ?? "42,43,44"
        return try seeds.split(separator: ",").map {
            guard let value = UInt64($0.trimmingCharacters(in: .whitespaces)) else {
                throw ValidationError("--seeds \(seeds): ‘\($0)’ is not a whole number")
            }
            return Seed(value)
        }
    }

    /// The settings that were given, for a model of a kind.
    private func overlays(for kind: ModelKind) throws -> [SettingsOverlay] {
        let training: [SettingsOverlay?] = [
            epochs.map {
                SettingsOverlay("--epochs", ["fineTuning.training.epochs"], .integer($0))
            },
            learningRate.map {
                SettingsOverlay(
                    "--learning-rate", ["fineTuning.training.learningRate"], .number($0))
            },
            batchSize.map {
                SettingsOverlay("--batch-size", ["fineTuning.batchSize"], .integer($0))
            },
            try optimizer.map {
                SettingsOverlay(
                    "--optimizer", ["fineTuning.training.optimizer"],
                    try JSONValue(encoding: $0.configuration(for: .images)))
            },
            try seeds.map { _ in
                SettingsOverlay("--seeds", ["seeds"], try JSONValue(encoding: parsedSeeds()))
            },
            try pooler.map {
                SettingsOverlay("--pooler", ["poolers"], try JSONValue(encoding: $0.policies))
            },
            try triggers.map {
                SettingsOverlay(
                    "--triggers", ["triggers"], .array(try names($0, kind).map { .string($0) }))
            },
            filter == .none
                ? nil : SettingsOverlay("--filter", ["filter"], .string(filter.rawValue)),
        ]
        return try training.compactMap { $0 } + texts.overlays + zeroShot.overlays()
            + compute.overlays
    }

    /// The triggers of a list, as a model of a kind takes them.
    private func names(_ list: String, _ kind: ModelKind) throws -> [String] {
        kind == .texts
            ? try parsedTriggers(list)
            : try parsedPatches(list, option: "--triggers").map(\.description)
    }

    /// The data for a model of a kind.
    private func data(for kind: ModelKind) throws -> DownstreamData {
        var data = DownstreamData(train: train, test: test)
        (data.trainSamples, data.testSamples) = (trainSamples, testSamples)
        data.seed = Seed(seed ?? 42)
        let strange: [String?]
        if kind == .texts {
            strange = imageOptions.given + [split.map { _ in "--split" }]
            (data.textColumn, data.labelColumn) = (texts.textColumn, texts.labelColumn)
        } else {
            strange = texts.given
            data.images = imageOptions.data(at: nil)
            data.split = split.map { .init($0) }
            // A limit is about training, or without any about the test.
            if zeroShot.isOn {
                data.testSamples = testSamples ?? imageOptions.limit
            } else {
                data.trainSamples = trainSamples ?? imageOptions.limit
            }
        }
        if let option = strange.compactMap({ $0 }).first { throw refusal(of: option, kind) }
        if kind == .texts, test == nil {
            throw ValidationError("name the test texts: --test FILE")
        }
        return data
    }

    private func refusal(of option: String, _ kind: ModelKind) -> ValidationError {
        ValidationError(
            "\(option) means nothing for "
                + (zeroShot.isOn
                    ? "--zero-shot, which shows images and trains nothing"
                    : "\(model.path), which reads \(kind.rawValue)"))
    }

    func run() throws {
        try ReportRunner(report: report, force: force, format: format).claiming(
            [model, train, test, reference, zeroShot.prompts, zeroShot.tokenizer]
                .compactMap { $0 }
                + [split.flatMap { DownstreamData.Split($0).file }].compactMap { $0 }
        ) { runner in
            guard !zeroShot.isOn else {
                guard try ModelKind(at: model) != .texts else {
                    throw CheckpointError(
                        model,
                        "is no CLIP, and nothing else tells classes by prompts (--zero-shot)",
                        advice: "evaluate it with training images (--train)")
                }
                return try evaluate(ZeroShotEvaluator.self, .pairs, runner)
            }
            switch try ModelKind(at: model) {
            case .texts: try evaluate(TextEvaluator.self, .texts, runner)
            case .images, .pairs: try evaluate(ImageEvaluator.self, .images, runner)
            }
        }
    }

    private func evaluate<Method: Evaluator>(
        _: Method.Type, _ kind: ModelKind, _ runner: ReportRunner
    ) throws {
        let data = try data(for: kind)
        let overlays = try overlays(for: kind)
        let device = try compute.prepare()
        let folder = try Method.Folder.opened(at: model, for: .use)
        var method = try Method.paper(for: folder, on: data)
        for overlay in overlays where try !overlay.lay(into: &method) {
            throw refusal(of: overlay.option, kind)
        }
        try runner.evaluate(
            Work(
                .evaluate, Method.name, method, model: model.path, beside: reference?.path,
                data: data, output: report?.path ?? "", files: WorkFiles(), device), folder, device)
    }
}
