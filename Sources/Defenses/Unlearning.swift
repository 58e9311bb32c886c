import ModelZoo
import Torch
import TorchNN
import Training

/// Unlearning: inputs that are altered as a trigger alters them are given the features of the clean input,
/// while clean features stay. Nothing is known of the trigger; with `suspects`, what an audit found, texts
/// are altered by those half of the time. It is not in the paper.
public struct Unlearning: TrainedDefense {
    /// Words and phrases that texts are altered by, beside random tokens.
    public var suspects: [String] = []
    /// How it trains.
    public var run: RunSettings

    /// The settings for a family of models.
    public init(defaults: PaperDefaults) {
        run = RunSettings(defaults.unlearning.training, batchSize: defaults.unlearning.batchSize)
    }

    /// `unlearn`.
    public var name: String { "unlearn" }
    /// What reports say of it.
    public var facts: [Fact] {
        [Fact("steps at most", run.training.steps.map { "\($0)" } ?? "all of the epochs")]
            + (suspects.isEmpty
                ? [] : [Fact("suspects", suspects.joined(separator: ", "))])
    }
    /// All that makes features of embedded inputs.
    public func trained(_ defaults: PaperDefaults) -> ParameterPattern { defaults.encoder }

    /// The model of `task`, loaded for training, and what is minimized.
    public func prepare<Task: PretrainingTask>(
        _ task: Task, device: Device, observe: (TrainingEvent) -> Void
    ) throws -> (model: Task.Model, objective: any Objective<Task.Model, Task.Batch>) {
        let frozen = try task.featureModel(
            run.placement(on: device, training: .none), seed: run.seed)
        let model = try task.featureModel(
            run.placement(on: device, training: trained(task.defaults)), seed: run.seed)
        return (
            model,
            try Unlearned(
                task, reference: frozen, task.alterations(suspects: suspects, seed: run.seed))
        )
    }
}
