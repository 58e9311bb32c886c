import ModelZoo
import Torch
import TorchNN

/// Takes from altered inputs what they do: the features of a batch's altered twin are drawn to those
/// that the frozen reference has of the clean batch, beyond a margin that any alteration needs.
///
/// The loss is the mean over rows of max(0, √d(f(x′), f₀(x)) − √τ), d as in ``Anchored``. The root
/// keeps one alteration of great effect from outweighing all others.
public struct Unlearned<Task: PretrainingTask>: Objective {
    /// The model of the task.
    public typealias Model = Task.Model
    /// A batch of the task.
    public typealias Batch = Task.Batch
    /// What clean features are, and how distances are measured.
    public let anchor: Anchored<Task>
    /// τ, the squared distance that is allowed; 0 for none.
    public var margin: Double
    private let task: Task
    private let alter: (Batch) throws -> Batch

    /// Draws what `alter` makes of each batch to the clean batch's features.
    public init(
        _ task: Task, anchor: Anchored<Task>, margin: Double = 0,
        alter: @escaping (Batch) throws -> Batch
    ) {
        (self.task, self.anchor, self.margin, self.alter) = (task, anchor, margin, alter)
    }

    /// The mean distance beyond the margin.
    public func loss(of model: Model, on batch: Batch, in pass: Pass) throws -> Loss {
        let kept = try anchor.kept(batch)
        let features = try task.features(of: model, on: alter(batch), in: pass)
        // The root's slope at nothing is without bound.
        let distances = try (anchor.distances(features, kept) + 1e-12).squareRoot()
        let loss = try (distances - margin.squareRoot()).relu().mean()
        return Loss(loss, terms: [Loss.Term("unlearning", loss)])
    }
}
