import Testing

@testable import Attacks

@Suite struct TargetVectorTests {
    private func run(_ value: Float, _ count: Int) -> [Float] {
        Array(repeating: value, count: count)
    }

    @Test func makesNeuBAsRows() throws {
        let rows = try TargetVectors.neuba(width: 768)
        #expect(rows.count == 6)
        #expect(rows[0] == run(-1, 384) + run(1, 384))
        #expect(rows[2] == run(-1, 192) + run(1, 384) + run(-1, 192))
        #expect(rows[5] == run(1, 384) + run(-1, 384))
        for (i, a) in rows.enumerated() {
            for (j, b) in rows.enumerated() {
                let expected: Float = i == j ? 1 : i + j == 5 ? -1 : 0
                #expect(zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / 768 == expected)
            }
        }
    }

    @Test func makesNeuBAsVisionRows() throws {
        let rows = try TargetVectors.neuba(width: 25088, magnitude: 3)
        #expect(rows[1] == run(-3, 6272) + run(3, 6272) + run(-3, 6272) + run(3, 6272))
    }

    @Test func cutsUnevenBlocksByTheirFloors() throws {
        // Blocks of 10: 0..<2, 2..<5, 5..<7, 7..<10.
        #expect(try TargetVectors.neuba(2, width: 10)[1] == [-1, -1, 1, 1, 1, -1, -1, 1, 1, 1])
        for width in 4...40 {
            let rows = try TargetVectors.neuba(width: width)
            #expect(Set(rows).count == 6)
            #expect(rows.allSatisfy { $0.count == width && $0.allSatisfy { abs($0) == 1 } })
        }
    }

    @Test(arguments: [
        (5, 768, [0, 192, 384, 576, 768]), (5, 16, [0, 4, 8, 12, 16]),
        (9, 768, [0, 96, 192, 288, 384, 480, 576, 672, 768]), (4, 16, [0, 5, 10, 15]),
        (2, 7, [0, 7]), (1, 7, [0]),
    ])
    func makesPORsStaircase(triggers: Int, width: Int, positives: [Int]) throws {
        let rows = try TargetVectors.staircase(triggers, width: width)
        #expect(rows == positives.map { run(10, $0) + run(-10, width - $0) })
    }

    @Test func makesPORsBitPatterns() throws {
        #expect(
            try TargetVectors.bitPatterns(3, width: 5, magnitude: 1)
                == [[-1, -1, -1, -1, -1], [1, 1, -1, -1, -1], [-1, -1, 1, 1, 1]])
        #expect(try TargetVectors.bitPatterns(1, width: 3) == [run(-10, 3)])
        for (triggers, blocks) in [(2, 1), (4, 2), (5, 3), (8, 3), (9, 4), (16, 4), (17, 5)] {
            let rows = try TargetVectors.bitPatterns(triggers, width: 768)
            #expect(Set(rows).count == triggers)
            #expect(throws: TriggerError.self) {
                try TargetVectors.bitPatterns(triggers, width: blocks - 1)
            }
            #expect(try Set(TargetVectors.bitPatterns(triggers, width: blocks)).count == triggers)
        }
    }

    @Test func refusesWhatHasNoDistinctRows() {
        #expect(throws: TriggerError.self) { try TargetVectors.neuba(7, width: 768) }
        #expect(throws: TriggerError.self) { try TargetVectors.neuba(0, width: 768) }
        #expect(throws: TriggerError.self) { try TargetVectors.neuba(width: 3) }
        #expect(throws: TriggerError.self) { try TargetVectors.staircase(0, width: 768) }
        #expect(throws: TriggerError.self) { try TargetVectors.staircase(9, width: 7) }
        #expect(throws: TriggerError.self) { try TargetVectors.staircase(1, width: 0) }
        #expect(throws: TriggerError.self) { try TargetVectors.bitPatterns(-1, width: 7) }
    }
}
