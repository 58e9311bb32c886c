import DataPipeline

extension SVGChart {
    private static let barHeight = 16.0
    private static let groupGap = 12.0

    /// Horizontal bars in groups, each with its value at its end and a whisker where it has one.
    func render(_ chart: BarChart) -> String {
        let bars = chart.series.flatMap { $0.bars.compactMap { $0 } }.filter(\.value.isFinite)
        guard !bars.isEmpty, !chart.categories.isEmpty else { return empty(title: chart.title) }
        let ends = bars.flatMap { bar in
            [bar.value] + (bar.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
        }
        let axis = AxisTicks.linear(for: ends, includingZero: true)
        let colors = chart.series.indices.map {
            Self.color($0, of: chart.series.count, .categorical)
        }
        let entries = zip(chart.series, colors).map { (name: $0.name, color: $1) }
        let legend = Self.legend(chart.series.count > 1 ? entries : [], top: 4)
        let widest = chart.categories.map { Self.width(of: $0) }.max() ?? 0
        let frame = BarFrame(
            axis: axis, left: 16 + min(widest, 220), top: legend.height + 8,
            groupHeight: Double(chart.series.count) * Self.barHeight + Self.groupGap,
            groups: chart.categories.count)
        var content = legend.elements + scale(frame, title: chart.valueTitle)
        for (group, category) in chart.categories.enumerated() {
            let top = frame.top + Double(group) * frame.groupHeight + Self.groupGap / 2
            let middle = top + Double(chart.series.count) * Self.barHeight / 2
            content.append(
                .label(
                    Self.fitted(category, to: 220), at: (frame.left - 8, middle + 4), anchor: "end")
            )
            for (place, series) in chart.series.enumerated()
            where series.bars.indices.contains(group) {
                guard let bar = series.bars[group] else { continue }
                let name = chart.series.count > 1 ? "\(category), \(series.name)" : category
                content += draw(
                    bar, name: name, color: colors[place], decimals: chart.decimals,
                    top: top + Double(place) * Self.barHeight, in: frame)
            }
        }
        return drawing(
            height: frame.bottom + 46, title: chart.title,
            description: "\(chart.valueTitle) of \(chart.categories.joined(separator: ", ")).",
            content)
    }

    private func draw(
        _ bar: BarChart.Bar, name: String, color: String, decimals: Int, top: Double,
        in frame: BarFrame
    ) -> [SVGElement] {
        guard let end = frame.x(bar.value), let zero = frame.x(0) else { return [] }
        let value = NumberText.fixed(bar.value, decimals: decimals)
        var elements = [
            SVGElement.box(
                x: min(zero, end), y: top + 1, width: max(abs(end - zero), 0.5),
                height: Self.barHeight - 2, style: "fill:\(color)", tooltip: "\(name): \(value)")
        ]
        var labelPlace = max(end, zero)
        if let interval = bar.interval, let low = frame.x(interval.lowerBound),
            let high = frame.x(interval.upperBound)
        {
            let middle = top + Self.barHeight / 2
            elements.append(.line((low, middle), (high, middle), "whisker"))
            for place in [low, high] {
                elements.append(.line((place, middle - 3), (place, middle + 3), "whisker"))
            }
            labelPlace = max(labelPlace, high)
        }
        elements.append(.label(value, at: (labelPlace + 5, top + Self.barHeight - 4)))
        return elements
    }

    private func scale(_ frame: BarFrame, title: String) -> [SVGElement] {
        var elements: [SVGElement] = []
        for (value, label) in zip(frame.axis.values, frame.axis.labels) {
            guard let x = frame.x(value) else { continue }
            elements.append(.line((x, frame.top), (x, frame.bottom), value == 0 ? "axis" : "grid"))
            elements.append(.label(label, at: (x, frame.bottom + 15), anchor: "middle"))
        }
        elements.append(
            .label(
                Self.fitted(title, to: frame.right - frame.left),
                at: ((frame.left + frame.right) / 2, frame.bottom + 34), anchor: "middle",
                "label axis-title"))
        return elements
    }
}

/// Where the parts of a bar chart stand.
private struct BarFrame {
    let axis: AxisTicks
    let left: Double
    let top: Double
    let groupHeight: Double
    let groups: Int
    /// Room for a value beyond the longest bar.
    var right: Double { SVGChart.width - 60 }
    var bottom: Double { top + Double(groups) * groupHeight }

    func x(_ value: Double) -> Double? {
        axis.position(of: value).map { left + $0 * (right - left) }
    }
}
