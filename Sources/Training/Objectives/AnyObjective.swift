import Foundation
import Torch
import TorchNN

/// An objective of whichever kind over a model and its batches.
public struct AnyObjective<Model: TrainableModel, Batch: SampleBatch>: Objective {
    /// The objective itself.
    public let base: any Objective<Model, Batch>

    /// Hides of which kind `base` is.
    public init(_ base: any Objective<Model, Batch>) { self.base = base }

    /// The loss of `base`.
    public func loss(of model: Model, on batch: Batch, in pass: Pass) throws -> Loss {
        try base.loss(of: model, on: batch, in: pass)
    }

    /// The gradients of `base`, computed its own way.
    public func gradients(
        of model: Model, on batch: Batch, for parameters: [Tensor], share: Double, in pass: Pass
    ) throws -> LossGradients {
        try base.gradients(of: model, on: batch, for: parameters, share: share, in: pass)
    }

    /// What `base` asks for.
    public func constrain(_ model: Model) throws { try base.constrain(model) }
    /// What `base` has learned.
    public var state: String? { get throws { try base.state } }
    /// Gives `base` back what it had learned.
    public func restore(_ state: String) throws { try base.restore(state) }
}

/// A sum of objectives, each with its weight.
public struct WeightedSum<Model: TrainableModel, Batch: SampleBatch>: Objective {
    /// The objectives and their weights.
    public let parts: [(weight: Double, objective: any Objective<Model, Batch>)]

    /// The sum of `parts`.
    public init(_ parts: [(weight: Double, objective: any Objective<Model, Batch>)]) {
        self.parts = parts
    }

    /// The weighted sum; the terms are those of all parts, without weights.
    public func loss(of model: Model, on batch: Batch, in pass: Pass) throws -> Loss {
        var total: Tensor?
        var terms: [Loss.Term] = []
        for (weight, objective) in parts where weight != 0 {
            let loss = try objective.loss(of: model, on: batch, in: pass)
            terms += loss.terms
            guard let part = try loss.total.map({ weight == 1 ? $0 : try $0 * weight }) else {
                continue
            }
            total = try total.map { try $0 + part } ?? part
        }
        return Loss(total, terms: terms)
    }

    /// The gradients of all parts, each computed its own way.
    public func gradients(
        of model: Model, on batch: Batch, for parameters: [Tensor], share: Double, in pass: Pass
    ) throws -> LossGradients {
        var result = LossGradients(
            Loss(nil, terms: []), [Tensor?](repeating: nil, count: parameters.count))
        for (weight, objective) in parts where weight != 0 {
            let part = try objective.gradients(
                of: model, on: batch, for: parameters, share: share * weight, in: pass)
            try result.add(part.gradients)
            let scaled = try part.loss.total.map { weight == 1 ? $0 : try $0 * weight }
            let total = try result.loss.total.map { sum in try scaled.map { try sum + $0 } ?? sum }
            result.loss = Loss(total ?? scaled, terms: result.loss.terms + part.loss.terms)
        }
        return result
    }

    /// What each part asks for.
    public func constrain(_ model: Model) throws {
        for part in parts { try part.objective.constrain(model) }
    }

    /// What each part has learned, as a JSON list; nil where none has.
    public var state: String? {
        get throws {
            let states = try parts.map { try $0.objective.state }
            guard states.contains(where: { $0 != nil }) else { return nil }
            return String(decoding: try JSONEncoder().encode(states), as: UTF8.self)
        }
    }

    /// Gives each part back what it had learned.
    public func restore(_ state: String) throws {
        let states = try JSONDecoder().decode([String?].self, from: Data(state.utf8))
        for (part, state) in zip(parts, states) {
            if let state { try part.objective.restore(state) }
        }
    }
}
