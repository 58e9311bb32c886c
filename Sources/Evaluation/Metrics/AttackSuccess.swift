import Foundation

/// Counts how often triggers turn predictions (paper, section 4.1, "evaluation metrics").
///
/// With f the classifier and x + t a sample x with trigger t in it, of the samples whose true label
/// is not l, ASR(t, l) is the share for which f(x + t) = l; ASR(t) is its largest over labels,
/// AASR the mean and MASR the largest of ASR(t) over triggers.
public struct AttackSuccess: Sendable, Equatable {
    /// Which samples are counted.
    public enum Filter: String, Sendable, Codable, CaseIterable {
        /// All, as in the paper.
        case none
        /// Only those that the model gets right without a trigger, as Obliviate counts.
        case cleanCorrect = "clean-correct"
    }

    /// The true label of each sample.
    public let truth: [Int]
    /// The names of the labels; labels are their indices.
    public let labelNames: [String]
    /// The predicted label of each sample without a trigger.
    public let cleanPredictions: [Int]
    /// Which samples are counted.
    public let filter: Filter

    /// Counts over samples of these labels; an error where a label is none of `labelNames`, where
    /// there are not as many predictions as samples, or where there is no sample.
    public init(
        truth: [Int], cleanPredictions: [Int], labelNames: [String], filter: Filter = .none
    ) throws {
        guard !truth.isEmpty else {
            throw MetricError("there is no test sample: expected at least one")
        }
        self.truth = truth
        self.labelNames = labelNames
        self.cleanPredictions = cleanPredictions
        self.filter = filter
        try require(truth, are: "true labels")
        try require(cleanPredictions, are: "predictions without a trigger")
    }

    /// The share of samples that are classified correctly without a trigger.
    public var accuracy: Proportion {
        Proportion(of: zip(truth, cleanPredictions).lazy.map { $0 == $1 })
    }

    /// The success of one trigger, given the predicted label of each sample that carries it.
    ///
    /// `lost` is the number of insertions that truncation cut off again.
    public func result(
        of trigger: String, predictions: [Int], lost: Int = 0
    ) throws -> TriggerResult {
        try require(predictions, are: "predictions with the trigger ‘\(trigger)’")
        let counted = truth.indices.filter {
            filter == .none || cleanPredictions[$0] == truth[$0]
        }
        let perLabel = labelNames.indices.map { label in
            let others = counted.lazy.filter { truth[$0] != label }
            return LabelSuccess(
                label: labelNames[label],
                proportion: Proportion(of: others.map { predictions[$0] == label }))
        }
        let flip = Proportion(of: counted.lazy.map { predictions[$0] != cleanPredictions[$0] })
        return TriggerResult(trigger: trigger, lost: lost, perLabel: perLabel, flip: flip)
    }

    private func require(_ labels: [Int], are what: String) throws {
        guard labels.count == truth.count else {
            throw MetricError(
                "\(labels.count) \(what) for \(truth.count) samples: expected one a sample")
        }
        if let index = labels.firstIndex(where: { !labelNames.indices.contains($0) }) {
            throw MetricError(
                "\(what): sample \(index) has label \(labels[index]), but there are "
                    + "\(labelNames.count) labels, counted from 0; give a label column that fits "
                    + "the classifier")
        }
    }
}

/// How often one trigger makes a model answer one label.
public struct LabelSuccess: Sendable, Codable, Equatable {
    /// The name of the label.
    public let label: String
    /// ASR(t, l): of the samples whose true label is another, those that get this one. Undefined,
    /// with a total of 0, where there are none.
    public let proportion: Proportion

    /// The success `proportion` of `label`.
    public init(label: String, proportion: Proportion) {
        self.label = label
        self.proportion = proportion
    }
}

/// How well one trigger works.
public struct TriggerResult: Sendable, Codable, Equatable {
    /// The trigger.
    public let trigger: String
    /// Insertions that truncation cut off again; these samples count all the same.
    public let lost: Int
    /// ASR(t, l) of each label, in the labels' order.
    public let perLabel: [LabelSuccess]
    /// ASR(t): the label that the trigger leads to most often, the first of equals; nil where none
    /// is defined.
    public let best: LabelSuccess?
    /// Of the samples counted, those whose prediction the trigger changes in any way.
    public let flip: Proportion

    /// The result of `trigger`.
    public init(trigger: String, lost: Int, perLabel: [LabelSuccess], flip: Proportion) {
        self.trigger = trigger
        self.lost = lost
        self.perLabel = perLabel
        self.flip = flip
        best = perLabel.reduce(nil) { best, next in
            guard let rate = next.proportion.rate else { return best }
            guard let highest = best?.proportion.rate, highest >= rate else { return next }
            return best
        }
    }

    /// ASR(t) from 0 to 1; nil where no label is defined.
    public var rate: Double? { best?.proportion.rate }
}

/// Labels or predictions that cannot be counted.
public struct MetricError: Error, Sendable, Equatable, LocalizedError, CustomStringConvertible {
    /// What is wrong, what was expected and what to do.
    public let description: String

    /// An error that says `description`.
    public init(_ description: String) { self.description = description }

    /// The same as `description`.
    public var errorDescription: String? { description }
}
