/// Lines over a common horizontal axis.
public struct LineChart: Sendable, Codable, Equatable {
    /// One line.
    public struct Series: Sendable, Codable, Equatable {
        /// What the line is.
        public var name: String
        /// Its points, in the order they are joined; a gap where one is not finite.
        public var points: [Point]

        /// Makes a line of points.
        public init(_ name: String, _ points: [Point]) {
            self.name = name
            self.points = points
        }

        /// Makes a line of values at 0, 1, 2, …
        public init(_ name: String, values: [Double]) {
            self.init(name, values.enumerated().map { Point(Double($0), $1) })
        }
    }

    /// One point of a line.
    public struct Point: Sendable, Codable, Equatable {
        /// The place on the horizontal axis.
        public var x: Double
        /// The value.
        public var y: Double
        /// Where the whisker begins and ends, if there is one.
        public var interval: ClosedRange<Double>?

        /// Makes a point.
        public init(_ x: Double, _ y: Double, interval: ClosedRange<Double>? = nil) {
            self.x = x
            self.y = y
            self.interval = interval
        }
    }

    /// How lines are told apart.
    public enum Palette: String, Sendable, Codable {
        /// Distinct colours, for lines without an order.
        case categorical
        /// One colour getting stronger, for lines with an order such as layers.
        case sequential
    }

    /// What the chart shows.
    public var title: String
    /// What is on the horizontal axis, with its unit.
    public var xTitle: String
    /// What is on the vertical axis, with its unit.
    public var yTitle: String
    /// The lines.
    public var series: [Series]
    /// Whether the vertical axis is logarithmic; values that are not positive are then left out.
    public var logarithmic: Bool
    /// Whether the vertical axis, where it is not logarithmic, begins at 0.
    public var includesZero: Bool
    /// How the lines are told apart.
    public var palette: Palette

    /// Makes a chart.
    public init(
        _ title: String, xTitle: String, yTitle: String, series: [Series],
        logarithmic: Bool = false, includesZero: Bool = false, palette: Palette = .categorical
    ) {
        self.title = title
        self.xTitle = xTitle
        self.yTitle = yTitle
        self.series = series
        self.logarithmic = logarithmic
        self.includesZero = includesZero
        self.palette = palette
    }
}

/// Bars in groups, one group a category.
public struct BarChart: Sendable, Codable, Equatable {
    /// One bar's value.
    public struct Bar: Sendable, Codable, Equatable {
        /// The value; no bar where it is not finite.
        public var value: Double
        /// Where the whisker begins and ends, if there is one.
        public var interval: ClosedRange<Double>?

        /// Makes a bar.
        public init(_ value: Double, interval: ClosedRange<Double>? = nil) {
            self.value = value
            self.interval = interval
        }
    }

    /// The bars of one colour.
    public struct Series: Sendable, Codable, Equatable {
        /// What the bars are.
        public var name: String
        /// A bar a category; no bar where there is none.
        public var bars: [Bar?]

        /// Makes a series of bars.
        public init(_ name: String, _ bars: [Bar?]) {
            self.name = name
            self.bars = bars
        }

        /// Makes a series of plain values.
        public init(_ name: String, values: [Double]) {
            self.init(name, values.map { Bar($0) })
        }
    }

    /// What the chart shows.
    public var title: String
    /// What the bars measure, with its unit.
    public var valueTitle: String
    /// The groups' names, top to bottom.
    public var categories: [String]
    /// The bars of each group.
    public var series: [Series]
    /// How many decimals the values are shown with.
    public var decimals: Int

    /// Makes a chart.
    public init(
        _ title: String, valueTitle: String, categories: [String], series: [Series],
        decimals: Int = 1
    ) {
        self.title = title
        self.valueTitle = valueTitle
        self.categories = categories
        self.series = series
        self.decimals = decimals
    }
}

/// A grid of values shown as colours, such as the attack success rate by trigger and label.
public struct HeatMap: Sendable, Codable, Equatable {
    /// What the chart shows.
    public var title: String
    /// What the rows are.
    public var rowTitle: String
    /// What the columns are.
    public var columnTitle: String
    /// The rows' names, top to bottom.
    public var rows: [String]
    /// The columns' names, left to right.
    public var columns: [String]
    /// The values, row by row; nothing where nothing was measured.
    public var values: [[Double?]]
    /// The values of the weakest and the strongest colour; by default those of the data.
    public var range: ClosedRange<Double>?
    /// How many decimals the values are shown with.
    public var decimals: Int

    /// Makes a grid.
    public init(
        _ title: String, rowTitle: String, columnTitle: String, rows: [String], columns: [String],
        values: [[Double?]], range: ClosedRange<Double>? = nil, decimals: Int = 1
    ) {
        self.title = title
        self.rowTitle = rowTitle
        self.columnTitle = columnTitle
        self.rows = rows
        self.columns = columns
        self.values = values
        self.range = range
        self.decimals = decimals
    }

    /// The finite value of a cell, if there is one.
    func value(_ row: Int, _ column: Int) -> Double? {
        guard values.indices.contains(row), values[row].indices.contains(column),
            let value = values[row][column], value.isFinite
        else { return nil }
        return value
    }
}
