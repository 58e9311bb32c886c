import ArgumentParser
import Attacks
import Checkpoints
import DataPipeline
import Defenses
import Evaluation
import Experiments
import Foundation
import ModelZoo
import Provenance
import TensorFormats
import Torch
import Training
import Yams

struct DoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "do",
        abstract: "Do the work of a plan again.",
        discussion: """
            Every run of pretrain, attack and purify leaves a plan.yaml with all of its settings, and so \
            does every report of evaluate and analyze; this does the same work from it. With the same \
            files, on the same machine, an output is the same to the byte and a report has the same \
            figures.
            """)

    @Argument(help: "The plan: plan.yaml of a run's folder, or that folder.")
    var plan: URL
    @Option(
        name: [.short, .customLong("output")], help: "The folder to write; by default the plan's.")
    var output: URL?
    @Flag(help: "Replace the output folder, and its records, where they exist.")
    var force = false
    @Option(
        name: .customLong("run"), help: "Where the run's records go; by default OUTPUT.run.")
    var records: URL?
    @Flag(help: "Go on from the run folder's snapshot, exactly where it was made.")
    var resume = false
    @Option(help: "Processor threads; by default the plan's.")
    var threads: Int?
    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    func validate() throws {
        if let threads { try validatePositive(("--threads", threads)) }
    }

    func run() throws {
        var isFolder: ObjCBool = false
        let stands = FileManager.default.fileExists(atPath: plan.path, isDirectory: &isFolder)
        let isRun = stands && isFolder.boolValue
        let file = try WorkFile(isRun ? plan.appendingPathComponent("plan.yaml") : plan)
        switch try file.command {
        case .attack, .pretrain, .purify: try make(file)
        case .evaluate:
            let header: WorkHeader<DownstreamData> = try file.decode()
            switch header.method {
            case TextEvaluator.name: try evaluate(TextEvaluator.self, header, file)
            case ImageEvaluator.name: try evaluate(ImageEvaluator.self, header, file)
            case ZeroShotEvaluator.name: try evaluate(ZeroShotEvaluator.self, header, file)
            default:
                throw file.unknown(
                    header.method, "evaluation",
                    [TextEvaluator.name, ImageEvaluator.name, ZeroShotEvaluator.name])
            }
        case .analyze:
            let header: WorkHeader<DownstreamData> = try file.decode()
            switch header.method {
            case TextNeuronAnalysis.name: try analyze(TextNeuronAnalysis.self, header, file)
            case ImageNeuronAnalysis.name: try analyze(ImageNeuronAnalysis.self, header, file)
            default:
                throw file.unknown(
                    header.method, "analysis",
                    [TextNeuronAnalysis.name, ImageNeuronAnalysis.name])
            }
        }
    }

    // MARK: Work that makes a model

    private func make(_ file: WorkFile) throws {
        let header: WorkHeader<AuxiliaryData> = try file.decode()
        switch (try file.command, try kind(of: header, file)) {
        case (.attack, let kind):
            let found = Attacks.all.first { $0.name == header.method }
            guard let variant = found?.variant(for: kind) else {
                throw file.error(
                    "there is no attack ‘\(header.method)’ on such a model", at: "method")
            }
            try attack(as: variant, header, file)
        case (.pretrain, .texts): try pretrain(TextTask.self, header, file)
        case (.pretrain, .images): try pretrain(ImageTask.self, header, file)
        case (.pretrain, .pairs): try pretrain(PairTask.self, header, file)
        case (_, .texts): try purify(TextTask.self, header, file)
        case (_, .images): try purify(ImageTask.self, header, file)
        case (_, .pairs): try purify(PairTask.self, header, file)
        }
    }

    /// What the work's samples are: the data say it, for a CLIP may be read for its tower of images.
    private func kind(
        of header: WorkHeader<AuxiliaryData>, _ file: WorkFile
    ) throws -> ModelKind {
        if header.data.texts != nil { return .texts }
        guard header.data.pairs != nil else { return .images }
        // A defense that trains nothing reads the images of pairs alone.
        let isPruning =
            try file.command == .purify
            && Defenses.all.first { $0.name == header.method }
                .map { !($0.settings(CLIP.paperDefaults) is any TrainedDefense) } == true
        return isPruning ? .images : .pairs
    }

    // MARK: Each command

    private func attack<Method: Attack>(
        as _: Method, _ header: WorkHeader<AuxiliaryData>, _ file: WorkFile
    ) throws {
        let work: Work<Method, Method.Task.Settings, AuxiliaryData> = try file.decode()
        try within(work, header) { runner, session in
            try runner.attack(work, source(of: work, file), in: session)
        }
    }

    private func pretrain<Task: PretrainingTask>(
        _: Task.Type, _ header: WorkHeader<AuxiliaryData>, _ file: WorkFile
    ) throws {
        let work: Work<Pretraining, Task.Settings, AuxiliaryData> = try file.decode()
        try within(work, header) { runner, session in
            let source: Task.Source? = work.beginning == nil ? try source(of: work, file) : nil
            try runner.pretrain(Task.self, work, source, in: session)
        }
    }

    private func purify<Task: PretrainingTask>(
        _ task: Task.Type, _ header: WorkHeader<AuxiliaryData>, _ file: WorkFile
    ) throws {
        guard let method = Defenses.all.first(where: { $0.name == header.method }) else {
            throw file.unknown(header.method, "defense", Defenses.all.map(\.name))
        }
        // Any family's settings are of the defense's type, which is all that is asked of them.
        try purify(task, as: method.settings(CLIP.paperDefaults), header, file)
    }

    private func purify<Task: PretrainingTask, Method: Defense>(
        _ task: Task.Type, as _: Method, _ header: WorkHeader<AuxiliaryData>, _ file: WorkFile
    ) throws {
        let work: Work<Method, Task.Settings, AuxiliaryData> = try file.decode()
        try within(work, header) { runner, session in
            try runner.purify(task, work, source(of: work, file), in: session)
        }
    }

    private func within<Settings, Samples>(
        _ work: Work<Settings, Samples, AuxiliaryData>, _ header: WorkHeader<AuxiliaryData>,
        _ body: (WorkRunner, WorkRunner.Session) throws -> Void
    ) throws {
        let output = output(of: work)
        let runner = WorkRunner(
            place: RunPlace(
                output: output, records: records ?? RunPlace.records(of: output), force: force,
                resumes: resume, acceptsChanges: false), format: format)
        let device = try device(of: work)
        try runner.session(
            reading: header.inputs + [plan], weights: work.files.weights, device
        ) { try body(runner, $0) }
    }

    // MARK: Work that reads models

    private func evaluate<Method: Evaluator>(
        _: Method.Type, _ header: WorkHeader<DownstreamData>, _ file: WorkFile
    ) throws {
        let work: Work<Method, Never, DownstreamData> = try file.decode()
        try reporting(work, header, beside: work.settings.sources.map(\.url)) {
            try $0.evaluate(work, source(of: work, file), device(of: work))
        }
    }

    private func analyze<Method: NeuronAnalysis>(
        _: Method.Type, _ header: WorkHeader<DownstreamData>, _ file: WorkFile
    ) throws {
        let work: Work<Method, Never, DownstreamData> = try file.decode()
        try reporting(work, header) {
            try $0.analyze(work, source(of: work, file), device(of: work))
        }
    }

    private func reporting<Settings>(
        _ work: Work<Settings, Never, DownstreamData>, _ header: WorkHeader<DownstreamData>,
        beside others: [URL] = [], _ body: (ReportRunner) throws -> Void
    ) throws {
        if resume || records != nil {
            throw ValidationError(
                "\(resume ? "--resume" : "--run") means nothing for \(plan.path), which makes no model"
            )
        }
        try WeightsChoice.$key.withValue(work.files.weights) {
            try ReportRunner(report: output(of: work), force: force, format: format)
                .claiming(header.inputs + others + [plan], body)
        }
    }

    // MARK: What all have in common

    private func output<Settings, Samples, Data>(of work: Work<Settings, Samples, Data>) -> URL {
        output ?? URL(fileURLWithPath: work.output)
    }

    /// The device of the work, with its threads set.
    private func device<Settings, Samples, Data>(
        of work: Work<Settings, Samples, Data>
    ) throws -> Device {
        try Hardware.setThreadCount(threads ?? min(work.threads, 4096))
        return try .named(work.device)
    }

    private func source<Source: TaskModel, Settings, Samples, Data>(
        of work: Work<Settings, Samples, Data>, _ file: WorkFile
    ) throws -> Source {
        guard let model = work.model else { throw file.error("names no model", at: nil) }
        return try Source.opened(
            at: URL(fileURLWithPath: model), for: work.files.dropsCode ? .useWithoutCode : .use)
    }
}

