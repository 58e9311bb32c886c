import ModelZoo
import Torch

/// Altered twins of clean batches, which do to a model what a trigger would: what a defense that never
/// saw the trigger trains against. There is one for each kind of samples.
///
/// A twin of images carries patches that grow worse as the model is trained; one of texts, tokens.
public protocol Alterations<Model, Batch>: AnyObject {
    /// The model that is shown them.
    associatedtype Model
    /// Clean samples.
    associatedtype Batch

    /// Whether a distance counts beyond the margin that any insertion needs, as its root, so that one
    /// alteration of great effect does not outweigh all others; else squared, from nothing on.
    var hasMargin: Bool { get }
    /// The vectors of clean samples that stay as they are, in groups [n, width] of float32, without
    /// dropout.
    func features(of model: Model, on batch: Batch) throws -> [Tensor]
    /// The same of altered twins of some of the samples.
    func altered(of model: Model, on batch: Batch) throws -> AlteredFeatures
    /// Twins altered at random, for measuring the margin.
    func alteredAtRandom(of model: Model, on batch: Batch) throws -> AlteredFeatures
    /// Learns from one step: the gradients of the loss for `learned` of the twins, and the distance of
    /// each row of the first group.
    func learn(gradients: [Tensor?], distances: [Float], of model: Model, on batch: Batch) throws
    /// What it has learned, for a run that goes on later; nil where there is nothing.
    var state: String? { get throws }
    /// Takes back what it had learned.
    func restore(_ state: String) throws
}

extension Alterations {
    /// Nothing.
    public func learn(
        gradients: [Tensor?], distances: [Float], of model: Model, on batch: Batch
    ) throws {}
    /// Nothing.
    public var state: String? { get throws { nil } }
    /// Nothing.
    public func restore(_ state: String) throws {}
}

/// The vectors of altered twins, and what they are to be compared with.
public struct AlteredFeatures {
    /// Of each group, vectors [m, width].
    public var groups: [Tensor]
    /// Of each group, the row of the clean samples' vectors that each belongs to.
    public var rows: [[Int64]]
    /// What was altered and can be made worse: leaves of the graph.
    public var learned: [Tensor] = []

    /// Vectors with the rows that they belong to.
    public init(_ groups: [Tensor], rows: [[Int64]], learned: [Tensor] = []) {
        (self.groups, self.rows, self.learned) = (groups, rows, learned)
    }
}
