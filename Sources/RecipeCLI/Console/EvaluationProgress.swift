import DataPipeline
import Evaluation
import Randomness
import Training

/// Shows an evaluation's training and measuring as progress, and records the training.
final class EvaluationProgress {
    private let console: Console
    private let records: RunDirectory?
    private var training: TrainingProgress?
    private var measuring: ProgressReporter?

    init(on console: Console, _ records: RunDirectory?) {
        self.console = console
        self.records = records
    }

    func show(_ progress: Evaluator.Progress) throws {
        switch progress {
        case .training(let seed, let event):
            if case .started = event {
                training = TrainingProgress("fine-tune, seed \(seed.value)", on: console)
            }
            training?.show(event)
            try records?.append(event)
        case .measuring(let seed, let done, let total):
            if done == 1 {
                let title = seed.map { "measure, seed \($0.value)" } ?? "measure"
                measuring = ProgressReporter(title, total: total, unit: "run", on: console)
            }
            measuring?.update(completed: done)
            if done == total { measuring?.finish() }
        }
    }
}
