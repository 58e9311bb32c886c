import Checkpoints
import DataPipeline
import Documents
import Files
import Foundation
import ModelZoo
import Provenance
import RecipeKit
import Reports
import Torch
import Training

/// What a run ran on, as `environment.json` has it.
struct RunEnvironment: Codable {
    var recipe = RecipeKit.version
    var commit = Tool.commit
    var libtorch = Hardware.libtorchVersion
    var instructionSet = Hardware.instructionSet
    var threads = Hardware.threadCount
    var device: String
    var system = ProcessInfo.processInfo.operatingSystemVersionString
    var arguments = CommandLine.arguments
    var date = ISO8601DateFormatter().string(from: Date())
}

extension RunDirectory {
    /// Opens a run's records: afresh, in place of an older run's with `force`, or going on with
    /// them where the run itself goes on.
    static func open(
        at url: URL, force: Bool, resuming: Bool, plan: some Encodable, device: Device
    ) throws -> RunDirectory {
        let snapshot = url.appendingPathComponent(Self.snapshot)
        if resuming, !FileManager.default.fileExists(atPath: snapshot.path) {
            Console.standard.warn("no snapshot in \(url.path): beginning from the start")
        }
        if force || resuming { clear(url, resuming: resuming) }
        let directory = try RunDirectory(at: url, continuing: resuming)
        directory.beginUnsettled()
        // First, for it is what a folder is told by to be a run's.
        try directory.write(environment: RunEnvironment(device: "\(device)"))
        try directory.write(plan: plan)
        return directory
    }

    /// Runs `body`; where it fails before its first event, takes the records away again.
    func removedIfNothingHappens<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            let manager = FileManager.default
            if !manager.fileExists(atPath: self[.events].path) {
                for file in [File.plan, .environment, .split] {
                    try? manager.removeItem(at: self[file])
                }
                // Only where it is empty: a folder of the user's own stays.
                rmdir(url.path)
            }
            throw error
        }
    }

    /// Writes what came of a training run, as data and to read.
    ///
    /// `data` names each file or folder of data and says how much it holds.
    func write(
        _ summary: RunSummary, title: String, output: URL, data: [(name: String, amount: String)]
    ) throws {
        let plan = try String(contentsOf: self[.plan], encoding: .utf8)
        let document = TrainingReport(
            title: title, output: output.path, summary: summary, sources: data, plan: plan
        ).document
        try write(report: summary)
        try write(markdown: MarkdownRenderer().render(document))
        try write(page: HTMLRenderer().render(document))
        try close()
    }
}

extension Console {
    /// Shows a caveat.
    func tell(_ caveat: Caveat) {
        // Images that were left out are named when they are read.
        if caveat.id != .samplesLeftOut { warn(caveat.text) }
    }

    /// Shows caveats, and gives them back.
    @discardableResult
    func telling(_ caveats: [Caveat]) -> [Caveat] {
        caveats.forEach(tell)
        return caveats
    }

    /// Says where a model was written, and what of the input is not in it or not changed.
    func writeOutput(_ output: URL, _ written: ModelFolder.WriteReport? = nil) {
        for note in written?.omitted ?? [] { warn("left out \(note)") }
        for note in written?.remarks ?? [] { warn("\(note)") }
        write(output.path)
    }
}

/// Writes a result into the records, where there are any, and prints it.
func publish(
    _ result: some Encodable, as document: ReportDocument, in records: RunDirectory?,
    _ format: OutputFormat
) throws {
    try keep(result, as: document, in: records)
    let console = Console.standard
    switch format {
    case .json: console.write(try json(result))
    case .text: console.write(document)
    }
}

/// Writes a result into the records, where there are any.
func keep(
    _ result: some Encodable, as document: ReportDocument, in records: RunDirectory?
) throws {
    try OutputClaim.ofReport?.inputs.check()
    try records?.write(report: result)
    try records?.write(markdown: MarkdownRenderer().render(document))
    try records?.write(page: HTMLRenderer().render(document))
    try records?.close()
}

/// A JSON text of a result, as `--format json` prints it.
func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return String(decoding: try encoder.encode(value), as: UTF8.self).jsonInPlainSight
}

/// Shows the events of a training run as progress.
final class TrainingProgress {
    private let console: Console
    private let title: String
    private var reporter: ProgressReporter?

    init(_ title: String, on console: Console) {
        self.title = title
        self.console = console
    }

    func show(_ event: TrainingEvent) {
        switch event {
        case .started(let start):
            reporter = ProgressReporter(title, total: start.steps, on: console)
            if start.firstStep > 0 {
                console.log("\(title): going on after step \(start.firstStep) of \(start.steps)")
            }
        case .step(let step):
            reporter?.update(
                completed: step.step, detail: "loss \(NumberText.short(step.loss))")
        case .epoch(let epoch):
            let ratios = epoch.normRatios.values
            guard !ratios.isEmpty else { break }
            let mean = ratios.reduce(0, +) / Double(ratios.count)
            let terms = epoch.terms.sorted { $0.key < $1.key }
                .map { "\($0.key) \(NumberText.short($0.value))" }.joined(separator: ", ")
            console.log(
                "\(title): epoch \(epoch.epoch): \(terms); ‖W(t)‖/‖W(0)‖ mean "
                    + String(
                        format: "%.3f, from %.3f to %.3f", mean, ratios.min() ?? 1,
                        ratios.max() ?? 1))
        case .finished:
            reporter?.finish()
        }
    }
}
