import ModelZoo
import Torch
import TorchNN
import Training

/// Plain distillation, a baseline: the model is trained towards its own frozen copy's features on
/// clean data, with dropout, and what only triggers reach may fade.
public struct Distillation: TrainedDefense {
    /// How it trains.
    public var run: RunSettings

    /// The settings for a family of models.
    public init(defaults: PaperDefaults) { run = RunSettings(defaults) }

    /// `distillation`.
    public var name: String { "distillation" }
    /// What reports say of it.
    public var facts: [Fact] { [] }
    /// What is trained in a model of some family.
    public func trained(_ defaults: PaperDefaults) -> ParameterPattern { .all }

    /// The model of `task`, loaded for training, and what is minimized.
    public func prepare<Task: PretrainingTask>(
        _ task: Task, device: Device, observe: (TrainingEvent) -> Void
    ) throws -> (model: Task.Model, objective: any Objective<Task.Model, Task.Batch>) {
        let frozen = try task.backbone(
            run.placement(on: device, training: .none), seed: run.seed)
        let model = try task.backbone(
            run.placement(on: device, training: trained(task.defaults)), seed: run.seed)
        return (model, try Anchored(to: frozen, of: task))
    }
}
