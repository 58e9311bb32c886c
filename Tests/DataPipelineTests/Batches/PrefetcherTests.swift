import DataPipeline
import Foundation
import Testing

/// Numbers 100 · epoch + batch; some of them errors.
private struct Numbers: BatchSource {
    struct Unreadable: Error, Equatable { let number: Int }

    /// Lives as long as someone has the source.
    final class Token: Sendable {}

    var batchesPerEpoch = 10
    var samplesPerEpoch: Int { batchesPerEpoch }
    var unreadable: Set<Int> = []
    var token = Token()

    func epoch(_ number: Int) -> [@Sendable () throws -> Int] {
        (0..<batchesPerEpoch).map { batch in
            { [unreadable] in
                let value = number * 100 + batch
                guard !unreadable.contains(value) else { throw Unreadable(number: value) }
                return value
            }
        }
    }
}

@Suite struct PrefetcherTests {
    private func all(_ prefetcher: Prefetcher<Numbers>) throws -> [Int] {
        var values: [Int] = []
        while let value = try prefetcher.next() { values.append(value) }
        return values
    }

    private func direct(_ source: Numbers, epochs: Int) throws -> [Int] {
        try (0..<epochs).flatMap { try source.epoch($0).map { try $0() } }
    }

    @Test("Batches are those of the source, in order", arguments: [1, 3, 100])
    func order(_ ahead: Int) throws {
        let source = Numbers()
        let prefetcher = Prefetcher(source, epochs: 3, ahead: ahead)
        #expect(try all(prefetcher) == direct(source, epochs: 3))
        #expect(try prefetcher.next() == nil, "the end stays the end")
    }

    @Test("It begins anywhere, within an epoch too", arguments: [0, 1, 9, 10, 15, 29, 30, 99])
    func resumes(_ first: Int) throws {
        let source = Numbers()
        let expected = try direct(source, epochs: 3).dropFirst(first)
        #expect(try all(Prefetcher(source, epochs: 3, from: first)) == Array(expected))
    }

    @Test("A source of nothing ends at once") func empty() throws {
        #expect(try all(Prefetcher(Numbers(batchesPerEpoch: 0), epochs: 3)) == [])
        #expect(try all(Prefetcher(Numbers(), epochs: 0)) == [])
    }

    @Test("An error comes at its place, and what follows it comes after") func errors() throws {
        let prefetcher = Prefetcher(Numbers(unreadable: [3, 104]), epochs: 2)
        for expected in 0..<3 { #expect(try prefetcher.next() == expected) }
        #expect(throws: Numbers.Unreadable(number: 3)) { try prefetcher.next() }
        for expected in [4, 5, 6, 7, 8, 9, 100, 101, 102, 103] {
            #expect(try prefetcher.next() == expected)
        }
        #expect(throws: Numbers.Unreadable(number: 104)) { try prefetcher.next() }
        #expect(try all(prefetcher) == [105, 106, 107, 108, 109])
    }

    @Test("Dropping it ends its thread, full queue or not", arguments: [1, 1000])
    func dropped(_ ahead: Int) throws {
        weak var token: Numbers.Token?
        do {
            let source = Numbers(batchesPerEpoch: 50)
            token = source.token
            let prefetcher = Prefetcher(source, epochs: 2, ahead: ahead)
            #expect(try prefetcher.next() == 0)
        }
        // The thread has the source as long as it runs.
        for _ in 0..<1000 where token != nil { usleep(10_000) }
        #expect(token == nil)
    }

    @Test("A stopped one gives nothing more, and whoever waits is let go") func stopped() throws {
        let prefetcher = Prefetcher(Numbers(), epochs: 2, ahead: 2)
        #expect(try prefetcher.next() == 0)
        prefetcher.stop()
        #expect(try prefetcher.next() == nil)
    }
}
