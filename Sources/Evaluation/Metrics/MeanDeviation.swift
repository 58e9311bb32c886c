/// The mean of some runs and how far they scatter.
public struct MeanDeviation: Sendable, Codable, Equatable {
    /// The arithmetic mean.
    public let mean: Double
    /// The sample standard deviation, with n - 1 below the sum; nil of a single run, which says
    /// nothing about scatter.
    public let deviation: Double?
    /// How many runs there are.
    public let count: Int

    /// The mean of `values`; nil of none.
    public init?(_ values: [Double]) {
        guard !values.isEmpty else { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        self.mean = mean
        count = values.count
        guard values.count > 1 else {
            deviation = nil
            return
        }
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation = (squares / Double(values.count - 1)).squareRoot()
    }
}
