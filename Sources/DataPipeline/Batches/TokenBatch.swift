/// Token sequences of one batch, one behind the other, with what is to be predicted.
///
/// There is no padding: what a model does to tokens one by one it does to all of them at once, and
/// attention is told where each row begins. Plain values: a loader makes it on any thread, and the
/// compute side makes tensors of it.
public struct TokenBatch: Sendable {
    /// Token ids of all rows.
    public let ids: [Int64]
    /// Where each row begins in `ids`, and behind the last row where it ends: `rows` + 1 numbers.
    public let offsets: [Int]
    /// The segment of each token, or empty where all are of segment 0.
    public var segments: [Int64] = []
    /// Places to predict, as indices into `ids`, in ascending order.
    public var predicted: [Int64] = []
    /// The token to predict at each of `predicted`.
    public var predictedLabels: [Int64] = []
    /// The class of each row, where rows have classes.
    public var classes: [Int64] = []
    /// The trigger in each row, counted from 0, or -1 for a clean row; empty where all are clean.
    public var triggers: [Int] = []

    /// Rows of the batch.
    public var rows: Int { offsets.count - 1 }
    /// Tokens of a row.
    public func length(of row: Int) -> Int { offsets[row + 1] - offsets[row] }
    /// The row that each token belongs to.
    public var rowOfToken: [Int] {
        (0..<rows).flatMap { repeatElement($0, count: length(of: $0)) }
    }

    /// A batch of `sequences`.
    public init(_ sequences: [[Int32]]) {
        ids = sequences.joined().map(Int64.init)
        offsets = sequences.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    }

    /// A batch of masked sequences.
    public init(_ sequences: [TokenMasking.Masked]) {
        self.init(sequences.map(\.ids))
        for (start, sequence) in zip(offsets, sequences) {
            predicted += sequence.positions.map { Int64(start + $0) }
            predictedLabels += sequence.labels.map(Int64.init)
        }
    }
}
