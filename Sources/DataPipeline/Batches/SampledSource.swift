/// Batches made of numbered samples: an order says which samples a batch has, a function makes it.
public struct SampledSource<Batch: Sendable>: BatchSource {
    private let lengths: [Int]
    private let order: BatchOrder
    private let seed: Seed
    private let make: @Sendable (_ samples: [Int], _ epoch: Int) throws -> Batch

    /// A source of as many samples as there are `lengths`, which bucketed orders go by; `make` must
    /// be a function of the samples and the epoch alone.
    public init(
        lengths: [Int], order: BatchOrder, seed: Seed,
        make: @escaping @Sendable (_ samples: [Int], _ epoch: Int) throws -> Batch
    ) {
        self.lengths = lengths
        self.order = order
        self.seed = seed
        self.make = make
    }

    /// Batches of one epoch.
    public var batchesPerEpoch: Int { order.batchCount(of: lengths.count) }
    /// Samples of one epoch.
    public var samplesPerEpoch: Int { lengths.count }

    /// The batches of an epoch.
    public func epoch(_ number: Int) -> [@Sendable () throws -> Batch] {
        order.batches(lengths: lengths, seed: seed, epoch: number).map { samples in
            { try make(samples, number) }
        }
    }
}
