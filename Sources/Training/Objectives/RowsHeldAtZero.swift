import Torch
import TorchNN

/// Another objective, under which chosen rows of parameters are zero after every step: neurons that
/// were pruned do not grow back.
public struct RowsHeldAtZero<Base: Objective>: Objective {
    /// What is minimized.
    public var base: Base
    /// Where rows are held, by the parameter's name.
    private let masks: [String: Tensor]

    /// `base` with these rows, by the parameter's name, held at zero in `model`, whose parameters
    /// they are.
    public init(_ base: Base, rows: [String: [Int]], of model: Base.Model) throws {
        self.base = base
        var masks: [String: Tensor] = [:]
        for (name, held) in rows {
            guard let parameter = model.store[name], let count = parameter.shape.first else {
                continue
            }
            var mask = [Bool](repeating: false, count: count)
            for row in held where mask.indices.contains(row) { mask[row] = true }
            let others = [Int](repeating: 1, count: parameter.rank - 1)
            masks[name] = try Tensor(mask, shape: [count] + others, device: parameter.device)
        }
        self.masks = masks
        try clear(model)
    }

    /// The base's loss.
    public func loss(of model: Base.Model, on batch: Base.Batch, in pass: Pass) throws -> Loss {
        try base.loss(of: model, on: batch, in: pass)
    }

    /// The base's gradients.
    public func gradients(
        of model: Base.Model, on batch: Base.Batch, for parameters: [Tensor], share: Double,
        in pass: Pass
    ) throws -> LossGradients {
        try base.gradients(of: model, on: batch, for: parameters, share: share, in: pass)
    }

    /// What the base asks for, then the rows at zero.
    public func constrain(_ model: Base.Model) throws {
        try base.constrain(model)
        try clear(model)
    }

    /// What the base has learned.
    public var state: String? { get throws { try base.state } }
    /// Gives the base back what it had learned.
    public func restore(_ state: String) throws { try base.restore(state) }

    private func clear(_ model: Base.Model) throws {
        try withoutGradients {
            for (name, mask) in masks {
                guard let parameter = model.store[name] else { continue }
                try parameter.assign(parameter.filled(where: mask, with: 0))
            }
        }
    }
}
