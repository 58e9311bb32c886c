import ArgumentParser
import Checkpoints
import DataPipeline
import Files
import Foundation
import ModelZoo
import Provenance

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that a model can stand in for another, and say which tensors changed.",
        discussion: """
            Compares everything that a loader could read: all files of both folders, names, shapes \
            and types of tensors, then every byte, also outside of the tensors. Exit code 0: a \
            drop-in replacement; 1: it is not, or something in it was not in the first and is not \
            accounted for; 2: something could not be examined. Where the model after carries a proof \
            (purification.json), both folders are compared with it too; with one model, that one's \
            files are compared with its own proof.
            """)

    @Argument(help: "The model before: a folder, or for images also a single weights file.")
    var before: URL
    @Argument(help: "The model after; without it, the first is checked by its proof alone.")
    var after: URL?
    @OptionGroup var chosen: WeightsOption
    @Option(help: "An in-toto statement that purify --attest wrote, to be compared too.")
    var attestation: URL?
    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    func run() throws { try chosen.reading { try verify() } }

    private func verify() throws {
        guard let after else { return try verifyAlone() }
        let kind = try ModelKind(at: before)
        let comparison = try FolderComparison(
            before: ModelFolder.open(before, of: kind), after: ModelFolder.open(after, of: kind)
        ) { try $0.spelling(of: $1, as: kind) }
        var proof = try ProofCheck(before: before, after: after, attestation: attestation)
        proof.compare(
            changed: comparison.changed.map {
                Proof.TensorChange(
                    file: $0.file, name: $0.name, difference: $0.relativeDifference,
                    norm: $0.normRatio)
            }, unchanged: comparison.unchanged)
        switch format {
        case .json:
            Console.standard.write(try json(Verification(comparison: comparison, proof: proof)))
        case .text: Console.standard.write(lines: text(comparison, proof))
        }
        if !comparison.dropIn || proof.state == .differs {
            throw RecipeCLI.ExitStatusError(status: .found)
        }
    }

    /// Compares a model with its own proof.
    private func verifyAlone() throws {
        let proof = try ProofCheck(before: nil, after: before, attestation: attestation)
        guard proof.state != .none else {
            throw FileError(
                path: before.path, "carries no \(Proof.file)",
                advice: "name the model before and the model after")
        }
        switch format {
        case .json: Console.standard.write(try json(["proof": proof]))
        case .text: Console.standard.write(lines: proof.lines)
        }
        if proof.state == .differs { throw RecipeCLI.ExitStatusError(status: .found) }
    }

    /// What `--format json` prints: the comparison's fields, and the proof's beside them.
    private struct Verification: Encodable {
        var comparison: FolderComparison
        var proof: ProofCheck

        private enum CodingKeys: String, CodingKey { case proof }

        func encode(to encoder: any Encoder) throws {
            try comparison.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(proof, forKey: .proof)
        }
    }

    private func text(_ found: FolderComparison, _ proof: ProofCheck) -> [String] {
        var lines = found.violations.map { "✗ " + $0 }
        lines += found.changed.map {
            "~ \($0.name): ‖Δ‖/‖W‖ "
                + NumberText.fixed($0.relativeDifference, decimals: 4) + ", ‖W′‖/‖W‖ "
                + NumberText.fixed($0.normRatio, decimals: 4)
        }
        lines += found.changedFields.map {
            "~ \($0.file): ‘\($0.field)’ \($0.before ?? "(none)") → \($0.after ?? "(none)")"
        }
        lines += found.changedFiles.filter { !proof.accounted.contains($0) }.map {
            "~ the file \($0) differs"
        }
        lines += found.records.filter { !proof.accounted.contains($0) }.map {
            "+ \($0) says how the model came to be"
        }
        lines += found.omitted.map { "- \($0.file) is left out: \($0.reason)" }
        if proof.state != .none { lines += proof.lines }
        lines.append(
            "\(found.changed.count) tensors changed, \(found.unchanged) are the same to the bit; "
                + (found.dropIn ? "a drop-in replacement" : "not a drop-in replacement"))
        return lines
    }
}
