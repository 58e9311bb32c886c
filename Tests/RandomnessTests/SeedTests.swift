import Foundation
import Randomness
import Testing

@Suite struct SeedTests {
    @Test("Streams differ by seed, name and numbers, and by nothing else") func streams() {
        var seen: Set<UInt64> = []
        for seed in [0, 1, 50, UInt64.max] {
            for name in ["", "a", "b", "ab"] {
                seen.insert(Seed(seed).key(name))
                for index in 0..<50 {
                    seen.insert(Seed(seed).key(name, index))
                    seen.insert(Seed(seed).key(name, index, 0))
                    seen.insert(Seed(seed).key(name, 0, index + 1, 0))
                }
            }
        }
        #expect(seen.count == 4 * 4 * 151)
        var (a, b) = (Seed(7).stream("x", 3), Seed(7).stream("x", 3))
        for _ in 0..<10 { #expect(a.next() == b.next()) }
    }

    @Test("Numbers are uniform") func uniform() {
        var stream = Seed(1).stream("uniform")
        let draws = (0..<100_000).map { _ in stream.uniform() }
        #expect(draws.allSatisfy { (0..<1).contains($0) })
        var bins = [Int](repeating: 0, count: 20)
        for draw in draws { bins[Int(draw * 20)] += 1 }
        // 5,000 in each, deviation 69.
        #expect(bins.allSatisfy { abs($0 - 5000) < 345 })
        // First numbers of neighbouring streams are unrelated too.
        let firsts = (0..<10_000).map { index in
            var stream = Seed(1).stream("first", index)
            return stream.uniform()
        }
        let mean: Double = firsts.reduce(0, +) / 10_000
        #expect(abs(mean - 0.5) < 0.0144, "five deviations of the mean")
    }

    @Test("A seed is a plain number in JSON") func coding() throws {
        let data = try JSONEncoder().encode([Seed(50)])
        #expect(String(decoding: data, as: UTF8.self) == "[50]")
        #expect(try JSONDecoder().decode([Seed].self, from: data) == [Seed(50)])
    }
}
