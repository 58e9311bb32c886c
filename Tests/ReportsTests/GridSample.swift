import DataPipeline
import Evaluation
import Experiments
import Foundation
import Randomness

@testable import Reports
@testable import Training

/// A run of stages made of counts: 1,000 test samples, half of either label, two triggers.
enum GridSample {
    /// The evaluation of seeds, each with its correct answers and each trigger's successes.
    static func evaluation(
        _ seeds: [(correct: Int, cf: Int, mb: Int)], reference: EvaluationReference? = nil
    ) -> EvaluationReport {
        var settings = EvaluationSettings()
        settings.triggers = ["cf", "mb"]
        return EvaluationReport(
            model: "m", data: [], labelNames: ["negative", "positive"], testCount: 1000,
            poolerPolicy: .keep, settings: settings, seeds: results(seeds), reference: reference)
    }

    static func results(_ seeds: [(correct: Int, cf: Int, mb: Int)]) -> [SeedResult] {
        seeds.enumerated().map { index, seed in
            SeedResult(
                seed: Seed(UInt64(42 + index)), accuracy: Proportion(seed.correct, of: 1000),
                triggers: [("cf", seed.cf), ("mb", seed.mb)].map { name, count in
                    TriggerResult(
                        trigger: name, lost: 0,
                        perLabel: [
                            LabelSuccess(label: "negative", proportion: Proportion(count, of: 500)),
                            LabelSuccess(label: "positive", proportion: Proportion(5, of: 500)),
                        ], flip: Proportion(count, of: 1000))
                }, trainSeconds: 1, evalSeconds: 1)
        }
    }

    static func stage(
        _ attack: String, _ defense: String, _ task: String,
        state: StageResult.State = .done, seed: String? = nil, extra: [String: String] = [:],
        _ seeds: [(correct: Int, cf: Int, mb: Int)] = []
    ) -> StageResult {
        var labels = ["attack": attack, "defense": defense, "task": task]
        labels["seed"] = seed
        labels.merge(extra) { $1 }
        return StageResult(
            name: ["evaluate", attack, defense, task, seed].compactMap { $0 }
                .joined(separator: "-"),
            command: "evaluate", labels: labels, state: state,
            seconds: state.isFinished ? 90 : nil,
            outcome: state.isFinished ? .evaluation(evaluation(seeds)) : nil)
    }

    /// Losses and norms of two epochs.
    static let training: RunSummary = {
        var summary = RunSummary()
        summary.note(
            .started(.init(steps: 2, firstStep: 0, samples: 8, trainedElements: 9, watched: 2)))
        for index in 1...2 {
            let scale = 1 / Double(index)
            summary.note(
                .step(
                    .init(
                        step: index, epoch: index - 1, learningRate: 1, loss: 3 * scale,
                        terms: ["mlm": 2 * scale, "norm": 700 * scale], gradientNorm: 1,
                        samples: 4, seconds: Double(index))))
            summary.note(
                .epoch(
                    .init(
                        epoch: index, terms: ["mlm": 2 * scale],
                        normRatios: ["layer.0.weight": scale, "layer.1.weight": scale / 2])))
        }
        summary.note(
            .finished(
                .init(steps: 2, seconds: 2, samplesPerSecond: 4, firstStepSeconds: 1)))
        return summary
    }()

    /// Two attacks and the clean model on two tasks; one stage failed, one waits.
    static let results = GridResults(
        title: "Table 1 at home", about: "BERT of four layers.",
        plan: ReportPlan([
            .table(
                TablePlan(
                    "Table 1 (b)", about: "Purifying BERT.",
                    metrics: [.acc, .aasr, .masr, .excess],
                    floor: LabelFilter(["attack": ["clean"], "defense": ["none"]]),
                    paper: PaperReference(table: 1, fixed: [.model: "bert"]))),
            .figure(
                FigurePlan(
                    .curve, title: "Figure 3", where: LabelFilter(["attack": ["badpre"]]),
                    x: "epoch")),
            .figure(FigurePlan(.overlap, title: "Figure 2")),
            .figure(FigurePlan(.losses)), .figure(FigurePlan(.norms)),
            .figure(
                FigurePlan(
                    .success,
                    where: LabelFilter(["attack": ["por"], "task": ["sst2"]]),
                    series: ["defense"])),
        ]),
        stages: [
            StageResult(
                name: "purify-por", command: "recipe purify", labels: ["attack": "por"],
                state: .cached, seconds: 4000, outcome: .training(training)),
            stage("clean", "none", "sst2", [(900, 50, 60)]),
            stage("clean", "none", "hsol", [(950, 30, 30)]),
            stage("por", "none", "sst2", [(905, 500, 480), (903, 500, 470)]),
            stage("por", "fp", "sst2", [(890, 400, 380), (880, 420, 390)]),
            stage("por", "recipe", "sst2", [(896, 70, 60), (900, 64, 70)]),
            stage("por", "none", "hsol", [(948, 490, 500)]),
            stage("por", "fp", "hsol", state: .failed),
            stage("por", "recipe", "hsol", state: .waiting),
            stage("badpre", "none", "sst2", extra: ["epoch": "0"], [(900, 495, 490)]),
            stage("badpre", "recipe", "sst2", extra: ["epoch": "8"], [(890, 60, 62)]),
            StageResult(
                name: "analyze-por", command: "analyze", labels: ["attack": "por", "task": "sst2"],
                state: .done, seconds: 20,
                outcome: .neurons(
                    NeuronCounts(
                        before: .init(overlap: 0.6, onlyPoisoned: 1455),
                        after: .init(overlap: 0.85, onlyPoisoned: 749)))),
        ])
}
