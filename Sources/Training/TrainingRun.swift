import Foundation

/// A trainer, whatever it minimizes: what jobs, commands and reports need to know of it.
public protocol TrainingRun<Model>: AnyObject {
    /// What a run trains.
    associatedtype Model: TrainableModel
    /// What is trained.
    var model: Model { get }
    /// Optimizer steps of the whole run.
    var totalSteps: Int { get }
    /// Optimizer steps done.
    var stepsDone: Int { get }
    /// Epochs done; nil in the middle of one.
    var epochsDone: Int? { get }
    /// The mean ‖W(t)‖ / ‖W(0)‖ at which the run was ended before its last step, or nil.
    var stoppedAt: Double? { get }
    /// Does the next piece of work; nil at the end.
    func next() throws -> TrainingEvent?
    /// Writes what the run needs to go on.
    func save(to url: URL) throws
    /// Goes on from a snapshot of the same run.
    func restore(from url: URL) throws
}

extension Trainer: TrainingRun {
    /// What is trained.
    public typealias Model = Goal.Model
}
