import Documents
import Evaluation
import Experiments
import Foundation
import Training

/// A figure of a run's results: one drawing or several, as its plan asks for.
public struct GridFigure: Sendable, Codable, Equatable {
    /// How it was asked for.
    public var plan: FigurePlan
    /// What it is called.
    public var title: String
    /// Curves, where it has any.
    public var lines: [LineChart] = []
    /// Bars, where it has any.
    public var bars: [BarChart] = []
    /// Grids of colours, where it has any.
    public var maps: [HeatMap] = []
    /// What a reader must know, such as what is missing.
    public var warnings: [String] = []

    /// Draws `stages` as `plan` says.
    public init(_ plan: FigurePlan, of stages: [StageResult]) {
        self.plan = plan
        title = plan.title ?? plan.figure.title
        let names = LabelNames(own: plan.names)
        let chosen = stages.filter { plan.where.matches($0.labels) && plan.figure.isOf($0) }
        // A curve runs through stages that differ; without `series` it is one.
        let groups = SeriesGroup.groups(
            of: chosen,
            by: plan.series.isEmpty && plan.figure != .curve
                ? SeriesGroup.differing(in: chosen) : plan.series, names: names)
        switch plan.figure {
        case .curve: lines = [curve(of: groups, names)]
        case .overlap: bars = [overlap(of: groups)]
        case .losses: lines = Self.losses(of: groups)
        case .norms: lines = Self.norms(of: groups)
        case .success: maps = groups.compactMap { success(of: $0) }
        }
        lines.removeAll { $0.series.allSatisfy(\.points.isEmpty) }
        bars.removeAll { $0.series.allSatisfy { $0.bars.allSatisfy { $0 == nil } } }
        let missing = chosen.filter { !$0.state.isFinished }
        if !missing.isEmpty {
            warnings.append(
                "not in it: "
                    + missing.prefix(8).map { "\($0.name) (\($0.state.rawValue))" }
                    .joined(separator: ", ")
                    + (missing.count > 8 ? " and \(missing.count - 8) more" : ""))
        }
        for stage in chosen {
            if case .unreadable(let reason) = stage.outcome {
                warnings.append("\(stage.name) has no readable report: \(reason)")
            }
        }
        if lines.isEmpty, bars.isEmpty, maps.isEmpty {
            warnings.append("there is nothing to draw yet")
        }
    }

    /// The drawings as blocks of a report.
    var blocks: [ReportBlock] {
        lines.map { .lineChart($0) } + bars.map { .barChart($0) } + maps.map { .heatMap($0) }
    }

    // MARK: Curves

    private func curve(of groups: [SeriesGroup], _ names: LabelNames) -> LineChart {
        let series = groups.flatMap { group in
            plan.y.map { metric -> LineChart.Series in
                let places = Dictionary(grouping: group.stages) { stage in
                    stage.labels[plan.x].flatMap(Double.init) ?? .nan
                }
                let points = places.keys.filter(\.isFinite).sorted().compactMap { place in
                    let cell = GridCell(metric, of: places[place] ?? [], floor: nil)
                    return cell.mean.map { LineChart.Point(place, $0, interval: cell.spread) }
                }
                let name = groups.count > 1 ? "\(metric.title), \(group.name)" : metric.title
                return LineChart.Series(name, points)
            }
        }
        let isCount = plan.y.allSatisfy(\.isCount)
        let metrics = plan.y.map(\.title).joined(separator: " and ")
        return LineChart(
            "\(metrics) by \(plan.x)", xTitle: plan.x, yTitle: isCount ? "neurons" : "%",
            series: series, includesZero: true)
    }

    /// A chart for each loss: they may differ by orders of magnitude.
    private static func losses(of groups: [SeriesGroup]) -> [LineChart] {
        let runs = groups.flatMap(\.runs)
        let names = runs.flatMap { $0.summary.curve.flatMap(\.terms.keys) }.distinct.sorted()
        return names.map { name in
            LineChart(
                "Loss: \(name)", xTitle: "step", yTitle: name,
                series: runs.map { run in
                    LineChart.Series(
                        run.name,
                        run.summary.curve.compactMap { point in
                            point.terms[name].map { .init(Double(point.step), $0) }
                        })
                }.filter { !$0.points.isEmpty })
        }
    }

    /// Matrix by matrix of a single run; of several, the mean of each with its smallest and largest.
    private static func norms(of groups: [SeriesGroup]) -> [LineChart] {
        let runs = groups.flatMap(\.runs).filter { !$0.summary.normRatios.isEmpty }
        guard let first = runs.first else { return [] }
        let series = runs.count == 1 ? matrices(of: first.summary) : runs.map(means)
        return [
            LineChart(
                runs.count == 1
                    ? "Norms relative to the input's"
                    : "Mean norm relative to the input's, from the smallest to the largest",
                xTitle: "epoch", yTitle: "‖W(t)‖ / ‖W(0)‖", series: series,
                palette: runs.count == 1 ? .sequential : .categorical)
        ]
    }

