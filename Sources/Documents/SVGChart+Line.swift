import DataPipeline

extension SVGChart {
    /// Lines over a common axis, named at their ends where there is room and in a legend else.
    func render(_ chart: LineChart) -> String {
        let layout = LineLayout(chart)
        guard let layout else { return empty(title: chart.title) }
        var content = layout.legend.elements + axes(layout)
        var ends: [(index: Int, y: Double)] = []
        for (index, series) in chart.series.enumerated() {
            let color = Self.color(index, of: chart.series.count, chart.palette)
            let segments = layout.segments(of: series)
            content += segments.map { segment in trace(segment, color, name: series.name) }
            content += spreads(of: series, color, layout)
            if let last = segments.last?.last { ends.append((index, last.1)) }
        }
        if layout.labelsEnds { content += endLabels(ends, layout) }
        return drawing(
            height: layout.height, title: chart.title, description: description(of: chart), content)
    }

    private func trace(_ points: [(Double, Double)], _ color: String, name: String) -> SVGElement {
        let tooltip = SVGElement("title", text: name)
        if points.count == 1 {
            return SVGElement(
                "circle",
                [
                    ("cx", SVGElement.number(points[0].0)), ("cy", SVGElement.number(points[0].1)),
                    ("r", "3"), ("style", "fill:\(color)"),
                ], [tooltip])
        }
        let path = points.map { "\(SVGElement.number($0.0)),\(SVGElement.number($0.1))" }
        return SVGElement(
            "polyline",
            [
                ("class", "trace"), ("points", path.joined(separator: " ")),
                ("style", "stroke:\(color)"),
            ], [tooltip])
    }

    /// A whisker and a dot for each point that has an interval.
    private func spreads(
        of series: LineChart.Series, _ color: String, _ layout: LineLayout
    ) -> [SVGElement] {
        series.points.flatMap { point -> [SVGElement] in
            guard let interval = point.interval, let x = layout.x(point.x),
                let y = layout.y(point.y), let low = layout.y(interval.lowerBound),
                let high = layout.y(interval.upperBound)
            else { return [] }
            var whiskers = [SVGElement.line((x, low), (x, high), "spread")]
            whiskers += [low, high].map { .line((x - 3, $0), (x + 3, $0), "spread") }
            for index in whiskers.indices {
                whiskers[index].attributes.append(("style", "stroke:\(color)"))
            }
            let shown = [point.y, interval.lowerBound, interval.upperBound]
                .map { NumberText.short($0) }
            let dot = SVGElement(
                "circle",
                [
                    ("cx", SVGElement.number(x)), ("cy", SVGElement.number(y)), ("r", "3"),
                    ("style", "fill:\(color)"),
                ],
                [
                    SVGElement(
                        "title", text: "\(series.name): \(shown[0]) [\(shown[1]), \(shown[2])]")
                ])
            return whiskers + [dot]
        }
    }

    private func axes(_ layout: LineLayout) -> [SVGElement] {
        let chart = layout.chart
        var elements: [SVGElement] = []
        for (value, label) in zip(layout.vertical.values, layout.vertical.labels) {
            guard let y = layout.y(value) else { continue }
            elements.append(.line((layout.left, y), (layout.right, y), "grid"))
            elements.append(.label(label, at: (layout.left - 6, y + 4), anchor: "end"))
        }
        for (value, label) in zip(layout.horizontal.values, layout.horizontal.labels) {
            guard let x = layout.x(value) else { continue }
            elements.append(.line((x, layout.bottom), (x, layout.bottom + 4), "axis"))
            elements.append(.label(label, at: (x, layout.bottom + 17), anchor: "middle"))
        }
        elements.append(
            .line((layout.left, layout.bottom), (layout.right, layout.bottom), "axis"))
        let middle = (layout.left + layout.right) / 2
        elements.append(
            .label(
                Self.fitted(chart.xTitle, to: layout.right - layout.left),
                at: (middle, layout.bottom + 36), anchor: "middle", "label axis-title"))
        elements.append(
            .label(
                Self.fitted(chart.yTitle, to: Self.width - 12), at: (6, layout.top - 12),
                anchor: "start",
                "label axis-title"))
        return elements
    }

