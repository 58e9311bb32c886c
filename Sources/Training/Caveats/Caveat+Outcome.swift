import DataPipeline
import Foundation

extension Caveat {
    /// What guessing costs a pre-training loss: the loss's name, and the logarithm of how many there
    /// are to choose from.
    public struct Guessing: Sendable {
        /// The name of the loss's term.
        public var term: String
        /// How many classes, tokens or captions there are.
        public var choices: Int

        /// Of so many choices.
        public init(_ term: String, among choices: Int) {
            self.term = term
            self.choices = choices
        }
    }

    /// What is to be said of a run after its end.
    ///
    /// - Parameters:
    ///   - weight: λ; where it is above 0 norms have to fall.
    ///   - guessing: What the pre-training loss would be by chance; nil where there is none.
    public static func of(
        _ run: RunSummary, weight: Double, guessing: Guessing?
    ) -> [Caveat] {
        [
            weight > 0 ? normsKept(run.normRatios) : nil,
            guessing.flatMap { lossKept(run.curve, $0.term) },
            guessing.flatMap { untrained(run.curve, $0) },
        ].compactMap { $0 }
    }

    private static func normsKept(_ ratios: [String: Double]) -> Caveat? {
        guard !ratios.isEmpty else { return nil }
        let mean = ratios.values.reduce(0, +) / Double(ratios.count)
        guard mean >= CaveatBounds.normsKept else { return nil }
        return Caveat(
            .normsKept,
            "the norms did not fall: ‖W‖ is at \(NumberText.fixed(mean, decimals: 3)) of its start in "
                + "the mean, so that a backdoor is likely to be there still; more steps or a higher "
                + "rate shrink them", figure: mean)
    }

    private static func lossKept(_ curve: [RunSummary.Point], _ term: String) -> Caveat? {
        let losses = curve.compactMap { $0.terms[term] }
        guard losses.count > 2, let least = losses.min(), let most = losses.max(),
            most - least <= CaveatBounds.lossMoved * abs(most)
        else { return nil }
        return Caveat(
            .lossKept,
            "the loss ‘\(term)’ was \(NumberText.short(most, digits: 4)) from the first step to the "
                + "last: nothing was learned", figure: most)
    }

    private static func untrained(_ curve: [RunSummary.Point], _ guessing: Guessing) -> Caveat? {
        guard guessing.choices > 1, let first = curve.first?.terms[guessing.term] else {
            return nil
        }
        let chance = log(Double(guessing.choices))
        guard first >= CaveatBounds.guessing * chance else { return nil }
        return Caveat(
            .untrainedHead,
            "the loss ‘\(guessing.term)’ began at \(NumberText.short(first, digits: 3)), where "
                + "guessing among \(guessing.choices) is at \(NumberText.short(chance, digits: 3)): "
                + "the head is untrained, or the data are not what it was trained on", figure: first
        )
    }
}
