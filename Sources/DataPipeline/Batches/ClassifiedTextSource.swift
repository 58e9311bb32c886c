/// Batches for sequence classification over tokenized texts.
public struct ClassifiedTextSource: BatchSource {
    private let texts: [[Int32]]
    private let labels: [Int]
    private let lengths: [Int]
    private let order: BatchOrder
    private let padding: Int32
    private let seed: Seed

    /// Batches over `texts`, each with its class.
    public init(
        texts: [[Int32]], labels: [Int], order: BatchOrder, padding: Int32, seed: Seed
    ) {
        precondition(texts.count == labels.count, "a label for each text")
        self.texts = texts
        self.labels = labels
        self.order = order
        self.padding = padding
        self.seed = seed
        lengths = texts.map(\.count)
    }

    /// Batches of one epoch.
    public var batchesPerEpoch: Int { order.batchCount(of: texts.count) }
    /// Samples of one epoch.
    public var samplesPerEpoch: Int { texts.count }

    /// The batches of an epoch.
    public func epoch(_ number: Int) -> [@Sendable () throws -> TokenBatch] {
        order.batches(lengths: lengths, seed: seed, epoch: number).map { samples in
            {
                var batch = TokenBatch(samples.map { texts[$0] }, padding: padding)
                batch.classes = samples.map { Int64(labels[$0]) }
                return batch
            }
        }
    }
}
