import Randomness
import Testing

@Suite struct PythonRandomTests {
    @Test("Numbers are CPython's") func numbers() {
        // random.seed(7); [random.randint(0, 99) for _ in range(12)]
        check(7, 99, [41, 19, 50, 83, 6, 9, 68, 12, 46, 74, 7, 64])
        // random.seed(2**40 + 3); [random.randint(0, 6) for _ in range(12)]
        check((1 << 40) + 3, 6, [1, 0, 4, 6, 0, 4, 2, 5, 6, 3, 1, 3])
    }

    private func check(_ seed: UInt64, _ bound: Int, _ expected: [Int]) {
        var generator = PythonRandom(seed: seed)
        #expect(expected.map { _ in generator.randint(upTo: bound) } == expected)
    }
}
