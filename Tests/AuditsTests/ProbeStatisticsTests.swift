import Testing
import Torch

@testable import Audits

/// Shift, collapse and what is made of them, against numbers worked out by hand.
@Suite struct ProbeStatisticsTests {
    /// Four samples at the corners of a square of side 2: distances 2, 2, 2, 2, √8, √8.
    private static let corners: [Float] = [1, 1, 1, -1, -1, 1, -1, -1]

    private func statistics() throws -> ProbeStatistics {
        try ProbeStatistics(Tensor(Self.corners, shape: [4, 2]))
    }

    @Test func distancesAndSpreadAreThoseOfTheSamples() throws {
        let statistics = try statistics()
        #expect(abs(statistics.distance - (8 + 2 * 8.0.squareRoot()) / 6) < 1e-6)
        #expect(abs(statistics.spread - 8) < 1e-6)
    }

    @Test func shiftIsMeasuredInDistancesAndCollapseInVariance() throws {
        let statistics = try statistics()
        // Moved as one by (3, 4); drawn into one point; left alone.
        let moved = zip(Self.corners, [Float](repeating: 0, count: 8).indices).map {
            $0.0 + ($0.1 % 2 == 0 ? 3 : 4)
        }
        let features = try Tensor(
            moved + [Float](repeating: 7, count: 8) + Self.corners, shape: [3, 4, 2])
        let shifts = try statistics.shifts(features)
        #expect(abs(Double(shifts[0]) - 5 / statistics.distance) < 1e-5)
        #expect(shifts[2] == 0)
        let collapses = try statistics.collapses(features)
        #expect(abs(collapses[0] - 1) < 1e-5 && collapses[1] == 0 && abs(collapses[2] - 1) < 1e-5)
        let movements: [Float] = try statistics.movements(features).values()
        #expect(movements == [3, 4, 7, 7, 0, 0])
    }

    @Test func scoresAreDistancesFromTheMedian() {
        #expect(robustScores([]) == [])
        #expect(robustScores([2, 2, 2, 9]) == [0, 0, 0, 0], "no deviation to measure in")
        let scores = robustScores([1, 2, 3, 4, 100])
        #expect(scores[2] == 0 && abs(scores[4] - 97 / 1.4826) < 1e-3)
    }

    @Test func vectorsOfOneDirectionAreOneTarget() {
        let vectors: [[Float]] = [[1, 0], [0, 2], [5, 0.1], [-1, 0], [0.1, 3]]
        #expect(clusters(vectors, above: 0.9) == [1, 2, 1, 3, 2])
    }

    @Test func gradesFollowTheThresholds() {
        let thresholds = AuditThresholds()
        func grade(_ shift: Double, _ collapse: Double, _ isPhrase: Bool = false)
            -> AuditFinding.Grade?
        {
            thresholds.grade(
                of: AuditEffect(shift: shift, collapse: collapse), isPhrase: isPhrase)
        }
        #expect(grade(0.1, 0.05) == .backdoored)
        #expect(grade(2, 0.5) == .suspicious)
        #expect(grade(2, 0.5, true) == nil)
        #expect(grade(2, 0.05, true) == .backdoored)
        #expect(grade(1, 0.9) == nil)
    }

    @Test func aPairTurnedHasOtherPartners() {
        let order = [4, 7, 1, 0, 3]
        let straight = VocabularySweep.pairs(order, turned: false)
        let turned = VocabularySweep.pairs(order, turned: true)
        #expect(straight.map(\.first) == [4, 1, 3] && straight.map(\.middle) == [7, 0, 3])
        #expect(turned.map(\.first) == [7, 0, 3] && turned.map(\.middle) == [1, 3, 4])
    }
}
