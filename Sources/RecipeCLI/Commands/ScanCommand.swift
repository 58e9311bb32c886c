import ArgumentParser
import Foundation
import RecipeKit
import Scanning

struct ScanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan",
        abstract: "Look for code, traps and contradictions in files before anything loads them.",
        discussion: """
            Reads every file, whatever its name: pickles in any container, archives, configs, weights. \
            Runs nothing of it. Exit code 0: nothing found; 1: something was found; 2: something could \
            not be examined, or there was nothing to examine. Notes alone do not change it.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, json, sarif
    }

    @Argument(help: "Files and folders.")
    var paths: [URL]
    @Option(help: "How to print the result: text, json or sarif.")
    var format = Format.text
    @Flag(help: "List every name that pickles import, safe ones too (json always does).")
    var globals = false
    @Flag(help: "Leave the values of tensors unread: headers, directories and pickles only.")
    var headersOnly = false

    func run() throws {
        var scanner = Scanner()
        scanner.readsValues = !headersOnly
        let report = scanner.scan(paths)
        switch format {
        case .text: Console.standard.write(report.text(listsGlobals: globals))
        case .json: Console.standard.write(try json(report))
        case .sarif: Console.standard.write(try json(SARIFLog(report, version: RecipeKit.version)))
        }
        switch report.status {
        case .clean: break
        case .findings: throw RecipeCLI.ExitStatusError(status: .found)
        case .incomplete: throw RecipeCLI.ExitStatusError(status: .failed)
        }
    }
}