    /// Names beside the ends of the lines, moved apart where they would overlap.
    private func endLabels(_ ends: [(index: Int, y: Double)], _ layout: LineLayout) -> [SVGElement]
    {
        let series = layout.chart.series
        var labels: [SVGElement] = []
        var above = -Double.infinity
        let sorted = ends.sorted { $0.y < $1.y }
        // The lowest labels must still fit when those above have pushed them down.
        for (place, end) in sorted.enumerated() {
            let roomBelow = Double(sorted.count - 1 - place) * LineLayout.labelHeight
            let y = min(max(end.y, above + LineLayout.labelHeight), layout.bottom - roomBelow)
            above = y
            let color = Self.color(end.index, of: series.count, layout.chart.palette)
            labels.append(.line((layout.right + 4, y), (layout.right + 14, y), "key"))
            labels[labels.count - 1].attributes.append(("style", "stroke:\(color)"))
            labels.append(
                .label(
                    Self.fitted(series[end.index].name, to: LineLayout.widestLabel),
                    at: (layout.right + 18, y + 4)))
        }
        return labels
    }

    private func description(of chart: LineChart) -> String {
        let lines = chart.series.map { series in
            let values = series.points.map(\.y).filter(\.isFinite)
            guard let first = values.first, let last = values.last else {
                return "\(series.name): no data"
            }
            return "\(series.name): from \(NumberText.short(first)) to \(NumberText.short(last))"
        }
        return "\(chart.yTitle) by \(chart.xTitle). \(lines.joined(separator: "; "))."
    }
}

/// Where the parts of a line chart stand.
private struct LineLayout {
    static let labelHeight = 14.0
    static let widestLabel = 150.0
    /// More points than this a line are thinned, for the eye cannot see them.
    static let buckets = 600

    let chart: LineChart
    let horizontal: AxisTicks
    let vertical: AxisTicks
    let labelsEnds: Bool
    let legend: (elements: [SVGElement], height: Double)
    let left: Double
    let right: Double
    let top: Double
    let height: Double
    var bottom: Double { height - 46 }

    /// Nothing where no point can be shown.
    init?(_ chart: LineChart) {
        self.chart = chart
        let points = chart.series.flatMap(\.points).filter {
            $0.x.isFinite && $0.y.isFinite && (!chart.logarithmic || $0.y > 0)
        }
        guard !points.isEmpty else { return nil }
        horizontal = .linear(for: points.map(\.x), count: 8, counting: true)
        let values = points.flatMap { point in
            [point.y] + (point.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
        }
        vertical =
            chart.logarithmic
            ? .logarithmic(for: values)
            : .linear(for: values, includingZero: chart.includesZero)
        let count = chart.series.count
        labelsEnds = count > 1 && Double(count) * Self.labelHeight <= 230
        let entries = chart.series.enumerated().map { (index, series) in
            (name: series.name, color: SVGChart.color(index, of: count, chart.palette))
        }
        legend = SVGChart.legend(count > 1 && !labelsEnds ? entries : [], top: 4)
        let widest = chart.series.map { SVGChart.width(of: $0.name) }.max() ?? 0
        left = 14 + (vertical.labels.map { SVGChart.width(of: $0) }.max() ?? 0)
        right = SVGChart.width - (labelsEnds ? 24 + min(widest, Self.widestLabel) : 16)
        top = 30 + legend.height
        height = top + 230 + 46
    }

    func x(_ value: Double) -> Double? {
        horizontal.position(of: value).map { left + $0 * (right - left) }
    }

    func y(_ value: Double) -> Double? {
        vertical.position(of: value).map { bottom - $0 * (bottom - top) }
    }

    /// The line's stretches between gaps.
    func segments(of series: LineChart.Series) -> [[(Double, Double)]] {
        var segments: [[(Double, Double)]] = [[]]
        for point in series.points {
            if let x = x(point.x), let y = y(point.y) {
                segments[segments.count - 1].append((x, y))
            } else {
                segments.append([])
            }
        }
        return segments.filter { !$0.isEmpty }.map(thinned)
    }

    /// At most the first, lowest, highest and last point of each bucket, so that no peak is lost.
    private func thinned(_ points: [(Double, Double)]) -> [(Double, Double)] {
        guard points.count > 4 * Self.buckets else { return points }
        let size = (points.count + Self.buckets - 1) / Self.buckets
        return stride(from: 0, to: points.count, by: size).flatMap { start in
            let bucket = start..<min(start + size, points.count)
            let lowest = bucket.min { points[$0].1 < points[$1].1 } ?? start
            let highest = bucket.max { points[$0].1 < points[$1].1 } ?? start
            return Set([start, lowest, highest, bucket.upperBound - 1]).sorted().map { points[$0] }
        }
    }
}
