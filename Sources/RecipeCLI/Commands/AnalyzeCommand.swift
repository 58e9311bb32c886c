import ArgumentParser
import Attacks
import Checkpoints
import DataPipeline
import Evaluation
import Foundation
import ModelZoo
import Randomness
import Reports
import Torch
import Training

extension NeuronAggregation: ExpressibleByArgument {}

struct AnalyzeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analyze",
        abstract: "Count the neurons that clean and poisoned samples activate.",
        discussion: """
            Each clean sample is shown to the model as it is and with each trigger in it. Counted \
            are feed-forward neurons whose value at the first token, before the activation \
            function, is above zero (in a VGG: channels whose map has a mean above zero). The \
            overlap ratio is the share of the neurons activated by poisoned samples that clean \
            ones activate too; with --after, that of a purified model stands beside it. The model \
            is taken as it is: nothing is fine-tuned.
            """)

    @Argument(help: "The model: a folder, or for images also a single weights file.")
    var model: URL
    @Option(help: "Another model of the same shape, such as the first one purified.")
    var after: URL?
    @Option(help: "Clean texts (.tsv, .csv or .jsonl, without labels also .txt) or images.")
    var clean: URL
    @Option(
        name: [.customLong("trigger"), .customLong("triggers")], parsing: .upToNextOption,
        help: """
            Triggers, separated by commas: words, such as cf,mn; patches for images, neuba or some \
            of neuba:0 to neuba:5.
            """)
    var trigger: [String]
    @Option(help: "Take only samples of these labels, separated by commas.")
    var label: String?
    @Option(help: "Take samples of all labels but these, separated by commas.")
    var exceptLabel: String?
    @Option(
        help: """
            When samples together activate a neuron: mean (its mean value is above zero), union \
            (any sample does), half (half of them do), or pairs (means over samples); the report \
            shows this first, and has all.
            """)
    var aggregation = NeuronAggregation.mean
    @Option(help: "Samples a batch.")
    var batchSize = 64
    @Option(help: "Where random places of triggers and the samples of --limit are drawn from.")
    var seed: UInt64 = 42
    @Option(help: "Folder for the report: JSON, Markdown and HTML.")
    var report: URL?
    @Flag(help: "Replace the report where it exists.")
    var force = false
    @OptionGroup var compute: ComputeOptions

    @OptionGroup var texts: TriggeredTextOptions

    @OptionGroup var imageOptions: ImageOptions

    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    func validate() throws {
        try validatePositive(("--batch-size", batchSize))
        if (try? PatchTrigger.parse(triggers)) == nil { _ = try words() }
        _ = try labels()
    }

    /// The list of triggers as one text.
    private var triggers: String { trigger.joined(separator: ",") }

    private func words() throws -> [String] { try parsedTriggers(triggers, option: "--trigger") }

    /// Whose samples are taken.
    func labels() throws -> LabelChoice {
        func names(_ list: String, _ option: String) throws -> [String] {
            let names = list.split(separator: ",", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard !names.contains("") else {
                throw ValidationError("\(option) \(list): expected names with commas between")
            }
            return names
        }
        switch (label, exceptLabel) {
        case (nil, nil): return .all
        case (let list?, nil): return .only(try names(list, "--label"))
        case (nil, let list?): return .except(try names(list, "--except-label"))
        case (_?, _?):
            throw ValidationError("--label says which samples are taken, --except-label which not")
        }
    }

    /// The files and folders that are read.
    var inputs: [URL] { [model, after, clean].compactMap { $0 } }

    func run() throws {
        try OutputClaim.holding(report, force: force, reading: inputs, analyze)
    }

    private func analyze() throws {
        let kind = try ModelKind(at: model)
        if let after, try (ModelKind(at: after) == .texts) != (kind == .texts) {
            throw ValidationError(
                "--after \(after.path): reads \(kind == .texts ? "images" : "texts"), but "
                    + "\(model.path) reads \(kind == .texts ? "texts" : "images")")
        }
        switch kind {
        case .texts:
            // A limit is meant for whatever there is.
            if let option = imageOptions.given.first(where: { $0 != "--limit" }) {
                throw ValidationError(
                    "\(option) is about images, but \(model.path) is no image model")
            }
            try analyzeTexts()
        case .images, .pairs:
            if let option = texts.given.first {
                throw ValidationError(
                    "\(option) is about texts, but \(model.path) is an image model")
            }
            try analyzeImages()
        }
    }

    // MARK: Texts

    private func analyzeTexts() throws {
        guard (try? PatchTrigger.parse(triggers)) == nil else {
            throw ValidationError(
                "--trigger \(triggers): is a patch for images, but \(model.path) reads texts: name "
                    + "words, such as cf")
        }
        let device = try compute.prepare()
        let (folder, other) = try (BERTFolder(model), after.map { try BERTFolder($0) })
        let (analysis, triggers) = try (analysis(on: device), words())
        try analysis.check(folder, after: other)
        let samples = try CleanTexts.read(
            clean, labels: labels(), limit: imageOptions.limit, seed: Seed(seed),
            textColumn: texts.textColumn, labelColumn: texts.labelColumn)
        for folder in [folder, other].compactMap({ $0 }) {
            try UnreadableTexts.tell(
                of: samples.texts, by: folder, maximumLength: analysis.maximumLength)
        }
        try carryOut(analysis.settings(triggers: triggers), device) { observe in
            try analysis.analyze(
                folder, after: other, triggers: triggers, on: samples, command: Invocation.text,
                observe: observe)
        }
    }

    /// What is asked for, for whichever model.
    private func analysis(on device: Device) -> NeuronAnalysis {
        var analysis = NeuronAnalysis()
        analysis.aggregation = aggregation
        analysis.batchSize = batchSize
        analysis.precision = compute.readingPrecision
        analysis.seed = Seed(seed)
        analysis.device = device
        analysis.maximumLength = texts.maxLength ?? analysis.maximumLength
        analysis.position = texts.position ?? analysis.position
        analysis.insertions = texts.insertions ?? analysis.insertions
        return analysis
    }

    // MARK: Images

    private func analyzeImages() throws {
        let patches = try parsedPatches()
        let device = try compute.prepare()
        let (folder, other) = try (ImageModelFolder(model), after.map { try ImageModelFolder($0) })
        let analysis = analysis(on: device)
        try analysis.check(folder, after: other)
        let preparation = try preparation(for: folder, and: other)
        let settings = analysis.settings(triggers: patches, preparation: preparation)
        let found = try readImages()
        try carryOut(settings, device) { observe in
            let images = try CleanImages(
                imageOptions.prepare(found.images, preparation, seed: Seed(seed)),
                preparation: preparation, path: clean.path, available: found.images.count,
                labels: found.labels)
            return try analysis.analyze(
                folder, after: other, triggers: patches, on: images, command: Invocation.text,
                observe: observe)
        }
    }

    private func parsedPatches() throws -> [PatchTrigger] {
        do {
            return try PatchTrigger.parse(triggers)
        } catch {
            throw ValidationError(
                "--trigger: \(PlainWords.of(error)); \(model.path) is an image model")
        }
    }

    /// How both models take images; refuses two that take them differently.
    private func preparation(
        for folder: ImageModelFolder, and other: ImageModelFolder?
    ) throws -> ImagePreparation {
        let preparation = try imageOptions.preparation(for: folder)
        if let other, try imageOptions.preparation(for: other) != preparation {
            throw ValidationError(
                "--after \(other.folder.url.path): prepares images in another way than "
                    + "\(model.path), so that their neurons cannot be compared; where it is the "
                    + "size alone, give --image-size")
        }
        return preparation
    }

    /// The test images where there are some, of the labels asked for.
    private func readImages() throws -> (images: ImageSet, labels: [String]?) {
        let choice = try labels()
        let isParted = try ImageSet.parts(of: clean, layout: imageOptions.layout).contains(.test)
        let hasClasses = choice != .all || imageOptions.classes != nil
        return try imageOptions.read(
            clean, part: isParted ? .test : nil, labels: hasClasses ? .folder : .none
        ).choosing(choice)
    }

    // MARK: Either

    /// Opens the records where a report was asked for, does the work, writes and prints the result.
    private func carryOut(
        _ settings: NeuronSettings, _ device: Device,
        _ analyze: ((NeuronAnalysis.Progress) -> Void) throws -> NeuronReport
    ) throws {
        let records = try report.map { folder in
            try RunDirectory.open(
                at: folder, force: force, resuming: false,
                plan: RunPlan(
                    command: "analyze", inputs: [model, after, clean].compactMap { $0?.path },
                    output: nil,
                    settings: Plan(
                        neurons: settings, label: label, exceptLabel: exceptLabel,
                        limit: imageOptions.limit)), device: device)
        }
        let progress = NeuronProgress(on: .standard)
        func watch() throws -> NeuronReport { try analyze(progress.show) }
        let found = try records?.removedIfNothingHappens(watch) ?? watch()
        if found.lost > 0 {
            Console.standard.warn(
                "in \(found.lost) of \(found.samples.count) samples a trigger lies beyond the "
                    + "length that texts are cut to, or changes no token")
        }
        try publish(found, as: NeuronDocument(found).document, in: records, format)
    }

    private struct Plan: Encodable {
        let neurons: NeuronSettings
        let label: String?
        let exceptLabel: String?
        let limit: Int?
    }
}

/// Shows how far an analysis is, model by model.
private final class NeuronProgress {
    private let console: Console
    private var reporter: ProgressReporter?

    init(on console: Console) { self.console = console }

    func show(_ progress: NeuronAnalysis.Progress) {
        let reporter =
            reporter
            ?? ProgressReporter(
                "analyze \(URL(fileURLWithPath: progress.model).lastPathComponent)",
                total: progress.total, unit: "sample", on: console)
        self.reporter = reporter
        reporter.update(completed: progress.done)
        if progress.done == progress.total {
            reporter.finish()
            self.reporter = nil
        }
    }
}