    private static func matrices(of summary: RunSummary) -> [LineChart.Series] {
        let names = summary.normRatios.keys.sorted {
            $0.compare($1, options: [.numeric, .literal]) == .orderedAscending
        }
        let titles = PurificationDocument.shortNames(names)
        return zip(names, titles).map { name, title in
            let points = summary.epochs.compactMap { epoch in
                epoch.normRatios[name].map { LineChart.Point(Double(epoch.epoch), $0) }
            }
            return LineChart.Series(title, [LineChart.Point(0, 1)] + points)
        }
    }

    private static func means(of run: SeriesGroup.Run) -> LineChart.Series {
        let points = run.summary.epochs.compactMap { epoch -> LineChart.Point? in
            let ratios = epoch.normRatios.values.filter(\.isFinite)
            guard let mean = MeanDeviation(ratios)?.mean, let low = ratios.min(),
                let high = ratios.max()
            else { return nil }
            return LineChart.Point(Double(epoch.epoch), mean, interval: low...high)
        }
        return LineChart.Series(run.name, [LineChart.Point(0, 1)] + points)
    }

    // MARK: Bars and grids

    private func overlap(of groups: [SeriesGroup]) -> BarChart {
        let metrics: [(String, ReportMetric)] = [
            ("before", .overlapBefore), ("after", .overlapAfter),
        ]
        return BarChart(
            "Overlap ratio before and after", valueTitle: "overlap ratio (%)",
            categories: groups.map(\.name),
            series: metrics.map { name, metric in
                BarChart.Series(
                    name,
                    groups.map { group in
                        let cell = GridCell(metric, of: group.stages, floor: nil)
                        return cell.mean.map { BarChart.Bar($0, interval: cell.spread) }
                    })
            }, decimals: 1)
    }

    /// The mean over all seeds of all stages; nothing where they differ in triggers or labels.
    private func success(of group: SeriesGroup) -> HeatMap? {
        let reports = group.stages.compactMap(\.evaluation)
        guard let first = reports.first, let triggers = first.seeds.first?.triggers.map(\.trigger),
            !triggers.isEmpty
        else { return nil }
        let alike = reports.filter {
            $0.labelNames == first.labelNames
                && $0.seeds.first?.triggers.map(\.trigger) == triggers
        }
        let rates = alike.map(\.labelRates)
        let values = triggers.indices.map { trigger in
            first.labelNames.indices.map { label -> Double? in
                MeanDeviation(rates.compactMap { $0[trigger][label]?.mean }).map { 100 * $0.mean }
            }
        }
        return HeatMap(
            "ASR (%): \(group.name)", rowTitle: "trigger", columnTitle: "label", rows: triggers,
            columns: first.labelNames, values: values, range: 0...100, decimals: 2)
    }
}

/// Stages that belong to one line, bar or drawing.
private struct SeriesGroup {
    struct Run {
        var name: String
        var summary: RunSummary
    }

    var name: String
    var stages: [StageResult]

    /// The training runs among them, each with a name of its own.
    var runs: [Run] {
        let trained = stages.compactMap { stage in stage.training.map { (stage.name, $0) } }
        return trained.map { Run(name: trained.count == 1 ? name : $0, summary: $1) }
    }

    /// Groups by the values of `labels`.
    static func groups(
        of stages: [StageResult], by labels: [String], names: LabelNames
    ) -> [SeriesGroup] {
        let keys = stages.map { stage in labels.map { stage.labels[$0] ?? "" } }
        return keys.distinct.map { key in
            let members = zip(stages, keys).filter { $1 == key }.map(\.0)
            let name = names(key.filter { !$0.isEmpty })
            return SeriesGroup(
                name: name.isEmpty ? members.first?.name ?? "" : name, stages: members)
        }
    }

    /// The labels that differ, the seed aside.
    static func differing(in stages: [StageResult]) -> [String] {
        Set(stages.flatMap(\.labels.keys)).subtracting(["seed"]).sorted().filter { name in
            Set(stages.map { $0.labels[name] }).count > 1
        }
    }
}

extension FigurePlan.Kind {
    /// What a figure without a title is called.
    fileprivate var title: String {
        switch self {
        case .curve: "Accuracy and attack success"
        case .overlap: "Neurons that clean and poisoned samples both activate"
        case .losses: "Losses"
        case .norms: "Norms of the regularized weights"
        case .success: "Attack success by trigger and label"
        }
    }

    /// Whether a stage can be in the figure.
    fileprivate func isOf(_ stage: StageResult) -> Bool {
        switch self {
        case .curve, .success: stage.isEvaluation
        case .overlap: stage.isAnalysis
        case .losses: ["purify", "attack", "pretrain"].contains(stage.verb)
        case .norms: stage.verb == "purify"
        }
    }
}
