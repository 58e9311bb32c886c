import ArgumentParser
import DataPipeline
import Defenses
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

    func validate() throws {
        try validatePositive(("--prune", prune ?? 1))
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
    var overlays: [SettingsOverlay] {
        [
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
