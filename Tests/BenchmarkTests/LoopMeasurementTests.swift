import Foundation
import Testing

@testable import recipe_bench

@Suite struct LoopMeasurementTests {
    @Test func medianIsTheMiddleValueOrTheMeanOfTwo() {
        #expect([3.0, 1, 2].median == 2)
        #expect([4.0, 1, 2, 3].median == 2.5)
        #expect([Double]().median.isNaN)
    }

    @Test func decodingOnceIsSpreadOverTheEpochs() throws {
        let kept = try LoopMeasurement.sample(rate: 20, decodeSeconds: 0.01)
        #expect(abs(kept.endToEndPerSecond(epochs: 10) - 10 / (0.01 + 10 / 20.0)) < 1e-12)
        #expect(abs(kept.endToEndPerSecond(epochs: 1) - 1 / (0.01 + 1 / 20.0)) < 1e-12)
    }

    @Test func decodingInTheLoopIsInTheLoopsRate() throws {
        let loop = try LoopMeasurement.sample(rate: 20, loopDecodeSeconds: 0.01)
        #expect(abs(loop.endToEndPerSecond(epochs: 4) - 20) < 1e-12)
    }

    @Test func aLineComesBackAsItWasWritten() throws {
        let written = try LoopMeasurement.sample(rate: 20, decodeSeconds: 0.01)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let read = try decoder.decode(LoopMeasurement.self, from: Data(written.line().utf8))
        #expect(read.samplesPerSecond == 20)
        #expect(read.decodeSeconds == 0.01)
        #expect(read.losses.map(\.gradNorm) == [3.6])
        #expect(read.tokens == nil)
    }

    @Test(arguments: [(7.0, true), (7.00005, true), (7.001, false), (.nan, false)])
    func lossesAgreeWithinTheTolerance(task: Double, holds: Bool) throws {
        var ours = try LoopMeasurement.sample(rate: 1).losses
        let theirs = ours
        ours[0].task = task
        #expect(try Agreement(ours: ours, theirs: theirs).holds == holds)
    }

    @Test func lossesOfDifferentStepsAreNotCompared() throws {
        let losses = try LoopMeasurement.sample(rate: 1).losses
        #expect(throws: BenchmarkError.self) {
            try Agreement(ours: losses + losses, theirs: losses)
        }
        #expect(throws: BenchmarkError.self) { try Agreement(ours: [], theirs: []) }
    }
}
