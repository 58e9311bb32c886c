import ArgumentParser
import DataPipeline
import Defenses
import Foundation
import TorchNN

extension ActivationStatistic: ExpressibleByArgument {}
extension PrunedNeurons.Mask: ExpressibleByArgument {}

/// How a model is purified.
enum PurificationMethod: ExpressibleByArgument, CaseIterable {
    case recipe
    case pruning(FinePruning.Method)

    static var allCases: [PurificationMethod] {
        [.recipe] + FinePruning.Method.allCases.map { .pruning($0) }
    }

    /// The method's name on the command line.
    var name: String {
        switch self {
        case .recipe: "recipe"
        case .pruning(let method): method.rawValue
        }
    }

    init?(argument: String) {
        guard let found = Self.allCases.first(where: { $0.name == argument }) else { return nil }
        self = found
    }

    var defaultValueDescription: String { name }
    static var allValueStrings: [String] { allCases.map(\.name) }
}

/// Which defense, and what goes with fine-pruning alone.
struct MethodOptions: ParsableArguments {
    @Option(
        help: """
            The defense: recipe, or pruning of the neurons that the data activate least: of the last \
            layer (fp), of all layers moderately (fp-gm) or aggressively (fp-ga).
            """)
    var method = PurificationMethod.recipe

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

    func validate() throws { try validatePositive(("--prune", prune ?? 1)) }

    /// The options of pruning that were given, by their names.
    var given: [String] {
        [
            statistic.map { _ in "--statistic" }, mask.map { _ in "--mask" },
            prune.map { _ in "--prune" },
        ].compactMap { $0 }
    }

    /// Refuses options that are about pruning where nothing is pruned, and `trained`, those that are
    /// about training, where nothing is trained.
    func check(trained: [String?]) throws {
        switch method {
        case .recipe:
            if let option = given.first {
                throw ValidationError("\(option) goes with --method fp, fp-gm or fp-ga")
            }
        case .pruning(let method):
            if let option = trained.compactMap({ $0 }).first {
                throw ValidationError(
                    "\(option) is about training, but --method \(method.rawValue) trains nothing")
            }
        }
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
        _ = try kept()
        if let stopRatio, !(stopRatio > 0 && stopRatio < 1) {
            throw ValidationError(
                "--stop-ratio \(NumberText.exact(stopRatio)): expected a number between 0 and 1")
        }
    }

    /// The options that were given, by their names.
    var given: [String?] {
        [keepEpochs.map { _ in "--keep-epochs" }, stopRatio.map { _ in "--stop-ratio" }]
    }

    /// The epochs after which the model is kept; nil for none.
    func kept() throws -> KeptEpochs? {
        guard let keepEpochs, keepEpochs != "all" else { return keepEpochs.map { _ in .all } }
        let numbers = keepEpochs.split(separator: ",", omittingEmptySubsequences: false).map {
            Int($0.trimmingCharacters(in: .whitespaces))
        }
        let epochs = numbers.compactMap { $0 }.filter { $0 > 0 }
        guard epochs.count == numbers.count else {
            throw ValidationError(
                "--keep-epochs \(keepEpochs): expected numbers from 1 with commas between, or all")
        }
        return .chosen(Set(epochs))
    }
}
