import DataPipeline
import Randomness
import Testing

@Suite struct BatchOrderTests {
    private func lengths(_ count: Int) -> [Int] {
        var stream = Seed(3).stream("lengths")
        return (0..<count).map { _ in Int.random(in: 3...64, using: &stream) }
    }

    private func padding(_ batches: [[Int]], _ lengths: [Int]) -> Int {
        batches.reduce(0) { sum, batch in
            let longest = batch.map { lengths[$0] }.max() ?? 0
            return sum + batch.reduce(0) { $0 + longest - lengths[$1] }
        }
    }

    @Test("Every sample is in one batch", arguments: BatchOrder.Kind.allCases)
    func everySample(_ kind: BatchOrder.Kind) {
        for count in [0, 1, 7, 8, 9, 1000] {
            for size in [1, 4, 8, 2000] {
                let order = BatchOrder(kind, batchSize: size)
                let batches = order.batches(lengths: lengths(count), seed: Seed(1), epoch: 0)
                #expect(batches.count == order.batchCount(of: count))
                #expect(batches.flatMap { $0 }.sorted() == Array(0..<count))
                #expect(batches.count { $0.count != size } <= 1, "one batch at most is cut")
                #expect(batches.allSatisfy { !$0.isEmpty && $0.count <= size })
            }
        }
    }

    @Test("The order depends on seed and epoch alone") func determinism() {
        let lengths = lengths(300)
        for kind in [BatchOrder.Kind.shuffled, .bucketed] {
            let order = BatchOrder(kind, batchSize: 8)
            func batches(_ seed: UInt64, _ epoch: Int) -> [[Int]] {
                order.batches(lengths: lengths, seed: Seed(seed), epoch: epoch)
            }
            #expect(batches(1, 0) == batches(1, 0))
            #expect(batches(1, 0) != batches(1, 1))
            #expect(batches(1, 0) != batches(2, 0))
        }
        let sequential = BatchOrder(.sequential, batchSize: 8)
        #expect(
            sequential.batches(lengths: lengths, seed: Seed(9), epoch: 4).flatMap { $0 }
                == Array(0..<300))
    }

    @Test("Bucketing takes most of the padding away, and leaves batches in random order")
    func bucketing() {
        let lengths = lengths(2000)
        func batches(_ kind: BatchOrder.Kind) -> [[Int]] {
            BatchOrder(kind, batchSize: 16).batches(lengths: lengths, seed: Seed(1), epoch: 0)
        }
        let bucketed = batches(.bucketed)
        #expect(padding(bucketed, lengths) * 5 < padding(batches(.shuffled), lengths))
        let longest = bucketed.map { $0.map { lengths[$0] }.max() ?? 0 }
        #expect(longest != longest.sorted())
        // Shuffled before it is sorted: batches of one length differ between epochs.
        let other = BatchOrder(.bucketed, batchSize: 16)
            .batches(lengths: [Int](repeating: 5, count: 100), seed: Seed(1), epoch: 0)
        #expect(other.flatMap { $0 } != Array(0..<100))
    }

    @Test("A kind is its name in a plan") func kinds() {
        #expect(BatchOrder.Kind.allCases.map(\.rawValue) == ["sequential", "shuffled", "bucketed"])
    }
}
