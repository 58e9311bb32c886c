import ArgumentParser
import Attacks
import Checkpoints
import DataPipeline
import Evaluation
import Foundation
import JSON
import JSON
import ModelZoo
import Provenance
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
        if (try? PatchTrigger.parse(triggers)) == nil {
            _ = try parsedTriggers(triggers, option: "--trigger")
        }
        _ = try labels()
    }

    /// The list of triggers as one text.
    private var triggers: String { trigger.joined(separator: ",") }

    /// Whose samples are taken.
    private func labels() throws -> LabelChoice {
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

    func run() throws {
        try ReportRunner(report: report, force: force, format: format).claiming(
            [model, after, clean].compactMap { $0 }
        ) { runner in
            let kind = try ModelKind(at: model)
            if let after, try (ModelKind(at: after) == .texts) != (kind == .texts) {
                throw ValidationError(
                    "--after \(after.path): reads \(kind == .texts ? "images" : "texts"), but "
                        + "\(model.path) reads \(kind == .texts ? "texts" : "images")")
            }
            switch kind {
            case .texts: try analyze(TextNeuronAnalysis.self, kind, runner)
            case .images, .pairs: try analyze(ImageNeuronAnalysis.self, kind, runner)
            }
        }
    }

    private func analyze<Method: NeuronAnalysis>(
        _: Method.Type, _ kind: ModelKind, _ runner: ReportRunner
    ) throws {
        let data = try data(for: kind)
        var method = Method()
        for overlay in try overlays(for: kind) where try !overlay.lay(into: &method) {
            throw refusal(of: overlay.option, kind)
        }
        let device = try compute.prepare()
        try runner.analyze(
            Work(
                .analyze, Method.name, method, model: model.path, beside: after?.path, data: data,
                output: report?.path ?? "", files: WorkFiles(), device),
            Method.Folder.opened(at: model, for: .use), device)
    }

    /// The settings that were given, for a model of a kind.
    private func overlays(for kind: ModelKind) throws -> [SettingsOverlay] {
        [
            SettingsOverlay("--aggregation", ["aggregation"], .string(aggregation.rawValue)),
            SettingsOverlay("--batch-size", ["batchSize"], .integer(batchSize)),
            SettingsOverlay(
                "--trigger", ["triggers"], .array(try names(for: kind).map { .string($0) })),
        ] + texts.overlays + compute.overlays
    }

    /// The triggers, as a model of a kind takes them.
    private func names(for kind: ModelKind) throws -> [String] {
        guard kind == .texts else {
            return try parsedPatches(
                triggers, option: "--trigger", remark: "; \(model.path) is an image model"
            ).map(\.description)
        }
        guard (try? PatchTrigger.parse(triggers)) == nil else {
            throw ValidationError(
                "--trigger \(triggers): is a patch for images, but \(model.path) reads texts: name "
                    + "words, such as cf")
        }
        return try parsedTriggers(triggers, option: "--trigger")
    }

    /// The clean samples for a model of a kind.
    private func data(for kind: ModelKind) throws -> DownstreamData {
        var data = DownstreamData(train: nil, test: clean)
        (data.labels, data.testSamples, data.seed) = (
            try labels(), imageOptions.limit, Seed(seed)
        )
        // A limit is meant for whatever there is.
        let strange = kind == .texts ? imageOptions.given.filter { $0 != "--limit" } : texts.given
        if let option = strange.first { throw refusal(of: option, kind) }
        if kind == .texts {
            (data.textColumn, data.labelColumn) = (texts.textColumn, texts.labelColumn)
        } else {
            data.images = imageOptions.data(at: nil)
        }
        return data
    }

    private func refusal(of option: String, _ kind: ModelKind) -> ValidationError {
        ValidationError(
            "\(option) means nothing for \(model.path), which reads "
                + "\(kind == .texts ? "texts" : "images")")
    }
}
