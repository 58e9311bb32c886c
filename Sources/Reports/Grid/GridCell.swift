import Documents
import Evaluation
import Experiments
import Foundation

/// A number of a table: the mean over all runs that belong to it, and how sure it is.
///
/// Rates and excess are in percent.
public struct GridCell: Sendable, Codable, Equatable {
    /// How far the stages are that belong to it.
    public enum State: String, Sendable, Codable {
        /// All are done.
        case measured
        /// Some are done.
        case partial
        /// None is done, and one failed or left no readable report.
        case failed
        /// None is done, and one is at work.
        case running
        /// None has begun.
        case waiting
        /// There is no such stage, or it does not measure this.
        case missing
    }

    /// Whether it is the best of its group.
    public enum Mark: String, Sendable, Codable {
        /// The best, and told apart from all others.
        case best
        /// The best, or not told apart from it.
        case tied
    }

    /// How far the stages are.
    public var state: State
    /// The names of the stages that belong to it.
    public var stages: [String]
    /// The values that the mean is over.
    public var values: [Double]
    /// Their mean.
    public var mean: Double?
    /// Their sample standard deviation; nil of a single one.
    public var deviation: Double?
    /// The lower end of Wilson's 95 % interval of a single share.
    public var low: Double?
    /// The upper end of Wilson's 95 % interval of a single share.
    public var high: Double?
    /// Half of the width of its 95 % interval: of Wilson's for the number of test samples, or
    /// Student's over runs, whichever is the wider.
    public var uncertainty: Double?
    /// The clean model's AASR; nil where there is none, and of the clean model itself.
    public var floor: Double?
    /// The paper's number.
    public var paper: Double?
    /// Whether it is the best of its group.
    public var mark: Mark?

    /// The metric `metric` of `stages`, whose attack success has the floor `floor`, in percent.
    init(_ metric: ReportMetric, of stages: [StageResult], floor: Double?) {
        let measured = stages.map { Measurement.list(metric, of: $0, floor: floor) }
        let all = measured.flatMap { $0 }
        self.stages = stages.map(\.name)
        self.floor = floor
        state = Self.state(of: stages, measured: measured.count { !$0.isEmpty })
        values = all.map(\.value)
        guard let summary = MeanDeviation(values) else { return }
        mean = summary.mean
        deviation = summary.deviation
        let sampling = all.compactMap(\.share).compactMap { share in
            share.interval.map { 50 * ($0.high - $0.low) }
        }
        let scatter = summary.deviation.map {
            $0 * StudentQuantile.of(freedom: values.count - 1) / Double(values.count).squareRoot()
        }
        uncertainty = [MeanDeviation(sampling)?.mean, scatter].compactMap { $0 }.max()
        if all.count == 1, all[0].isShare, let interval = all[0].share?.interval {
            (low, high) = (100 * interval.low, 100 * interval.high)
        }
    }

    private static func state(of stages: [StageResult], measured: Int) -> State {
        if stages.isEmpty { return .missing }
        if measured == stages.count { return .measured }
        if measured > 0 { return .partial }
        let isLost = stages.contains { stage in
            if case .unreadable = stage.outcome { true } else { stage.state == .failed }
        }
        if isLost { return .failed }
        if stages.contains(where: { $0.state == .running }) { return .running }
        return stages.contains { $0.state == .waiting } ? .waiting : .missing
    }

    /// The cell as a table shows it; in the place of a number that is not there, why.
    func shown(decimals: Int) -> ReportTable.Cell {
        guard let mean else {
            return state == .missing || state == .measured
                ? .missing : .text(InlineText([.emphasis(state.rawValue)]))
        }
        if let deviation {
            return .deviation(mean: mean, deviation: deviation, decimals: decimals)
        }
        if let low, let high { return .interval(mean, low: low, high: high, decimals: decimals) }
        return .number(mean, decimals: decimals)
    }

    /// Where the whisker of a bar or point is: a deviation to either side, or Wilson's interval.
    var spread: ClosedRange<Double>? {
        guard let mean else { return nil }
        let ends =
            deviation.map { (mean - $0, mean + $0) }
            ?? low.flatMap { low in
                high.map { (low, $0) }
            }
        guard let ends, ends.0 <= ends.1 else { return nil }
        return ends.0...ends.1
    }
}

/// One value of a metric, and the share of samples that says how sure it is.
private struct Measurement {
    var value: Double
    var share: Proportion?
    /// Whether the value is that share itself, and not a mean over triggers.
    var isShare = false

    static func list(
        _ metric: ReportMetric, of stage: StageResult, floor: Double?
    ) -> [Measurement] {
        if metric.isOfNeurons {
            return [stage.neurons.flatMap { value(metric, of: $0) }].compactMap { $0 }
                .map { Measurement(value: $0) }
        }
        guard let report = stage.evaluation else { return [] }
        let own = report.reference?.summary.aasr.map { 100 * $0.mean }
        return report.seeds.compactMap { seed in
            one(metric, of: seed, floor: floor ?? own)
        }
    }

    private static func one(
        _ metric: ReportMetric, of seed: SeedResult, floor: Double?
    ) -> Measurement? {
        // A mean over triggers is at least as sure as one of them.
        let one = seed.triggers.compactMap(\.best?.proportion).first { $0.total > 0 }
        switch metric {
        case .acc:
            return seed.accuracy.percent.map {
                Measurement(value: $0, share: seed.accuracy, isShare: true)
            }
        case .masr:
            guard let share = seed.strongest?.best?.proportion else { return nil }
            return share.percent.map { Measurement(value: $0, share: share, isShare: true) }
        case .aasr:
            return seed.aasr.map { rate in
                Measurement(
                    value: 100 * rate, share: one.flatMap { Self.share(rate, of: $0.total) })
            }
        case .excess:
            guard let rate = seed.aasr, let floor else { return nil }
            return Measurement(
                value: 100 * rate - floor, share: one.flatMap { Self.share(rate, of: $0.total) })
        case .overlapBefore, .overlapAfter, .onlyPoisonedBefore, .onlyPoisonedAfter: return nil
        }
    }

    private static func share(_ rate: Double, of total: Int) -> Proportion? {
        guard (0...1).contains(rate), total > 0 else { return nil }
        return Proportion(Int((rate * Double(total)).rounded()), of: total)
    }

    private static func value(_ metric: ReportMetric, of counts: NeuronCounts) -> Double? {
        switch metric {
        case .overlapBefore: counts.before.overlap.map { 100 * $0 }
        case .overlapAfter: counts.after?.overlap.map { 100 * $0 }
        case .onlyPoisonedBefore: counts.before.onlyPoisoned
        case .onlyPoisonedAfter: counts.after?.onlyPoisoned
        case .acc, .aasr, .masr, .excess: nil
        }
    }
}

/// The two-sided 95 % quantiles of Student's distribution.
enum StudentQuantile {
    private static let table = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
        2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
        2.052, 2.048, 2.045, 2.042,
    ]

    /// The quantile of so many degrees of freedom; the normal distribution's of more than 30.
    static func of(freedom: Int) -> Double {
        table.indices.contains(freedom - 1) ? table[freedom - 1] : 1.960
    }
}
