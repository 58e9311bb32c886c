import ArgumentParser
import Attacks
import Checkpoints
import DataPipeline
import Defenses
import Evaluation
import Foundation
import ModelZoo
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

    @Option(help: "Begin with the BERT's pooler (keep), a fresh one (reset), or try both: keep.")
    var pooler: PoolerChoice?
    @OptionGroup var texts: TriggeredTextOptions

    @OptionGroup var imageOptions: ImageOptions
    @Option(
        help: """
            Train on so many images of --train and test on the others, such as 9:1; or a split.json \
            of an earlier report, to use the very same.
            """)
    var split: String?
    @Option(help: "The optimizer for an image model: sgd, or adamw (CLIP).")
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
        if split != nil, test != nil {
            throw ValidationError("--split sets test images aside, but --test names others")
        }
    }

    /// Refuses a task without training data, and training where there is none.
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
            seeds.map { _ in "--seeds" }, epochs.map { _ in "--epochs" },
            learningRate.map { _ in "--learning-rate" }, batchSize.map { _ in "--batch-size" },
            optimizer.map { _ in "--optimizer" },
        ].compactMap { $0 }
        if let option = training.first {
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

    /// Options that go with texts and were given.
    private var textOnly: [String] {
        [pooler.map { _ in "--pooler" }].compactMap { $0 } + texts.given
    }

    /// Options that go with images and were given.
    private var imageOnly: [String] {
        imageOptions.given
            + [
                split.map { _ in "--split" }, optimizer.map { _ in "--optimizer" },
            ].compactMap { $0 }
    }

    var dataSeed: Seed { Seed(seed ?? 42) }

    func parsedSeeds() throws -> [Seed] {
        let seeds = seeds ?? "42,43,44"
        return try seeds.split(separator: ",").map {
            guard let value = UInt64($0.trimmingCharacters(in: .whitespaces)) else {
                throw ValidationError("--seeds \(seeds): ‘\($0)’ is not a whole number")
            }
            return Seed(value)
        }
    }

    /// The files and folders that are read.
    var inputs: [URL] {
        // A split is a ratio, or a file.
        let file = split.flatMap { SplitRatio($0) == nil ? URL(argument: $0) : nil }
        return [model, train, test, reference, file].compactMap { $0 } + zeroShot.inputs
    }

    func run() throws {
        try OutputClaim.holding(report, force: force, reading: inputs, evaluate)
    }

    private func evaluate() throws {
        let kind = try ModelKind(at: model)
        if zeroShot.isOn, let test {
            if let option = textOnly.first {
                throw ValidationError("\(option) is about texts, and --zero-shot about images")
            }
            return try evaluateZeroShot(on: test)
        }
        guard let train else { return }
        switch kind {
        case .texts:
            if let option = imageOnly.first {
                throw ValidationError(
                    "\(option) is about images, but \(model.path) is no image model")
            }
            try evaluateTexts(train)
        case .images, .pairs:
            if let option = textOnly.first {
                throw ValidationError(
                    "\(option) is about texts, but \(model.path) is an image model")
            }
            try evaluateImages(train)
        }
    }

    private func evaluator(_ device: Device, _ policy: PoolerPolicy) throws -> Evaluator {
        var evaluator = Evaluator()
        evaluator.fineTuning.epochs = epochs ?? evaluator.fineTuning.epochs
        evaluator.fineTuning.learningRate = learningRate ?? evaluator.fineTuning.learningRate
        evaluator.fineTuning.batchSize = batchSize ?? evaluator.fineTuning.batchSize
        evaluator.fineTuning.maximumLength = texts.maxLength ?? evaluator.fineTuning.maximumLength
        evaluator.fineTuning.pooler = policy
        evaluator.fineTuning.precision = compute.precision
        if let triggers { evaluator.triggers = try parsedTriggers(triggers) }
        evaluator.position = texts.position ?? evaluator.position
        evaluator.insertions = texts.insertions ?? evaluator.insertions
        evaluator.filter = filter
        evaluator.seeds = try parsedSeeds()
        evaluator.device = device
        return evaluator
    }

    private func evaluateTexts(_ train: URL) throws {
        guard let test else {
            throw ValidationError("name the test texts: --test FILE")
        }
        let device = try compute.prepare()
        let folder = try BERTFolder(model)
        let clean = try reference.map { try BERTFolder($0) }
        let settings = try evaluator(device, .keep)
        for folder in [folder, clean].compactMap({ $0 }) {
            try folder.checkLength(settings.fineTuning.maximumLength)
            _ = try folder.tokenizer()
            try tell(ofPrunedNeurons: folder.folder)
        }
        let task = try Evaluator.Task(
            train: train, test: test, textColumn: texts.textColumn, labelColumn: texts.labelColumn,
            samples: (trainSamples, testSamples), seed: dataSeed)
        warn(of: task.shared, among: task.test.texts.count)
        for folder in [folder, clean].compactMap({ $0 }) {
            try UnreadableTexts.tell(
                of: task.train.texts + task.test.texts, by: folder,
                maximumLength: settings.fineTuning.maximumLength)
        }
        let choice = pooler ?? .keep
        let records = try records(
            device,
            Plan(
                pooler: choice.rawValue, evaluation: settings.settings,
                precision: compute.precision, seeds: settings.seeds, trainSamples: trainSamples,
                testSamples: testSamples, dataSeed: dataSeed))
        let progress = EvaluationProgress(on: .standard, records)
        let evaluate = {
            try choice.policies.map { policy in
                try self.evaluator(device, policy).evaluate(
                    folder, on: task, reference: clean, command: Invocation.text,
                    observe: progress.show)
            }
        }
        let reports = try records?.removedIfNothingHappens(evaluate) ?? evaluate()
        if let report = reports.first, reports.count == 1 {
            try show(report, EvaluationDocument(report).document, records)
        } else {
            let comparison = try EvaluationComparison(
                title: "Evaluation of \(folder.folder.url.path)",
                entries: reports.map { .init("pooler \($0.poolerPolicy?.rawValue ?? "none")", $0) })
            try show(comparison, EvaluationDocument(comparison).document, records)
        }
    }

    /// Opens the records of the report's folder, where one was asked for.
    func records(_ device: Device, _ settings: some Encodable) throws -> RunDirectory? {
        guard let report else { return nil }
        return try RunDirectory.open(
            at: report, force: force, resuming: false,
            plan: RunPlan(
                command: "evaluate",
                inputs: [model, train, test, reference].compactMap { $0?.path }, output: nil,
                settings: settings), device: device)
    }

    private struct Plan: Encodable {
        let pooler: String
        let evaluation: EvaluationSettings
        let precision: Precision
        let seeds: [Seed]
        let trainSamples: Int?
        let testSamples: Int?
        /// Where such samples come from.
        let dataSeed: Seed
    }

    /// Says where training will leave neurons at zero; refuses a record of them that is none.
    func tell(ofPrunedNeurons folder: ModelFolder) throws {
        guard let pruned = try PrunedNeurons(with: folder), pruned.mask == .frozen else { return }
        Console.standard.log(
            "\(folder.url.path): \(pruned.count) pruned neurons are held at zero, as "
                + "\(PrunedNeurons.file) says")
    }

    /// Warns where test samples are training samples too.
    func warn(of shared: SharedSamples, among total: Int) {
        if let warning = shared.warning(of: total) { Console.standard.warn(warning) }
    }

    /// Writes and prints a result.
    func show(
        _ result: some Encodable, _ document: ReportDocument, _ records: RunDirectory?
    ) throws {
        try publish(result, as: document, in: records, format)
    }
}
