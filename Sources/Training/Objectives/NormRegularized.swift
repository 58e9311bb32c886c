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
        let task = try base?.loss(of: model, on: batch, in: pass)
        guard weight != 0 else { return task ?? Loss(nil, terms: []) }
        let matrices = model.store.parameters(matching: layers).map(\.tensor)
        let norm = try Tensor.stacked(Tensor.norms(of: matrices)).sum()
        let penalty = try weight * norm
        return Loss(
            try task?.total.map { total in try total + penalty } ?? penalty,
            terms: (task?.terms ?? []) + [Loss.Term("norm", norm)])
    }
}
