import Randomness

/// Which samples make up each batch of an epoch.
public struct BatchOrder: Sendable, Codable, Equatable {
    /// How samples are put into batches.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// As they come in the data.
        case sequential
        /// Shuffled anew each epoch.
        case shuffled
        /// Shuffled anew each epoch, then sorted by length within pools of many batches, so that
        /// a batch pads little; the batches themselves are shuffled again.
        case bucketed
    }

    /// How samples are put into batches.
    public var kind: Kind
    /// Samples a batch, at most.
    public var batchSize: Int

    /// Batches of one pool: large enough that lengths agree, small enough to stay random.
    static let poolBatches = 64

    /// An order of batches.
    public init(_ kind: Kind, batchSize: Int) {
        precondition(batchSize > 0, "a batch holds at least one sample")
        self.kind = kind
        self.batchSize = batchSize
    }

    /// Batches an epoch of `count` samples has.
    public func batchCount(of count: Int) -> Int { (count + batchSize - 1) / batchSize }

    /// The samples of each batch of an epoch; every sample appears once.
    ///
    /// Only the last batch that is cut is smaller than `batchSize`.
    public func batches(lengths: [Int], seed: Seed, epoch: Int) -> [[Int]] {
        var order = Array(lengths.indices)
        guard kind != .sequential else { return cut(order) }
        var stream = seed.stream("order", epoch)
        order.shuffle(using: &stream)
        guard kind == .bucketed else { return cut(order) }
        let pool = batchSize * Self.poolBatches
        for start in stride(from: 0, to: order.count, by: pool) {
            let range = start..<min(start + pool, order.count)
            // Ties keep their shuffled order, so that equal lengths still mix.
            let sorted = order[range].enumerated().sorted {
                (lengths[$0.element], $0.offset) < (lengths[$1.element], $1.offset)
            }
            order.replaceSubrange(range, with: sorted.map(\.element))
        }
        var batches = cut(order)
        batches.shuffle(using: &stream)
        return batches
    }

    private func cut(_ order: [Int]) -> [[Int]] {
        stride(from: 0, to: order.count, by: batchSize).map {
            Array(order[$0..<min($0 + batchSize, order.count)])
        }
    }
}
