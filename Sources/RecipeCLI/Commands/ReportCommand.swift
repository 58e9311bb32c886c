import ArgumentParser
import DataPipeline
import Documents
import Evaluation
import Experiments
import Files
import Foundation
import Reports
import Training
import Yams

/// How a run's report is printed.
enum ReportFormat: String, CaseIterable, ExpressibleByArgument {
    case text, markdown, csv, json, none
}

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Lay out the tables and figures of a run of many stages.",
        discussion: """
            Reads the folder that `recipe run -o` writes, also while the run goes on, and lays it \
            out as the plan's report section says. With -o, writes report.md with its \
            drawings in figures/, report.html (one page that needs no network), report.json, and \
            results.csv with a line for each number. With \
            --tensorboard, writes the curves of all training as event files; for this RUN may also be \
            the folder of a single training run, or its events.jsonl.
            """)

    @Argument(help: ArgumentHelp("The folder of a run.", valueName: "run"))
    var folder: URL
    @Option(name: [.short, .customLong("output")], help: "The folder to write.")
    var output: URL?
    @Flag(help: "Replace the output folder where it exists.")
    var force = false
    @Option(help: "A YAML file whose report section is used instead of the plan's own.")
    var layout: URL?
    @Option(help: "Folder for TensorBoard's event files.")
    var tensorboard: URL?
    @Option(help: "How to print the report: text, markdown, csv, json or none.")
    var format = ReportFormat.text

    func run() throws {
        let record = folder.appendingPathComponent(GridRecord.fileName)
        let isGrid = FileManager.default.fileExists(atPath: record.path)
        if let tensorboard {
            try writeCurves(to: tensorboard)
            if !isGrid, output == nil, layout == nil { return }
        }
        let results = try GridResults(folder: folder)
        let report = GridReport(results, plan: try layout.map(Self.plan))
        let document = report.document
        if let output { try write(report, document, to: output) }
        let console = Console.standard
        switch format {
        case .text: console.write(document)
        case .markdown: console.write(MarkdownRenderer().render(document))
        case .csv: console.write(CSVRenderer().render(report.cells))
        case .json: console.write(try json(report))
        case .none: break
        }
    }

    private func write(
        _ report: GridReport, _ document: ReportDocument, to output: URL
    ) throws {
        let destination = try OutputFolder(
            destination: output, force: force,
            inputs: ["stages", GridRecord.fileName].map { folder.appendingPathComponent($0) }
                + [layout].compactMap { $0 })
        let records = try RunDirectory(at: destination.staging)
        try records.write(report: report)
        let drawings = "figures"
        try records.write(markdown: MarkdownRenderer(drawings: drawings).render(document))
        try write(
            SVGRenderer().render(document),
            to: destination.staging.appendingPathComponent(drawings, isDirectory: true))
        try records.write(page: HTMLRenderer().render(document))
        try atomicWrite(
            Data(CSVRenderer().render(report.cells).utf8),
            to: destination.staging.appendingPathComponent("results.csv"))
        try destination.commit()
        Console.standard.log("wrote \(output.path)")
    }

    private func write(_ drawings: [SVGRenderer.File], to folder: URL) throws {
        guard !drawings.isEmpty else { return }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for file in drawings {
            try atomicWrite(
                Data(file.content.utf8), to: folder.appendingPathComponent(file.name))
        }
    }

    // MARK: Layout

    private struct Layout: Decodable { var report: ReportPlan }

    private static func plan(_ file: URL) throws -> ReportPlan {
        let text: String
        do {
            text = try String(contentsOf: file, encoding: .utf8)
        } catch {
            throw DataError(file: file, "cannot be read: \(PlainWords.of(error))")
        }
        do {
            return try YAMLDecoder().decode(Layout.self, from: text).report
        } catch DecodingError.dataCorrupted(let context) where context.underlyingError != nil {
            let reason = context.underlyingError.map(PlainWords.of) ?? ""
            throw DataError(file: file, "is no valid YAML: \(reason)")
        } catch {
            throw DataError(file: file, "has no report section to lay out: \(PlainWords.of(error))")
        }
    }

    // MARK: TensorBoard

    private func writeCurves(to output: URL) throws {
        let logs = Self.logs(in: folder)
        guard !logs.isEmpty else {
            throw DataError(
                file: folder, "holds no events.jsonl; expected the folder of a run that trains")
        }
        var written = 0
        for log in logs {
            do {
                let curves = try TrainingScalars(file: log.file, start: log.start)
                try curves.write(to: output.appendingPathComponent(log.name))
                written += curves.runs.count
            } catch let error as DataError where logs.count > 1 {
                Console.standard.warn(error.description)
            }
        }
        Console.standard.log(
            "wrote the curves of \(written) training runs; to see them: tensorboard --logdir "
                + output.path)
    }

    /// The events below `run`, each with the name of its folder there.
    private static func logs(in run: URL) -> [(file: URL, name: String, start: Date)] {
        let name = RunDirectory.File.events.rawValue
        let root = run.standardizedFileURL
        var files: [URL] = []
        if root.lastPathComponent == name {
            files = [root]
        } else {
            let found = FileManager.default.enumerator(
                at: root, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
            for case let file as URL in found?.allObjects ?? []
            where file.lastPathComponent == name {
                files.append(file.standardizedFileURL)
            }
        }
        let prefix = root.lastPathComponent == name ? root.deletingLastPathComponent() : root
        return files.sorted { $0.path < $1.path }.map { file in
            let parts = file.deletingLastPathComponent().pathComponents
                .dropFirst(prefix.pathComponents.count)
            let made = try? file.resourceValues(forKeys: [.creationDateKey]).creationDate
            return (
                file, parts.filter { $0 != "stages" }.joined(separator: "/"),
                made ?? Date(timeIntervalSince1970: 0)
            )
        }
    }
}
