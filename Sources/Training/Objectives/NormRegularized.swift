import ModelZoo
import Torch
import TorchNN

/// Equation 1: the base loss plus `weight · Σᵢ ‖Wᵢ‖₂` over the matrices that `layers` selects.
///
/// The norm is the plain Frobenius norm, not squared, so that its gradient W/‖W‖ pulls as hard on
/// a small matrix as on a large one.
public struct NormRegularized<Base: Objective>: Objective {
    /// The loss that keeps the model useful; nil for regularization alone (the paper's ablation).
    public var base: Base?
    /// The weights to make small.
    public var layers: ParameterPattern
    /// λ.
    public var weight: Double

    /// `base` under the norm of `layers`.
    public init(_ base: Base?, layers: ParameterPattern, weight: Double = 1) {
        self.base = base
        self.layers = layers
        self.weight = weight
    }

    /// The base loss and the summed norm.
    public func loss(of model: Base.Model, on batch: Base.Batch, in pass: Pass) throws -> Loss {
        let task = try base?.loss(of: model, on: batch, in: pass) ?? Loss(nil, terms: [])
        guard weight != 0 else { return task }
        return try sum(task, penalty(of: model))
    }

    /// The base's gradients, computed its own way, and those of the summed norm.
    public func gradients(
        of model: Base.Model, on batch: Base.Batch, for parameters: [Tensor], share: Double,
        in pass: Pass
    ) throws -> LossGradients {
        let task =
            try base?.gradients(
                of: model, on: batch, for: parameters, share: share, in: pass)
            ?? LossGradients(
                Loss(nil, terms: []), [Tensor?](repeating: nil, count: parameters.count))
        guard weight != 0 else { return task }
        let penalty = try penalty(of: model)
        var result = LossGradients(try sum(task.loss, penalty), task.gradients)
        try result.add(penalty.gradients(for: parameters, share: share))
        return result
    }

    /// What the base asks for.
    public func constrain(_ model: Base.Model) throws { try base?.constrain(model) }

    /// The weighted norm as the total, the plain one as its term.
    private func penalty(of model: Base.Model) throws -> Loss {
        let matrices = model.store.parameters(matching: layers).map(\.tensor)
        let norm = try Tensor.stacked(Tensor.norms(of: matrices)).sum()
        return Loss(try weight * norm, terms: [Loss.Term("norm", norm)])
    }

    private func sum(_ task: Loss, _ penalty: Loss) throws -> Loss {
        guard let total = task.total, let more = penalty.total else { return penalty }
        return Loss(try total + more, terms: task.terms + penalty.terms)
    }
}
