import Documents
import Evaluation

/// A model's line in the table of results.
struct EvaluationRow: Sendable {
    let name: String
    /// Nil where models have none.
    let pooler: PoolerPolicy?
    let filter: AttackSuccess.Filter
    /// In percent, as are the other metrics.
    let accuracy: ReportTable.Cell
    let aasr: ReportTable.Cell
    let masr: ReportTable.Cell
    /// AASR less the floor's, from -1 to 1.
    let excess: Double?
    /// Whether this is the clean model.
    let isFloor: Bool

    init(
        name: String, seeds: [SeedResult], pooler: PoolerPolicy?, filter: AttackSuccess.Filter,
        excess: Double?, isFloor: Bool
    ) {
        self.name = name
        self.pooler = pooler
        self.filter = filter
        self.excess = excess
        self.isFloor = isFloor
        accuracy = .percent(seeds.map(\.accuracy))
        aasr = .percent(MeanDeviation(seeds.compactMap(\.aasr)))
        masr = .percent(seeds.compactMap { $0.strongest?.best?.proportion })
    }
}

extension ReportTable.Cell {
    /// One share with its interval, or the scatter of several; an undefined one is left out.
    static func percent(_ proportions: [Proportion]) -> Self {
        let defined = proportions.filter { $0.total > 0 }
        guard defined.count == 1, let percent = defined[0].percent,
            let interval = defined[0].interval
        else { return .percent(MeanDeviation(defined.compactMap(\.rate))) }
        return .interval(
            percent, low: 100 * interval.low, high: 100 * interval.high, decimals: 2)
    }

    /// The mean of rates from 0 to 1, with their deviation where there is one.
    static func percent(_ rates: MeanDeviation?) -> Self {
        guard let rates else { return .missing }
        guard let deviation = rates.deviation else {
            return .number(100 * rates.mean, decimals: 2)
        }
        return .deviation(mean: 100 * rates.mean, deviation: 100 * deviation, decimals: 2)
    }

    /// The cell as a bar from 0 to 100, what belongs to its value as a whisker.
    var percentBar: BarChart.Bar? {
        switch self {
        case .text, .missing: nil
        case .number(let value, _): BarChart.Bar(value)
        case .deviation(let mean, let deviation, _):
            BarChart.Bar(
                mean,
                // A damaged report may hold rates that are none.
                interval: (0...100).contains(mean)
                    ? max(0, mean - deviation)...min(100, mean + deviation) : nil)
        case .interval(let value, let low, let high, _): BarChart.Bar(value, interval: low...high)
        }
    }
}
