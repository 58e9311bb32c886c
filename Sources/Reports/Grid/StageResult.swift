import Evaluation
import Experiments
import Foundation
import Training

/// A stage of a run, and what came of it.
public struct StageResult: Sendable {
    /// What came of a stage that is done.
    public enum Outcome: Sendable {
        /// A model was evaluated.
        case evaluation(EvaluationReport)
        /// A model was trained.
        case training(RunSummary)
        /// Neurons were counted.
        case neurons(NeuronCounts)
        /// Something that no table or figure shows.
        case other
        /// A report that cannot be read, and why.
        case unreadable(String)
    }

    /// How far a stage is.
    public typealias State = StageState

    /// Its name, unique in the run.
    public var name: String
    /// The command that it is, such as `evaluate`.
    public var command: String
    /// What tells it apart in tables, by label.
    public var labels: [String: String]
    /// How far it is.
    public var state: State
    /// Seconds it took; nil where it has not ended.
    public var seconds: Double?
    /// What came of it; nil where it is not done.
    public var outcome: Outcome?

    /// A stage as a run's record has it.
    public init(
        name: String, command: String, labels: [String: String], state: State,
        seconds: Double? = nil, outcome: Outcome? = nil
    ) {
        self.name = name
        self.command = command
        self.labels = labels
        self.state = state
        self.seconds = seconds
        self.outcome = outcome
    }

    var evaluation: EvaluationReport? {
        if case .evaluation(let report) = outcome { report } else { nil }
    }

    var training: RunSummary? {
        if case .training(let summary) = outcome { summary } else { nil }
    }

    var neurons: NeuronCounts? {
        if case .neurons(let counts) = outcome { counts } else { nil }
    }
}

/// What tables and figures show of an analysis of neurons: means over its triggers.
public struct NeuronCounts: Sendable, Equatable {
    /// What clean and poisoned samples activate in one model.
    public struct Model: Sendable, Equatable {
        /// Of the neurons that poisoned samples activate, the share that clean ones activate too,
        /// from 0 to 1 (paper, figure 2); nil where there are none.
        public var overlap: Double?
        /// How many neurons only poisoned samples activate (paper, table 10).
        public var onlyPoisoned: Double

        /// These counts.
        public init(overlap: Double?, onlyPoisoned: Double) {
            self.overlap = overlap
            self.onlyPoisoned = onlyPoisoned
        }
    }

    /// The model as it came.
    public var before: Model
    /// The purified model, where there was one.
    public var after: Model?

    /// The counts of one model or of two.
    public init(before: Model, after: Model? = nil) {
        self.before = before
        self.after = after
    }
}

extension NeuronCounts {
    /// The counts of a report of `recipe analyze`, by the aggregation that it shows first; nil where
    /// no trigger was analyzed.
    init?(_ report: NeuronReport) {
        let aggregation = report.settings.aggregation
        let before = report.triggers.compactMap { $0.before[aggregation]?.total }
        let after = report.triggers.compactMap { $0.after?[aggregation]?.total }
        guard let first = Self.mean(before) else { return nil }
        self.init(before: first, after: Self.mean(after))
    }

    private static func mean(_ totals: [NeuronOverlap]) -> Model? {
        guard let counts = MeanDeviation(totals.map(\.onlyPoisoned)) else { return nil }
        return Model(
            overlap: MeanDeviation(totals.compactMap(\.ratio))?.mean, onlyPoisoned: counts.mean)
    }
}
