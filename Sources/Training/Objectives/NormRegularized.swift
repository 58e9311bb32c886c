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
        let matrices = model.store.parameters(matching: layers).map(\.tensor)
        return try sum(task, penalty(Tensor.stacked(Tensor.norms(of: matrices)).sum()))
    }

    /// The base's gradients, computed its own way, and W/‖W‖ for each matrix that is trained.
    ///
    /// A matrix of zeros stays as it is.
    public func gradients(
        of model: Base.Model, on batch: Base.Batch, for parameters: [Tensor], share: Double,
        in pass: Pass
    ) throws -> LossGradients {
        // Changed in place, so that a gradient that is replaced is free at once.
        var result =
            try base?.gradients(
                of: model, on: batch, for: parameters, share: share, in: pass)
            ?? LossGradients(
                Loss(nil, terms: []), [Tensor?](repeating: nil, count: parameters.count))
        guard weight != 0 else { return result }
        try withoutGradients {
            let matrices = model.store.parameters(matching: layers).map(\.tensor)
            let norms = try Tensor.stacked(Tensor.norms(of: matrices))
            let values = zip(matrices, try norms.values(as: Double.self))
            let lengths = Dictionary(
                uniqueKeysWithValues: values.map { (ObjectIdentifier($0), $1) })
            result.loss = try sum(result.loss, penalty(norms.sum()))
            // One by one, and not by autograd: it would hold a second gradient of every matrix.
            for (index, parameter) in parameters.enumerated() {
                guard let length = lengths[ObjectIdentifier(parameter)], length > 0 else {
                    continue
                }
                try result.add(parameter * (weight * share / length), at: index)
            }
        }
        return result
    }

    /// What the base asks for.
    public func constrain(_ model: Base.Model) throws { try base?.constrain(model) }
    /// What the base has learned.
    public var state: String? { get throws { try base?.state } }
    /// Gives the base back what it had learned.
    public func restore(_ state: String) throws { try base?.restore(state) }

    /// The weighted norm as the total, the plain one as its term.
    private func penalty(_ norm: Tensor) throws -> Loss {
        Loss(try weight * norm, terms: [Loss.Term("norm", norm)])
    }

    private func sum(_ task: Loss, _ penalty: Loss) throws -> Loss {
        var totals = [task.total, penalty.total].compactMap { $0 }
        if totals.count == 2 { totals = [try totals[0] + totals[1]] }
        return Loss(totals.first, terms: task.terms + penalty.terms)
    }
}
