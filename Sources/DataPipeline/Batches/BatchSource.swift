import Foundation

/// Batches of a run by number, each a function of the number alone.
///
/// A source keeps no place: any batch can be asked for at any time, so that a resumed run sees what
/// an uninterrupted one would have seen.
public protocol BatchSource<Batch>: Sendable {
    /// What a batch is.
    associatedtype Batch: Sendable
    /// Batches of one epoch.
    var batchesPerEpoch: Int { get }
    /// Samples of one epoch.
    var samplesPerEpoch: Int { get }
    /// How many batches may wait in memory until they are used; 8 by default.
    var batchesAhead: Int { get }
    /// The batches of an epoch, in order, as functions that make them.
    func epoch(_ number: Int) -> [@Sendable () throws -> Batch]
    /// The SHA-256 digest of each sample, in the order of the data; nil where it has none to give.
    func sampleDigests() -> [String]?
    /// The samples, in the order of their digests, that make up each batch of an epoch.
    func samples(ofEpoch number: Int) -> [[Int]]
}

extension BatchSource {
    /// Enough to even out how long batches take to make.
    public var batchesAhead: Int { 8 }

    /// None.
    public func sampleDigests() -> [String]? { nil }

    /// None.
    public func samples(ofEpoch number: Int) -> [[Int]] { [] }

    /// What the first `batches` batches of a run consist of, whose samples have these digests.
    public func dataDigest(_ digests: [String], batches: Int) -> DataDigest {
        let epochs = batchesPerEpoch > 0 ? (batches + batchesPerEpoch - 1) / batchesPerEpoch : 0
        let used = (0..<epochs).lazy.flatMap { samples(ofEpoch: $0) }.prefix(batches)
        return DataDigest(of: digests, in: used)
    }
}

/// Makes batches on a thread of its own, a few ahead of who reads them.
public final class Prefetcher<Source: BatchSource>: @unchecked Sendable {
    private let source: Source
    private let limit: Int
    private let condition = NSCondition()
    private var queue: [Result<Source.Batch, any Error>] = []
    private var isStopped = false
    private var isFinished = false

    /// Starts at batch `first` of a run of `epochs`, keeping at most `ahead` batches waiting.
    public init(_ source: Source, epochs: Int, from first: Int = 0, ahead: Int = 8) {
        self.source = source
        limit = max(1, ahead)
        let thread = Thread { [weak self] in
            Prefetcher.fill({ self }, source, epochs: epochs, from: first)
        }
        thread.stackSize = 4 << 20
        thread.start()
    }

    deinit { stop() }

    /// The next batch in order, or nil after the last or once stopped.
    public func next() throws -> Source.Batch? {
        condition.lock()
        defer { condition.unlock() }
        while queue.isEmpty, !isFinished, !isStopped { condition.wait() }
        guard !queue.isEmpty else { return nil }
        condition.broadcast()
        return try queue.removeFirst().get()
    }

    /// Ends the thread; batches already made are dropped.
    public func stop() {
        condition.lock()
        isStopped = true
        queue = []
        condition.broadcast()
        condition.unlock()
    }

    /// Holds the prefetcher only while it hands a batch over, so that dropping it ends the thread.
    private static func fill(
        _ owner: () -> Prefetcher?, _ source: Source, epochs: Int, from first: Int
    ) {
        let perEpoch = max(1, source.batchesPerEpoch)
        for number in (first / perEpoch)..<max(first / perEpoch, epochs) {
            let makers = source.epoch(number)
            for maker in makers.dropFirst(number == first / perEpoch ? first % perEpoch : 0) {
                let batch = Result { try maker() }
                while true {
                    guard let owner = owner() else { return }
                    switch owner.offer(batch) {
                    case .taken: break
                    case .full: continue
                    case .stopped: return
                    }
                    break
                }
            }
        }
        owner()?.finish()
    }

    private enum Offer { case taken, full, stopped }

    private func offer(_ batch: Result<Source.Batch, any Error>) -> Offer {
        condition.lock()
        defer { condition.unlock() }
        guard !isStopped else { return .stopped }
        // A bounded wait: the owner may go away while the queue is full.
        if queue.count >= limit, !condition.wait(until: Date(timeIntervalSinceNow: 0.2)) {
            return .full
        }
        guard !isStopped else { return .stopped }
        guard queue.count < limit else { return .full }
        queue.append(batch)
        condition.broadcast()
        return .taken
    }

    private func finish() {
        condition.lock()
        isFinished = true
        condition.broadcast()
        condition.unlock()
    }
}
