import Randomness

/// Batches made of numbered samples: an order says which samples a batch has, a function makes it.
public struct SampledSource<Batch: Sendable>: BatchSource {
    private let lengths: [Int]
    private let order: BatchOrder
    private let seed: Seed
    private let content: (any DigestedSamples)?
    private let make: @Sendable (_ samples: [Int], _ epoch: Int) throws -> Batch

    /// How many batches may wait: 8, or fewer of those that are large.
    public let batchesAhead: Int

    /// Bytes of batches that wait, unless a single one has more.
    private static var waitingBytes: Int { 256 << 20 }

    /// A source of as many samples as there are `lengths`, which bucketed orders go by; `make` must
    /// be a function of the samples and the epoch alone.
    ///
    /// `sampleBytes` is what one sample takes in a batch, where that is much; `content` what the
    /// samples are, for records of what was trained on.
    public init(
        lengths: [Int], order: BatchOrder, seed: Seed, sampleBytes: Int = 0,
        content: (any DigestedSamples)? = nil,
        make: @escaping @Sendable (_ samples: [Int], _ epoch: Int) throws -> Batch
    ) {
        self.lengths = lengths
        self.order = order
        self.seed = seed
        self.content = content
        self.make = make
        let batchBytes = max(1, min(order.batchSize, lengths.count) * sampleBytes)
        batchesAhead = min(8, max(1, Self.waitingBytes / batchBytes))
    }

    /// Batches of one epoch.
    public var batchesPerEpoch: Int { order.batchCount(of: lengths.count) }
    /// Samples of one epoch.
    public var samplesPerEpoch: Int { lengths.count }

    /// The batches of an epoch.
    public func epoch(_ number: Int) -> [@Sendable () throws -> Batch] {
        samples(ofEpoch: number).map { samples in
            { try make(samples, number) }
        }
    }

    /// The SHA-256 digest of each sample.
    public func sampleDigests() -> [String]? { content?.digests() }

    /// The samples of each batch of an epoch.
    public func samples(ofEpoch number: Int) -> [[Int]] {
        order.batches(lengths: lengths, seed: seed, epoch: number)
    }
}
