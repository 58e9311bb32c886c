import DataPipeline
import ModelZoo
import Torch
import TorchNN
import Training

/// Regularized continual pre-training (paper, section 4 and appendix A): L = L_PT + λ Σ ‖Wᵢ‖ over a
/// model and data of any kind.
public struct RECIPE: TrainedDefense {
    /// What L_PT is.
    public enum PretrainingLoss: String, Sendable, Codable, CaseIterable {
        /// The model's own: masked words, the images' classes, captions of images.
        case own
        /// The distance of the features from the suspect model's own on the same clean data, for
        /// images without classes. It is not in the paper.
        case distillation
        /// Nothing: the ablation "only regularization".
        case none
    }

    /// λ, the weight of the norms; 0 is the ablation "only pre-train".
    public var weight = 1.0
    /// What L_PT is.
    public var pretrainingLoss = PretrainingLoss.own
    /// How it trains.
    public var run: RunSettings

    /// The settings for a family of models.
    public init(defaults: PaperDefaults) { run = RunSettings(defaults) }

    /// `recipe`.
    public var name: String { "recipe" }
    /// λ, or 0 where no norm is made small.
    public var normWeight: Double { weight }
    /// Whether the objective has the model's own pre-training loss.
    public var hasPretrainingLoss: Bool { pretrainingLoss == .own }
    /// What reports say of it.
    public var facts: [Fact] {
        [
            Fact("weight λ", "\(weight)"),
            Fact("pre-training loss", pretrainingLoss.rawValue),
        ]
    }

    /// The model of `task`, loaded for training, and what is minimized.
    public func prepare<Task: PretrainingTask>(
        _ task: Task, device: Device, observe: (TrainingEvent) -> Void
    ) throws -> (model: Task.Model, objective: any Objective<Task.Model, Task.Batch>) {
        let placement = run.placement(on: device, training: trained(task.defaults))
        let model: Task.Model
        let base: AnyObjective<Task.Model, Task.Batch>?
        switch pretrainingLoss {
        case .own:
            let pretraining = try task.pretraining(
                run, placement, whole: false, observe: observe)
            (model, base) = (pretraining.model, AnyObjective(pretraining.loss))
        case .distillation:
            let reference = try task.backbone(
                run.placement(on: device, training: .none), seed: run.seed)
            model = try task.backbone(placement, seed: run.seed)
            base = AnyObjective(try Anchored(to: reference, of: task))
        case .none: (model, base) = (try task.backbone(placement, seed: run.seed), nil)
        }
        return (
            model, NormRegularized(base, layers: task.defaults.regularized, weight: weight)
        )
    }
}