/// A part of a piece of work: keys that it has not are no error.
private protocol WorkPart {}

extension WorkHeader: WorkPart {}

/// A file of a piece of work.
struct WorkFile {
    private let url: URL
    private let text: String
    private let root: PlanNode

    /// Reads a plan.
    ///
    /// - Throws: ``PlanError`` or `DataError`.
    init(_ url: URL) throws {
        let file = try PlanFile(url)
        (self.url, root) = (url, file.root)
        text = try String(contentsOf: url, encoding: .utf8)
        guard root["stages"] == nil else {
            throw PlanError("is a plan of many stages: recipe run does it", file: url.path)
        }
    }

    /// The work that the file is; refuses keys that it has not, by line and nearest name.
    func decode<Value: Codable>() throws -> Value {
        let value: Value
        do {
            value = try YAMLDecoder().decode(Value.self, from: text)
        } catch let error as DecodingError {
            throw placed(error)
        }
        // A header is only a part of the work.
        guard !(value is any WorkPart) else { return value }
        let known = try PlanFile.read(PlanText.of(value), file: url.path)
        try check(root, against: known, at: "")
        return value
    }

    /// The command that does the work.
    var command: WorkCommand {
        get throws { try (decode() as CommandName).command }
    }

    private struct CommandName: Codable, WorkPart { var command: WorkCommand }

