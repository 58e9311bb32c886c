import Foundation
import ModelZoo

/// A trainer of a BERT, whatever it minimizes: what the commands and reports need to know of it.
public protocol TrainingRun: AnyObject {
    /// What is trained.
    var bert: BERT { get }
    /// Optimizer steps of the whole run.
    var totalSteps: Int { get }
    /// Optimizer steps done.
    var stepsDone: Int { get }
    /// Does the next piece of work; nil at the end.
    func next() throws -> TrainingEvent?
    /// Writes what the run needs to go on.
    func save(to url: URL) throws
    /// Goes on from a snapshot of the same run.
    func restore(from url: URL) throws
}

extension Trainer: TrainingRun where Goal.Model == BERT {
    /// What is trained.
    public var bert: BERT { model }
}
