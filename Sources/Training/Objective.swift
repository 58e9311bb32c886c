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

/// Something to minimize over batches: a pre-training loss, a task, an attack, a defense.
public protocol Objective {
    /// The model whose parameters it moves.
    associatedtype Model: TrainableModel
    /// What it reads a batch as.
    associatedtype Batch: SampleBatch

    /// The loss of `model` on one batch.
    func loss(of model: Model, on batch: Batch, in pass: Pass) throws -> Loss
}
