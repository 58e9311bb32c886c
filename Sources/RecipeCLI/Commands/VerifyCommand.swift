import ArgumentParser
import Checkpoints
import Foundation
import ModelZoo

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that a model can stand in for another, and say which tensors changed.",
        discussion: """
            Compares everything that a loader could read: all files of both folders, names, shapes \
            and types of tensors, then every byte, also outside of the tensors. Exit code 0: a \
            drop-in replacement; 1: it is not, or something in it was not in the first and is not \
            accounted for; 2: something could not be examined.
            """)

    @Argument(help: "The model before: a folder, or for images also a single weights file.")
    var before: URL
    @Argument(help: "The model after.")
    var after: URL
    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    func run() throws {
        let kind = try ModelKind(at: before)
        let comparison = try FolderComparison(
            before: ModelFolder.open(before, of: kind), after: ModelFolder.open(after, of: kind)
        ) { try $0.spelling(of: $1, as: kind) }
        switch format {
        case .json: Console.standard.write(try json(comparison))
        case .text: Console.standard.write(lines: text(comparison))
        }
        if !comparison.dropIn { throw RecipeCLI.ExitStatusError(status: .found) }
    }

    private func text(_ found: FolderComparison) -> [String] {
        var lines = found.violations.map { "✗ " + $0 }
        lines += found.changed.map {
            "~ \($0.name): ‖Δ‖/‖W‖ "
                + String(format: "%.4f, ‖W′‖/‖W‖ %.4f", $0.relativeDifference, $0.normRatio)
        }
        lines += found.changedFields.map {
            "~ \($0.file): ‘\($0.field)’ \($0.before ?? "(none)") → \($0.after ?? "(none)")"
        }
        lines += found.changedFiles.map { "~ the file \($0) differs" }
        lines += found.records.map { "+ \($0) says how the model came to be" }
        lines += found.omitted.map { "- \($0.file) is left out: \($0.reason)" }
        lines.append(
            "\(found.changed.count) tensors changed, \(found.unchanged) are the same to the bit; "
                + (found.dropIn ? "a drop-in replacement" : "not a drop-in replacement"))
        return lines
    }
}
