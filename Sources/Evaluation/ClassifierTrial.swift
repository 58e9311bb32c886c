import DataPipeline
import Foundation
import Randomness
import Training

/// Test samples, and triggers to put into them.
protocol Trial {
    /// The names of the labels; labels are their indices.
    var labelNames: [String] { get }
    /// The true label of each test sample.
    var truth: [Int] { get }
    /// The triggers to try, as reports name them.
    var triggerNames: [String] { get }
}

/// A model on a task, whatever its samples are: how a classifier is made of it, and what that
/// answers with a trigger in every test sample.
protocol ClassifierTrial: Trial {
    associatedtype Goal: Objective
    associatedtype Source: BatchSource where Source.Batch == Goal.Batch

    /// A trainer of a classifier.
    func trainer(seed: Seed) throws -> Trainer<Goal, Source>
    /// The answers to all test samples with the trigger of that index in them, or with none.
    func answers(of model: Goal.Model, trigger: Int?, seed: Seed) throws -> TrialAnswers
}

/// What a classifier answers to all test samples.
struct TrialAnswers {
    /// The predicted label of each.
    var labels: [Int]
    /// In how many of them the trigger is not to be seen.
    var lost = 0
}

extension ClassifierTrial {
    /// Makes a classifier with each seed and measures it.
    func results(
        seeds: [Seed], filter: AttackSuccess.Filter,
        observe: (Evaluator.Progress) throws -> Void
    ) throws -> [SeedResult] {
        try seeds.map { seed in
            let trainer = try trainer(seed: seed)
            var summary = RunSummary()
            while let event = try trainer.next() {
                summary.note(event)
                try observe(.training(seed, event))
            }
            return try measure(summary, seed: seed, filter: filter, observe: observe) {
                try answers(of: trainer.model, trigger: $0, seed: seed)
            }
        }
    }
}

extension Trial {
    /// Counts what a classifier `answers` to all test samples, with the trigger of an index in them
    /// or with none; `summary` is that of its training, if it was trained.
    func measure(
        _ summary: RunSummary = RunSummary(), seed: Seed?, filter: AttackSuccess.Filter,
        observe: (Evaluator.Progress) throws -> Void,
        answers: (_ trigger: Int?) throws -> TrialAnswers
    ) throws -> SeedResult {
        let clock = ContinuousClock.now
        let passes = triggerNames.count + 1
        let success = try AttackSuccess(
            truth: truth, cleanPredictions: answers(nil).labels, labelNames: labelNames,
            filter: filter)
        try observe(.measuring(seed, done: 1, of: passes))
        let results = try triggerNames.enumerated().map { index, name in
            let answers = try answers(index)
            let result = try success.result(
                of: name, predictions: answers.labels, lost: answers.lost)
            try observe(.measuring(seed, done: index + 2, of: passes))
            return result
        }
        return SeedResult(
            seed: seed, accuracy: success.accuracy, triggers: results,
            trainSeconds: summary.seconds,
            evalSeconds: (ContinuousClock.now - clock) / .seconds(1),
            finalLoss: summary.finalTerms["classification"])
    }
}
