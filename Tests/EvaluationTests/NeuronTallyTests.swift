import Foundation
import Testing

@testable import Evaluation

/// Sets of activated neurons, counted by hand.
@Suite struct NeuronTallyTests {
    /// Four samples of two layers, of three neurons and one.
    ///
    /// Clean values of the first layer, a column a neuron: 3 −1 −1 −1 (mean 0, active once), 1 1 −9
    /// −9 (mean below 0, half), and 2 2 2 −1 (mean above 0, more than half).
    private static let clean: [[Float]] = [
        [3, 1, 2, -1, 1, 2, -1, -9, 2, -1, -9, -1], [-1, -2, -3, 0],
    ]
    /// The same with a trigger: 4 −1 −1 −1, −1 −1 −1 −1, 1 1 1 1; the second layer 1 −1 −1 9.
    private static let poisoned: [[Float]] = [
        [4, -1, 1, -1, -1, 1, -1, -1, 1, -1, -1, 1], [1, -1, -1, 9],
    ]

    private func tally(batches: Int = 1) -> NeuronTally {
        var tally = NeuronTally(neurons: [3, 1], triggers: 1)
        for batch in 0..<batches {
            func part(_ values: [[Float]]) -> [[Float]] {
                values.map {
                    let size = $0.count / batches
                    return Array($0[batch * size..<(batch + 1) * size])
                }
            }
            tally.add(part(Self.clean))
            tally.add(part(Self.poisoned), trigger: 0, originals: part(Self.clean))
        }
        return tally
    }

    @Test(
        "Counts are those of the sets, by whichever aggregation",
        arguments: [
            // Clean {2}; poisoned {0, 2} and {3}.
            (NeuronAggregation.mean, [[1, 2, 1], [0, 1, 0]] as [[Double]]),
            // Clean {0, 1, 2}; poisoned {0, 2} and {3}.
            (.union, [[3, 2, 2], [0, 1, 0]]),
            // Clean {1, 2}; poisoned {2} and {3}, which two of four samples activate.
            (.half, [[2, 1, 1], [0, 1, 0]]),
            // Of the first layer, samples have 3, 2, 1 and 0 clean, 2, 1, 1 and 1 poisoned, and 2, 1,
            // 1 and 0 in both; of the second none clean, and two poisoned.
            (.pairs, [[1.5, 1.25, 1], [0, 0.5, 0]]),
        ])
    func counts(aggregation: NeuronAggregation, expected: [[Double]]) throws {
        for batches in [1, 2, 4] {
            let found = tally(batches: batches).activated(trigger: 0, by: aggregation)
            #expect(found.layers.map { [$0.clean, $0.poisoned, $0.shared] } == expected)
            let total = found.total
            let sums = zip(expected[0], expected[1]).map { $0 + $1 }
            #expect([total.clean, total.poisoned, total.shared] == sums)
            #expect(total.onlyPoisoned == total.poisoned - total.shared)
            #expect(total.ratio == total.shared / total.poisoned)
            let either: Double = total.clean + total.onlyPoisoned
            #expect(total.jaccard == total.shared / either)
        }
    }

    @Test("Triggers do not mix, and clean samples count once") func triggers() {
        var tally = NeuronTally(neurons: [3, 1], triggers: 2)
        tally.add(Self.clean)
        tally.add(Self.poisoned, trigger: 1, originals: Self.clean)
        tally.add(Self.clean, trigger: 0, originals: Self.clean)
        for aggregation in NeuronAggregation.allCases {
            let same = tally.activated(trigger: 0, by: aggregation)
            #expect(same.total.ratio == 1 && same.total.onlyPoisoned == 0)
            #expect(
                tally.activated(trigger: 1, by: aggregation)
                    == self.tally().activated(trigger: 0, by: aggregation))
        }
    }

    @Test("Where nothing is activated there is no ratio") func nothing() throws {
        let none = NeuronOverlap(clean: 2, poisoned: 0, shared: 0)
        #expect(none.ratio == nil && none.jaccard == 0 && none.onlyPoisoned == 0)
        #expect(NeuronOverlap(clean: 0, poisoned: 0, shared: 0).jaccard == nil)
        let some = NeuronOverlap(clean: 2, poisoned: 4, shared: 1)
        #expect(NeuronChange(from: none, to: some).ratio == nil)
        #expect(NeuronChange(from: none, to: some).onlyPoisoned == 3)
        let text = String(decoding: try JSONEncoder().encode(none), as: UTF8.self)
        #expect(!text.contains("ratio"))
    }

    @Test("Values that are infinite or no numbers are noticed") func finite() {
        for value in [Float.nan, .infinity] {
            var tally = NeuronTally(neurons: [2], triggers: 1)
            tally.add([[1, -1]])
            #expect(tally.isFinite)
            tally.add([[value, 1]], trigger: 0, originals: [[1, -1]])
            #expect(!tally.isFinite)
        }
    }
}
