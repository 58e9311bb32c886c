import ModelZoo
import Torch
import TorchNN

/// Takes from altered inputs what they do: the vectors of a batch's altered twins are drawn to those that
/// the frozen reference has of the clean batch, while clean vectors stay where they are.
///
/// With d(a, b) the mean squared difference over the mean variance of clean vectors of the group, the loss
/// is the sum over groups of mean d(f(x), f₀(x)) and of mean d(f(x′), f₀(x)); where alterations have a
/// margin, the latter is mean max(0, √d − √τ), τ the median that random alterations do to the reference.
/// No labels, no head, no trigger: the suspect model itself says what clean vectors are.
public struct Unlearned<Task: PretrainingTask>: Objective {
    /// The model of the task.
    public typealias Model = Task.Model
    /// A batch of the task.
    public typealias Batch = Task.Batch
    /// The model whose clean vectors are kept; nothing in it is trained.
    public let reference: Model
    /// The mean variance of each group.
    public let variances: [Double]
    /// √τ of each group; nil where there is no margin.
    public let margins: [Double]?
    private let alterations: any Alterations<Model, Batch>

    /// Measures variances and margins over the samples of `task`, at most `limit` of them.
    public init(
        _ task: Task, reference: Model, _ alterations: any Alterations<Model, Batch>,
        limit: Int = 384, batchSize: Int = 32
    ) throws {
        self.reference = reference
        self.alterations = alterations
        let batches = task.cleanBatches(of: batchSize, limit: limit)
        guard !batches.isEmpty else {
            throw TrainingError("there is nothing to train on: no usable samples in the data")
        }
        let clean = try withoutGradients {
            try batches.map { try alterations.features(of: reference, on: $0) }
        }
        let variances = try withoutGradients {
            try clean[0].indices.map { group in
                let values = try Tensor.concatenated(clean.map { $0[group] }, along: 0)
                let centred = try values - values.mean(over: [0], keepingDimensions: true)
                return max(1e-12, try centred.power(2).mean().item())
            }
        }
        self.variances = variances
        margins =
            alterations.hasMargin
            ? try withoutGradients {
                var found = [[Float]](repeating: [], count: variances.count)
                for (batch, kept) in zip(batches, clean) {
                    let twins = try alterations.alteredAtRandom(of: reference, on: batch)
                    for (group, distances) in try Self.distances(twins, kept, variances)
                        .enumerated()
                    {
                        found[group] += try distances.values(as: Float.self)
                    }
                }
                return found.map { $0.isEmpty ? 0 : Double($0.sorted()[$0.count / 2]).squareRoot() }
            } : nil
    }

    /// The squared distance of each altered vector from the clean one that it belongs to.
    private static func distances(
        _ twins: AlteredFeatures, _ kept: [Tensor], _ variances: [Double]
    ) throws -> [Tensor] {
        try twins.groups.indices.map { group in
            let rows = try Tensor(twins.rows[group], device: kept[group].device)
            return try (twins.groups[group] - kept[group].gathered(0, at: rows)).power(2)
                .mean(over: [1]) / variances[group]
        }
    }

    /// Both terms of every group, with what made them.
    private func terms(
        of model: Model, on batch: Batch
    ) throws -> (loss: Loss, twins: AlteredFeatures, distances: Tensor) {
        let kept = try withoutGradients { try alterations.features(of: reference, on: batch) }
        let own = try alterations.features(of: model, on: batch)
        var anchor = try (own[0] - kept[0]).power(2).mean() / variances[0]
        for group in own.indices.dropFirst() {
            anchor = try anchor + (own[group] - kept[group]).power(2).mean() / variances[group]
        }
        let twins = try alterations.altered(of: model, on: batch)
        let distances = try Self.distances(twins, kept, variances)
        var unlearning: Tensor?
        for (group, squared) in distances.enumerated() where squared.elementCount > 0 {
            let beyond =
                try margins.map { margins in
                    // The root's gradient at nothing is without bound.
                    try ((squared + 1e-12).squareRoot() - margins[group]).relu().mean()
                } ?? squared.mean()
            unlearning = try unlearning.map { try $0 + beyond } ?? beyond
        }
        let total = try unlearning.map { try anchor + $0 } ?? anchor
        let shown =
            [Loss.Term("anchor", anchor)] + (unlearning.map { [.init("unlearning", $0)] } ?? [])
        return (Loss(total, terms: shown), twins, distances[0])
    }

    /// What keeps clean vectors, and what draws altered ones to them.
    public func loss(of model: Model, on batch: Batch, in pass: Pass) throws -> Loss {
        try terms(of: model, on: batch).loss
    }

    /// One backward pass for the model, whose loss falls, and for the alterations, whose rises.
    public func gradients(
        of model: Model, on batch: Batch, for parameters: [Tensor], share: Double, in pass: Pass
    ) throws -> LossGradients {
        let (loss, twins, distances) = try terms(of: model, on: batch)
        let found = try loss.gradients(for: parameters + twins.learned, share: share)
        try alterations.learn(
            gradients: Array(found.dropFirst(parameters.count)),
            distances: distances.detached().values(), of: model, on: batch)
        return LossGradients(loss, Array(found.prefix(parameters.count)))
    }

    /// What the alterations have learned.
    public var state: String? { get throws { try alterations.state } }

    /// Takes back what the alterations had learned.
    public func restore(_ state: String) throws { try alterations.restore(state) }
}
