import ArgumentParser
import DataPipeline
import Documents
import Evaluation
import Files
import Foundation
import JSON
import Reports
import Training

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Put evaluations side by side, such as clean, without defense and purified.",
        discussion: """
            Reads the report.json of each folder that `recipe evaluate --report` wrote. With --clean, \
            that entry's attack success rate is the floor of the others.
            """)

    @Argument(help: "NAME=FOLDER for each evaluation, in the order of the table.")
    var evaluations: [String]
    @Option(help: "The NAME that is the clean model.")
    var clean: String?
    @Option(help: "The report's title.")
    var title = "Comparison"
    @Option(
        name: [.customShort("o"), .customLong("report"), .customLong("output")],
        help: "Folder for the report: JSON, Markdown and HTML.")
    var report: URL?
    @Flag(help: "Replace the report where it exists.")
    var force = false
    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    func validate() throws {
        let names = try entries().map(\.name)
        if let twice = names.enumerated().first(where: { names[..<$0].contains($1) })?.element {
            throw ValidationError("two evaluations are called ‘\(twice)’: give each its own name")
        }
        if let clean, !names.contains(clean) {
            throw ValidationError(
                "--clean \(clean): expected one of \(names.joined(separator: ", "))")
        }
    }

    private func entries() throws -> [(name: String, folder: URL)] {
        try evaluations.map { text in
            guard let sign = text.firstIndex(of: "="), sign != text.startIndex,
                let folder = URL(argument: String(text[text.index(after: sign)...]))
            else { throw ValidationError("‘\(text)’: expected NAME=FOLDER") }
            return (String(text[..<sign]), folder)
        }
    }

    func run() throws {
        if let report {
            try Inputs.refuse(output: report, touching: try entries().map(\.folder))
        }
        let comparison = try EvaluationComparison(
            title: title,
            entries: try entries().map { .init($0.name, try Self.read($0.folder)) },
            cleanEntry: clean)
        let document = EvaluationDocument(comparison).document
        if let report {
            let destination = try OutputFolder(
                destination: report, force: force, inputs: try entries().map(\.folder))
            let records = try RunDirectory(at: destination.staging)
            try records.write(report: comparison)
            try records.write(markdown: MarkdownRenderer().render(document))
            try records.write(page: HTMLRenderer().render(document))
            try destination.commit()
        }
        let console = Console.standard
        switch format {
        case .json: console.write(try json(comparison))
        case .text: console.write(document)
        }
    }

    private static func read(_ folder: URL) throws -> EvaluationReport {
        let isFile = folder.pathExtension == "json"
        let file =
            isFile ? folder : folder.appendingPathComponent(RunDirectory.File.report.rawValue)
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw DataError(
                file: file, "no such file; expected what `recipe evaluate --report` wrote")
        }
        do {
            return try JSONDecoder().decodeStrictly(
                EvaluationReport.self,
                from: BoundedRead.data(of: file, atMost: JSONValue.maximumFileBytes))
        } catch let error as JSONError {
            throw DataError(file: file, "is not an evaluation's report: \(error)")
        } catch let error as DecodingError {
            throw DataError(
                file: file,
                "is not an evaluation's report: \(PlainWords.of(error)); expected what "
                    + "`recipe evaluate --report` wrote, with one pooler")
        }
    }
}
