import ArgumentParser
import Attacks
import Checkpoints
import DataPipeline
import Documents
import Files
import Foundation
import Host
import ModelZoo
import Provenance
import RecipeKit
import Torch
import TorchNN
import Training

extension URL: @retroactive ExpressibleByArgument {
    /// A path on the command line.
    public init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        self.init(fileURLWithPath: (argument as NSString).expandingTildeInPath)
    }
}

extension Precision: ExpressibleByArgument {}
extension TokenMasking.Masks: ExpressibleByArgument {}

/// How a result is printed.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case text, json
}

/// Options of every command that computes.
struct ComputeOptions: ParsableArguments {
    @Option(help: "Where to compute: auto, cpu, cuda or cuda:INDEX.")
    var device = "auto"

    @Option(
        name: .customLong("precision"),
        help: """
            Type of activations and frozen weights: auto, fp32 or bf16; by default auto where a model \
            is trained or pruned, and fp32 where one is only read.
            """)
    var givenPrecision: Precision?

    @Option(help: "Processor threads; by default all cores.")
    var threads: Int?

    func validate() throws {
        if let threads { try validatePositive(("--threads", threads)) }
        let kind = device.lowercased().split(separator: ":", omittingEmptySubsequences: false)
        let isIndexed = kind.count == 2 && kind[0] == "cuda" && UInt16(kind[1]) != nil
        guard isIndexed || ["auto", "cpu", "cuda"].contains(device.lowercased()) else {
            throw ValidationError("--device \(device): expected auto, cpu, cuda or cuda:INDEX")
        }
    }

    /// The device, with the threads set.
    func prepare() throws -> Device {
        if let shortage = AddressSpace.shortage() { throw TrainingError(shortage) }
        if let threads { try Hardware.setThreadCount(threads) }
        let chosen = try Device.named(device)
        if givenPrecision == .bf16, chosen == .cpu, !Hardware.hasFastBFloat16 {
            Console.standard.warn(
                "this processor has no bfloat16 arithmetic and emulates it slowly; "
                    + "--precision auto computes in fp32 here")
        }
        return chosen
    }
}

/// Options of every command that reads auxiliary texts.
struct AuxiliaryOptions: ParsableArguments {
    @Option(
        parsing: .upToNextOption,
        help: "Unlabelled texts: .txt, .tsv, .csv, .jsonl or wikiextractor files, or folders.")
    var auxiliary: [URL] = []

    @Option(help: "Column or key that holds the text; by default sentence, text or caption.")
    var textColumn: String?

    @Option(help: "Use at most this many texts.")
    var sentences: Int?

    @Option(help: "Leave out texts with fewer words.")
    var minWords = 0

    func validate() throws {
        try validatePositive(("--sentences", sentences ?? 1))
        try validateCount("--min-words", minWords)
    }

    /// The options that were given, by their names.
    var given: [String] {
        [
            auxiliary.isEmpty ? nil : "--auxiliary", textColumn.map { _ in "--text-column" },
            sentences.map { _ in "--sentences" }, minWords > 0 ? "--min-words" : nil,
        ].compactMap { $0 }
    }

    /// The files and folders that are read.
    var inputs: [URL] { auxiliary }

    /// Reads the texts.
    func read() throws -> TextCorpus {
        try TextCorpus.read(
            auxiliary, textColumn: textColumn, limit: sentences, minimumWords: minWords)
    }
}

/// Options of every command that writes a model.
struct OutputOptions: ParsableArguments {
    @Option(name: [.short, .customLong("output")], help: "The folder to write.")
    var output: URL

    @Flag(help: "Replace the output folder, and its records, where they exist.")
    var force = false

    @Option(help: "Where the run's records go; by default OUTPUT.run.")
    var run: URL?

    @Flag(help: "Leave fields that make loaders run code (auto_map) out of the output.")
    var dropCode = false

    /// What the input is opened for.
    var examination: ModelFolder.Examination { dropCode ? .useWithoutCode : .use }
}

/// Options of commands that can be interrupted and taken up again.
struct SnapshotOptions: ParsableArguments {
    @Option(
        help: """
            Steps between snapshots in the run folder; 0 writes none but where the run is \
            interrupted.
            """)
    var snapshotEvery = 0

    @Flag(help: "Go on from the run folder's snapshot, exactly where it was made.")
    var resume = false

    @Flag(
        help: """
            With --resume: go on although the inputs, the settings, the software or the snapshot \
            changed since.
            """)
    var acceptChanges = false

    func validate() throws {
        try validateCount("--snapshot-every", snapshotEvery)
        if acceptChanges, !resume {
            throw ValidationError("--accept-changes goes with --resume")
        }
    }
}

/// Where a masked-language-model head comes from.
struct HeadOptions: ParsableArguments {
    @Option(
        help: "Masked-language-model head: keep the model's, a fresh one, or that of a FOLDER.")
    var mlmHead = "keep"

    /// The folder that is read.
    var inputs: [URL] {
        if case .folder(let url) = source { [url] } else { [] }
    }

    /// The source.
    var source: TextModelFolder.HeadSource { TextModelFolder.HeadSource(mlmHead) }
}

/// The triggers of a list, as the usage error that a bad list is.
func parsedTriggers(_ list: String, option: String = "--triggers") throws -> [String] {
    do {
        return try TriggerSet.parse(list)
    } catch {
        throw ValidationError("\(option): \(PlainWords.of(error))")
    }
}

/// The patches of a list, as the usage error that a bad list is, with a `remark`.
func parsedPatches(
    _ list: String, option: String, remark: String = ""
) throws -> [PatchTrigger] {
    do {
        return try PatchTrigger.parse(list)
    } catch {
        throw ValidationError("\(option): \(PlainWords.of(error))\(remark)")
    }
}
