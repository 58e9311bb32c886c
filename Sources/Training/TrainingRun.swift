import DataPipeline
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
    /// Losses of the steps done.
    var history: RunHistory { get }
    /// The files that the run reads, so that snapshots know them.
    var inputs: RunInputs? { get set }
    /// In what a snapshot that the run went on from was of another run.
    var acceptedChanges: [String] { get }
    /// The samples that the steps done used, where digests of them can be had.
    func dataDigest() -> DataDigest?
    /// Each regularized matrix with its norm at the beginning and now.
    func watchedNorms() throws -> [NormChange]
    /// Takes down what snapshots must know of the beginning.
    func prepareSnapshots() throws
    /// Writes what the run needs to go on.
    func save(to url: URL) throws
    /// Goes on from a snapshot of the same run, or with `acceptingChanges` of another that fits.
    func restore(from url: URL, acceptingChanges: Bool) throws
}

extension TrainingRun {
    /// Goes on from a snapshot of the same run.
    public func restore(from url: URL) throws { try restore(from: url, acceptingChanges: false) }
}

extension Trainer: TrainingRun {
    /// What is trained.
    public typealias Model = Goal.Model
}
