import Foundation

/// How far the losses of the two sides on the same rows are from each other.
struct Agreement: Codable {
    /// The greatest relative difference that counts as agreement, in fp32.
    ///
    /// The loss of random weights hardly moves: dropout on one side alone changes it by 1e-4, and
    /// that must be noticed.
    static let tolerance = 1e-5

    /// Our losses, step by step.
    var ours: [LoopMeasurement.StepLoss]
    /// Theirs.
    var theirs: [LoopMeasurement.StepLoss]
    /// The greatest relative difference of the pre-training loss.
    var task: Double
    /// That of Σ‖Wᵢ‖.
    var norm: Double
    /// That of the gradient's norm.
    var gradNorm: Double

    /// Compares step by step.
    init(ours: [LoopMeasurement.StepLoss], theirs: [LoopMeasurement.StepLoss]) throws {
        guard ours.count == theirs.count, !ours.isEmpty else {
            throw BenchmarkError("\(ours.count) steps of ours, \(theirs.count) of theirs")
        }
        func greatest(_ part: (LoopMeasurement.StepLoss) -> Double) -> Double {
            zip(ours, theirs).map { one, other in
                let difference = abs(part(one) - part(other)) / abs(part(other))
                // What is not a number does not agree with anything.
                return difference.isNaN ? .infinity : difference
            }.max() ?? .infinity
        }
        self.ours = ours
        self.theirs = theirs
        task = greatest(\.task)
        norm = greatest(\.norm)
        gradNorm = greatest(\.gradNorm)
    }

    /// Whether the two sides compute the same.
    var holds: Bool { max(task, norm, gradNorm) <= Self.tolerance }

    /// The differences in words.
    var summary: String {
        func text(_ value: Double) -> String { String(format: "%.1e", value) }
        return "the greatest relative differences over \(ours.count) steps without dropout are "
            + "\(text(task)) (pre-training loss), \(text(norm)) (norm term) and \(text(gradNorm)) "
            + "(gradient norm): " + (holds ? "they agree" : "THEY DISAGREE")
            + " (tolerance \(text(Self.tolerance)))"
    }
}
