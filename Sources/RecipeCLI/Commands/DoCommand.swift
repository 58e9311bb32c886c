import ArgumentParser
import Attacks
import Checkpoints
import Defenses
import Evaluation
import Foundation
import ModelZoo
import Torch
import Training
import Yams

struct DoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "do",
        abstract: "Do the work of a plan again.",
        discussion: """
            Every run of pretrain, attack and purify leaves a plan.yaml with all of its settings; this \
            does the same work from it. With the same files, on the same machine, the output is the \
            same to the byte.
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
        let header: WorkHeader = try file.decode()
        switch header.command {
        case .attack:
            let found = Attacks.all.first { $0.name == header.method }
            guard let variant = try found?.variant(for: kind(of: header)) else {
                throw file.error(
                    "there is no attack ‘\(header.method)’ on such a model", at: "method")
            }
            try attack(as: variant, header, file)
        case .pretrain:
            switch try kind(of: header) {
            case .texts: try pretrain(TextTask.self, header, file)
            case .images: try pretrain(ImageTask.self, header, file)
            case .pairs: try pretrain(PairTask.self, header, file)
            }
        case .purify:
            switch try kind(of: header) {
            case .texts: try purify(TextTask.self, header, file)
            case .images: try purify(ImageTask.self, header, file)
            case .pairs: try purify(PairTask.self, header, file)
            }
        }
    }

    /// What the work's samples are: the data say it, for a CLIP may be read for its tower of images.
    private func kind(of header: WorkHeader) throws -> ModelKind {
        if header.data.texts != nil { return .texts }
        guard header.data.pairs != nil else { return .images }
        // A defense that trains nothing reads the images of pairs alone.
        let isPruning =
            header.command == .purify
            && Defenses.all.first { $0.name == header.method }
                .map { !($0.settings(CLIP.paperDefaults) is any TrainedDefense) } == true
        return isPruning ? .images : .pairs
    }

    // MARK: Each command

    private func attack<Method: Attack>(
        as _: Method, _ header: WorkHeader, _ file: WorkFile
    ) throws {
        let work: Work<Method, Method.Task.Settings> = try file.decode()
        try within(work, header) { runner, session in
            try runner.attack(work, source(of: work, file), in: session)
        }
    }

    private func pretrain<Task: PretrainingTask>(
        _: Task.Type, _ header: WorkHeader, _ file: WorkFile
    ) throws {
        let work: Work<Pretraining, Task.Settings> = try file.decode()
        try within(work, header) { runner, session in
            let source: Task.Source? = work.beginning == nil ? try source(of: work, file) : nil
            try runner.pretrain(Task.self, work, source, in: session)
        }
    }

    private func purify<Task: PretrainingTask>(
        _ task: Task.Type, _ header: WorkHeader, _ file: WorkFile
    ) throws {
        guard let method = Defenses.all.first(where: { $0.name == header.method }) else {
            throw file.error(
                "there is no defense ‘\(header.method)’: expected one of "
                    + Defenses.all.map(\.name).joined(separator: ", "), at: "method")
        }
        // Any family's settings are of the defense's type, which is all that is asked of them.
        try purify(task, as: method.settings(CLIP.paperDefaults), header, file)
    }

    private func purify<Task: PretrainingTask, Method: Defense>(
        _ task: Task.Type, as _: Method, _ header: WorkHeader, _ file: WorkFile
    ) throws {
        let work: Work<Method, Task.Settings> = try file.decode()
        try within(work, header) { runner, session in
            try runner.purify(task, work, source(of: work, file), in: session)
        }
    }

    // MARK: What all have in common

    private func source<Source: TaskModel, Settings, Samples>(
        of work: Work<Settings, Samples>, _ file: WorkFile
    ) throws -> Source {
        guard let model = work.model else { throw file.error("names no model", at: nil) }
        return try Source.opened(
            at: URL(fileURLWithPath: model), for: work.files.dropsCode ? .useWithoutCode : .use)
    }

    private func within<Settings, Samples>(
        _ work: Work<Settings, Samples>, _ header: WorkHeader,
        _ body: (WorkRunner, WorkRunner.Session) throws -> Void
    ) throws {
        let output = output ?? URL(fileURLWithPath: work.output)
        let runner = WorkRunner(
            place: RunPlace(
                output: output, records: records ?? RunPlace.records(of: output), force: force,
                resumes: resume, acceptsChanges: false), format: format)
        try Hardware.setThreadCount(threads ?? min(work.threads, 4096))
        try runner.session(
            reading: header.inputs + [plan], weights: work.files.weights, .named(work.device)
        ) { try body(runner, $0) }
    }
}

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
        guard Value.self != WorkHeader.self else { return value }
        let known = try PlanFile.read(PlanText.of(value), file: url.path)
        try check(root, against: known, at: "")
        return value
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
