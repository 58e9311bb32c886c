import ArgumentParser
import Audits
import DataPipeline
import Defenses
import Files
import Foundation
import JSON
import TorchNN
import Training

extension ActivationStatistic: ExpressibleByArgument {}
extension PrunedNeurons.Mask: ExpressibleByArgument {}

/// A defense by its name.
struct MethodName: ExpressibleByArgument {
    let method: DefenseMethod

    init?(argument: String) {
        guard let found = Defenses.all.first(where: { $0.name == argument }) else { return nil }
        method = found
    }

    static let recipe = MethodName(argument: "recipe")
    var defaultValueDescription: String { method.name }
    static var allValueStrings: [String] { Defenses.all.map(\.name) }
}

/// Which defense, and settings that are its own.
struct MethodOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The defense: "
                + Defenses.all.map { "\($0.name) (\($0.abstract))" }.joined(separator: ", ")
                + "; recipe unless said otherwise.", valueName: "method"))
    var method: MethodName?

    @Option(
        help: """
            Mean activation that decides which neurons are pruned: signed (transformers) or absolute, \
            both before the activation function, or post (VGG), behind it.
            """)
    var statistic: ActivationStatistic?

    @Option(
        help: """
            Whether pruned neurons may grow back in fine-tuning (initial) or are held at zero by \
            `recipe evaluate` (frozen): initial.
            """)
    var mask: PrunedNeurons.Mask?

    @Option(help: "Neurons to prune, in place of the method's share of them.")
    var prune: Int?

    @Option(
        help: """
            Words that unlearn puts into texts beside random ones: a report of `recipe audit` \
            (report.json or its folder), or a file of them, one a line.
            """)
    var suspects: URL?

    func validate() throws {
        try validatePositive(("--prune", prune ?? 1))
    }

    /// The suspects of a report or a list.
    private func suspectedWords() throws -> [String]? {
        guard let suspects else { return nil }
        var isFolder: ObjCBool = false
        let stands = FileManager.default.fileExists(
            atPath: suspects.path, isDirectory: &isFolder)
        let file =
            stands && isFolder.boolValue
            ? suspects.appendingPathComponent("report.json") : suspects
        guard file.pathExtension == "json" else { return try TextCorpus.read([file]).texts }
        do {
            let data = try BoundedRead.data(of: file, atMost: 64 << 20)
            let report = try JSONDecoder().decodeStrictly(AuditReport.self, from: data)
            return report.findings.filter { [.word, .phrase].contains($0.kind) }
                .map { $0.tokens ?? $0.name }
        } catch let error as FileError {
            throw DataError(error)
        } catch let error as DecodingError {
            throw DataError(file: file, "is no report of recipe audit: \(error.plainText)")
        } catch let error as JSONError {
            throw DataError(file: file, "is no report of recipe audit: \(error)")
        }
    }

    /// The defense that was chosen.
    var chosen: DefenseMethod {
        get throws {
            guard let found = method?.method ?? Defenses.all.first else {
                throw ValidationError("there is no defense")
            }
            return found
        }
    }

    /// The settings that were given.
    func overlays() throws -> [SettingsOverlay] {
        try [
            suspectedWords().map {
                SettingsOverlay("--suspects", ["suspects"], .array($0.map { .string($0) }))
            },
            statistic.map { SettingsOverlay("--statistic", ["statistic"], .string($0.rawValue)) },
            mask.map { SettingsOverlay("--mask", ["mask"], .string($0.rawValue)) },
            prune.map { SettingsOverlay("--prune", ["count"], .integer($0)) },
        ].compactMap { $0 }
    }
}

/// When a run ends early, and which models it keeps on the way.
struct DynamicsOptions: ParsableArguments {
    @Option(
        help: """
            Epochs after which the model is kept in OUTPUT.epochs, such as 1,2,4, or all.
            """)
    var keepEpochs: String?

    @Option(help: "End the run when the mean ‖W(t)‖/‖W(0)‖ has fallen to this, between 0 and 1.")
    var stopRatio: Double?

    func validate() throws {
        _ = try KeptEpochs(keepEpochs)
        if let stopRatio, !(stopRatio > 0 && stopRatio < 1) {
            throw ValidationError(
                "--stop-ratio \(NumberText.exact(stopRatio)): expected a number between 0 and 1")
        }
    }
}

extension KeptEpochs {
    /// What `1,2,4` or `all` says; nil for nothing.
    init?(_ text: String?) throws {
        guard let text else { return nil }
        guard text != "all" else {
            self = .all
            return
        }
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map {
            Int($0.trimmingCharacters(in: .whitespaces))
        }
        let epochs = numbers.compactMap { $0 }.filter { $0 > 0 }
        guard epochs.count == numbers.count else {
            throw ValidationError(
                "--keep-epochs \(text): expected numbers from 1 with commas between, or all")
        }
        self = .chosen(Set(epochs))
    }
}
