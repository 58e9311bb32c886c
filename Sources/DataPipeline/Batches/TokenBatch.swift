/// Token sequences of one batch, padded to the longest of them, with what is to be predicted.
///
/// Plain values: a loader makes it on any thread, and the compute side makes tensors of it.
public struct TokenBatch: Sendable {
    /// Token ids, `rows` × `width`, row-major, padded at the end of each row.
    public let ids: [Int64]
    /// Tokens of each row, without padding.
    public let lengths: [Int]
    /// The longest row.
    public let width: Int
    /// Places to predict, as indices into `ids`, in ascending order.
    public var predicted: [Int64] = []
    /// The token to predict at each of `predicted`.
    public var predictedLabels: [Int64] = []
    /// The class of each row, where rows have classes.
    public var classes: [Int64] = []
    /// The trigger in each row, counted from 0, or -1 for a clean row; empty where all are clean.
    public var triggers: [Int] = []

    /// Rows of the batch.
    public var rows: Int { lengths.count }
    /// Whether any row is shorter than `width`.
    public var isPadded: Bool { lengths.contains { $0 != width } }
    /// Tokens without padding.
    public var tokenCount: Int { lengths.reduce(0, +) }

    /// A batch of `sequences`, padded with `padding` to the longest (or to `width`, if greater).
    public init(_ sequences: [[Int32]], padding: Int32, width minimum: Int = 0) {
        let width = max(minimum, sequences.map(\.count).max() ?? 0)
        var ids = [Int64](repeating: Int64(padding), count: sequences.count * width)
        for (row, sequence) in sequences.enumerated() {
            for (column, id) in sequence.enumerated() { ids[row * width + column] = Int64(id) }
        }
        self.ids = ids
        self.width = width
        lengths = sequences.map(\.count)
    }
}
