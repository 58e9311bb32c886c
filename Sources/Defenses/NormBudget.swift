import DataPipeline
import Torch
import TorchNN
import Training

/// What a purification will take from the weights, known before it begins.
///
/// The gradient of ‖W‖ is W/‖W‖, of norm one. A step of SGD takes λ · rate from each norm, less what
/// L_PT gives back. AdamW divides each number's gradient by its own usual size, so that a step takes
/// the rate from each |w|, whatever λ and ‖W‖ are, until w is zero: after a sum B of rates, with
/// nothing given back, max(0, |w| − B) is left of each.
public struct NormBudget: Sendable, Codable, Equatable {
    /// λ · Σ rate over all steps; for AdamW Σ rate, what each number loses.
    public var budget: Double
    /// The median of ‖W‖ over the regularized matrices.
    public var medianNorm: Double
    /// The smallest ‖W‖ of them, which SGD brings to 0 first.
    public var smallestNorm: Double
    /// The mean of ‖W(t)‖/‖W(0)‖ at the end if the norms alone decide: what L_PT gives back comes on
    /// top.
    public var predictedRatio: Double

    /// The share of the median norm that the budget is; of SGD's alone it says what will be left.
    public var share: Double { medianNorm > 0 ? budget / medianNorm : 0 }

    /// The budget of `steps` steps over `matrices` with the norms' weight λ.
    public init(
        weight: Double, training: TrainingSettings, steps: Int, matrices: [Tensor]
    ) throws {
        let rates = training.learningRate * training.schedule.sum(over: steps)
        let norms = try Self.norms(matrices)
        let left: [Double]
        switch training.optimizer {
        case .sgd:
            budget = weight * rates
            left = norms.map { [budget] in max(0, $0 - budget) }
        case .adamW:
            budget = weight > 0 ? rates : 0
            left = try Self.norms(matrices) { [budget] in try ($0.magnitude() - budget).relu() }
        }
        let sorted = norms.sorted()
        medianNorm = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        smallestNorm = sorted.first ?? 0
        // Matrices of zeros stay so and say nothing.
        let ratios = zip(left, norms).filter { $1 > 0 }.map { $0 / $1 }
        predictedRatio = ratios.isEmpty ? 1 : ratios.reduce(0, +) / Double(ratios.count)
    }

    private static func norms(
        _ matrices: [Tensor], of change: (Tensor) throws -> Tensor = { $0 }
    ) throws -> [Double] {
        try withoutGradients { try matrices.map { try change($0).norm().item() } }
    }

    /// A warning where norms will fall far less, or far more, than in the paper's settings; none
    /// where they are not meant to.
    public func caveat(weight: Double) -> Caveat? {
        let fall = 1 - predictedRatio
        guard weight > 0, medianNorm > 0, !CaveatBounds.normFall.contains(fall) else { return nil }
        let left = NumberText.fixed(predictedRatio, decimals: 3)
        return Caveat(
            .normBudget,
            fall < CaveatBounds.normFall.lowerBound
                ? "the steps and the learning rate can bring ‖W‖ no lower than \(left) of its start, "
                    + "where the paper's settings leave about a half: a backdoor is likely to stay; "
                    + "--epochs, --learning-rate or more data make it less"
                : "the steps and the learning rate can bring ‖W‖ down to \(left) of its start, where "
                    + "the paper's settings leave about a half: the model may be lost unless L_PT "
                    + "gives back what is taken; fewer --epochs or a lower --learning-rate take less",
            figure: fall)
    }
}