    /// That there is no method of a name among those of a kind.
    func unknown(_ name: String, _ kind: String, _ known: [String]) -> PlanError {
        error(
            "there is no \(kind) ‘\(name)’: expected one of " + known.joined(separator: ", "),
            at: "method")
    }

    /// What a decoder found wrong, with its line; a key that is missing may be there under a name that
    /// is near.
    private func placed(_ error: DecodingError) -> PlanError {
        func node(at path: [any CodingKey]) -> PlanNode? {
            path.reduce(root as PlanNode?) { node, key in
                guard case .list(let nodes)? = node?.content, let place = key.intValue else {
                    return node?[key.stringValue]
                }
                return nodes.indices.contains(place) ? nodes[place] : nil
            }
        }
        switch error {
        case .keyNotFound(let key, let context):
            let entries = node(at: context.codingPath)?.entries ?? []
            if let near = suggestion(for: key.stringValue, among: entries.map(\.key)) {
                return PlanError(
                    "unknown key ‘\(near)’; did you mean ‘\(key.stringValue)’?", file: url.path,
                    line: entries.first { $0.key == near }?.line)
            }
            return PlanError(PlainWords.of(error), file: url.path)
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
            .dataCorrupted(let context):
            return PlanError(
                PlainWords.of(error), file: url.path, line: node(at: context.codingPath)?.line)
        @unknown default: return PlanError(PlainWords.of(error), file: url.path)
        }
    }

    private func check(_ node: PlanNode, against known: PlanNode, at path: String) throws {
        guard let entries = node.entries, let others = known.entries else { return }
        for entry in entries where entry.value.content != .nothing {
            guard let other = known[entry.key] else {
                let near = suggestion(for: entry.key, among: others.map(\.key))
                throw PlanError(
                    "unknown key ‘\(path)\(entry.key)’"
                        + (near.map { "; did you mean ‘\($0)’?" } ?? ""),
                    file: url.path, line: entry.line)
            }
            try check(entry.value, against: other, at: path + entry.key + ".")
        }
    }

    /// An error about a key.
    func error(_ message: String, at key: String?) -> PlanError {
        PlanError(
            message, file: url.path,
            line: key.flatMap { key in root.entries?.first { $0.key == key }?.line })
    }
}
