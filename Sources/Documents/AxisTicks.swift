import DataPipeline
import Foundation

/// A chart's axis: the range it spans, the places of its marks, and what they are labelled.
struct AxisTicks: Equatable {
    /// The smallest and the largest value that the axis shows.
    let range: ClosedRange<Double>
    /// The marks, in rising order, all within ``range``.
    let values: [Double]
    /// A label a mark; no two are the same.
    let labels: [String]
    /// Whether equal distances are equal factors.
    let logarithmic: Bool

    /// Marks at round numbers for `values`, of which the finite ones count; 0 to 1 without any.
    ///
    /// - Parameters:
    ///   - includingZero: Whether the axis begins at 0, as that of bars does.
    ///   - counting: Whether the values count something, such as epochs: where all are whole, no
    ///     mark stands between two of them.
    static func linear(
        for values: some Sequence<Double>, count: Int = 5, includingZero: Bool = false,
        counting: Bool = false
    ) -> AxisTicks {
        var range = span(of: values) ?? 0...1
        if includingZero { range = min(0, range.lowerBound)...max(0, range.upperBound) }
        range = widened(range)
        // Dividing first cannot overflow where the difference of two huge numbers does.
        let parts = Double(max(2, count))
        var step = niceStep(range.upperBound / parts - range.lowerBound / parts)
        if counting, step < 1, values.allSatisfy({ $0 == $0.rounded() }) { step = 1 }
        guard step.isFinite, step > 0 else { return ends(of: range) }
        let first = (range.lowerBound / step).rounded(.up)
        let last = (range.upperBound / step).rounded(.down)
        guard first.isFinite, last.isFinite, last - first <= 4 * parts,
            first + 1 > first
        else { return ends(of: range) }
        let marks = stride(from: first, through: last, by: 1).map { $0 * step }
        return AxisTicks(range: range, marks: marks, step: step)
    }

    /// Marks at powers of ten for the positive ones of `values`.
    static func logarithmic(for values: some Sequence<Double>) -> AxisTicks {
        guard let span = span(of: values.filter { $0 > 0 }) else {
            return AxisTicks(
                range: 1...10, values: [1, 10], labels: ["1", "10"], logarithmic: true)
        }
        let low = log10(span.lowerBound).rounded(.down)
        var high = log10(span.upperBound).rounded(.up)
        if high <= low { high = low + 1 }
        let decades = high - low
        let stride = max(1, (decades / 6).rounded(.up))
        var marks: [Double] = []
        for power in Swift.stride(from: low, through: high, by: stride) {
            let decade = pow(10, power)
            marks += decades <= 2 ? [decade, 2 * decade, 5 * decade] : [decade]
        }
        let bottom = max(pow(10, low), .leastNonzeroMagnitude)
        let top = min(pow(10, high), .greatestFiniteMagnitude)
        let shown = marks.filter { $0 >= bottom && $0 <= top && $0.isFinite }
        // At the ends of what a double can hold, powers of ten run out.
        guard shown.count > 1 else { return ends(of: bottom...top, logarithmic: true) }
        return AxisTicks(
            range: bottom...top, values: shown, labels: shown.map { NumberText.short($0) },
            logarithmic: true)
    }

    /// Where on the axis a value stands, 0 at its beginning and 1 at its end; nothing for a value
    /// that the axis cannot show.
    func position(of value: Double) -> Double? {
        guard value.isFinite, !logarithmic || value > 0 else { return nil }
        let place: (Double) -> Double = logarithmic ? { log10($0) / 2 } : { $0 / 2 }
        let low = place(range.lowerBound), high = place(range.upperBound)
        let position = (place(value) - low) / (high - low)
        return position.isFinite ? min(max(position, 0), 1) : nil
    }

    private init(range: ClosedRange<Double>, values: [Double], labels: [String], logarithmic: Bool)
    {
        self.range = range
        self.values = values
        self.labels = labels
        self.logarithmic = logarithmic
    }

    /// Labels with as many decimals as the step needs, or in exponents where those are many.
    private init(range: ClosedRange<Double>, marks: [Double], step: Double) {
        let largest = marks.map(abs).max() ?? 0
        let decimals = Self.decimals(of: step)
        let plain = largest < 1e6 && decimals <= 6
        let labels = marks.map { mark in
            plain
                ? NumberText.fixed(mark, decimals: decimals)
                : NumberText.short(
                    mark, digits: 1 + max(0, Int(log10(largest / step).rounded(.up))))
        }
        // Below what a double can tell apart, marks fall together.
        guard Set(labels).count == labels.count, !labels.isEmpty else {
            self = Self.ends(of: range)
            return
        }
        self.init(range: range, values: marks, labels: labels, logarithmic: false)
    }

    /// How many decimals write `step` in full: 0 for 20, 1 for 2.5, 2 for 0.05.
    private static func decimals(of step: Double) -> Int {
        (0...12).first { places in
            let scaled = step * pow(10, Double(places))
            return scaled > 0.5 && abs(scaled - scaled.rounded()) < 1e-6 * scaled
        } ?? 13
    }

    private static func ends(of range: ClosedRange<Double>, logarithmic: Bool = false) -> AxisTicks
    {
        let ends = [range.lowerBound, range.upperBound]
        let labels = ends.map { NumberText.short($0, digits: 17) }
        return AxisTicks(range: range, values: ends, labels: labels, logarithmic: logarithmic)
    }

    private static func span(of values: some Sequence<Double>) -> ClosedRange<Double>? {
        let finite = values.filter(\.isFinite)
        guard let low = finite.min(), let high = finite.max() else { return nil }
        return low...high
    }

    /// The range, made wide enough that a flat line has an axis.
    private static func widened(_ range: ClosedRange<Double>) -> ClosedRange<Double> {
        let largest = max(abs(range.lowerBound), abs(range.upperBound))
        let half = range.upperBound / 2 - range.lowerBound / 2
        guard half <= largest * 1e-12 || largest < 1e-290 else { return range }
        let margin = largest < 1e-290 ? 1 : largest * 0.05
        let limit = Double.greatestFiniteMagnitude
        return max(range.lowerBound - margin, -limit)...min(range.upperBound + margin, limit)
    }

    /// The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below `step`.
    private static func niceStep(_ step: Double) -> Double {
        guard step > 0, step.isFinite else { return 0 }
        let power = pow(10, log10(step).rounded(.down))
        guard power > 0 else { return 0 }
        let factor = [1, 2, 2.5, 5].first { step <= $0 * power * (1 + 1e-9) } ?? 10
        return factor * power
    }
}
