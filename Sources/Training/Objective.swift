import DataPipeline
import Torch
import TorchNN

/// A model that a trainer can train: something with parameters by name.
public protocol TrainableModel {
    /// All parameters.
    var store: ParameterStore { get }
}

/// Samples that go through a model together.
public protocol SampleBatch: Sendable {
    /// How many samples there are.
    var rows: Int { get }
}

extension TokenBatch: SampleBatch {}
extension ImageBatch: SampleBatch {}

/// What a batch costs, and of what that is made.
public struct Loss {
    /// A named part of the loss, not yet read from the device.
    public struct Term {
        /// What it is called in events.
        public let name: String
        /// A scalar, before any weight.
        public let value: Tensor

        /// A named part.
        public init(_ name: String, _ value: Tensor) {
            self.name = name
            self.value = value
        }
    }

    /// The scalar that is minimized; nil where the batch gives nothing to learn from.
    public let total: Tensor?
    /// Its parts.
    public let terms: [Term]

    /// A loss made of `terms`.
    public init(_ total: Tensor?, terms: [Term]) {
        self.total = total
        self.terms = terms
    }
}

extension Loss {
    /// The gradient of `share` times the total for each of `parameters`; nil where that does not
    /// depend on one, and for all of them where it depends on none.
    public func gradients(for parameters: [Tensor], share: Double = 1) throws -> [Tensor?] {
        guard let total, total.requiresGradient else {
            return [Tensor?](repeating: nil, count: parameters.count)
        }
        return try (share == 1 ? total : total * share).gradients(for: parameters)
    }
}

/// What a batch costs, and how that grows with each of some parameters.
public struct LossGradients {
    /// The whole batch's loss.
    public var loss: Loss
    /// A gradient for each of the parameters; nil where the loss does not depend on one.
    public private(set) var gradients: [Tensor?]

    /// A loss and its gradients.
    public init(_ loss: Loss, _ gradients: [Tensor?]) {
        self.loss = loss
        self.gradients = gradients
    }

    /// Adds gradients of the same parameters, whose memory no one else may use.
    public mutating func add(_ others: [Tensor?]) throws {
        precondition(others.count == gradients.count, "a gradient or nil for each parameter")
        for (index, other) in others.enumerated() {
            if let other { try add(other, at: index) }
        }
    }

    /// Adds a gradient of one parameter, whose memory no one else may use.
    public mutating func add(_ other: Tensor, at index: Int) throws {
        if let own = gradients[index] { try withoutGradients { try other.add(own) } }
        gradients[index] = other
    }
}

/// Something to minimize over batches: a pre-training loss, a task, an attack, a defense.
///
/// One that is made of another passes `gradients` and `constrain` on to it.
public protocol Objective<Model, Batch> {
    /// The model whose parameters it moves.
    associatedtype Model: TrainableModel
    /// What it reads a batch as.
    associatedtype Batch: SampleBatch

    /// The loss of `model` on one batch.
    func loss(of model: Model, on batch: Batch, in pass: Pass) throws -> Loss

    /// The loss of `model` on one batch, and the gradient of `share` times it for each of
    /// `parameters`, which are tensors of the model's store.
    ///
    /// By default one backward pass over `loss`. An objective whose batch is larger than what fits in
    /// memory computes both its own way.
    func gradients(
        of model: Model, on batch: Batch, for parameters: [Tensor], share: Double, in pass: Pass
    ) throws -> LossGradients

    /// Brings parameters back to where they may be, after each step of the optimizer; by default
    /// they may be anywhere.
    func constrain(_ model: Model) throws

    /// What it has learned beside the model, which snapshots keep; nil where that is nothing.
    var state: String? { get throws }
    /// Takes back what it had learned when a snapshot was made.
    func restore(_ state: String) throws
}

extension Objective {
    /// One backward pass over `loss`.
    public func gradients(
        of model: Model, on batch: Batch, for parameters: [Tensor], share: Double, in pass: Pass
    ) throws -> LossGradients {
        let loss = try loss(of: model, on: batch, in: pass)
        return LossGradients(loss, try loss.gradients(for: parameters, share: share))
    }

    /// Leaves all parameters where they are.
    public func constrain(_ model: Model) throws {}

    /// Nothing.
    public var state: String? { get throws { nil } }
    /// Nothing.
    public func restore(_ state: String) throws {}
}
