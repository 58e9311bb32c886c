import RecipeKit

/// A defense of one's own, whole: the norm of RECIPE's weights is made small while the feature vectors
/// of clean data stay where the suspect model has them. No pre-training loss, no labels, no head; texts,
/// images and pairs alike.
public struct AnchoredShrinking: TrainedDefense {
    /// λ, the weight of the norms.
    public var weight = 1.0
    /// How it trains.
    public var run: RunSettings

    /// The settings for a family of models.
    public init(defaults: PaperDefaults) { run = RunSettings(defaults) }

    /// The line by which it is known: `Defenses.add(AnchoredShrinking.method)`, or one more line in
    /// `Defenses.all` where it is part of recipe.
    public static let method = DefenseMethod(
        "anchored-shrinking", "shrinking with clean features held in their places"
    ) { AnchoredShrinking(defaults: $0) }

    /// As in `--method`.
    public var name: String { Self.method.name }
    /// λ, or 0 where no norm is made small.
    public var normWeight: Double { weight }
    /// What reports say of it.
    public var facts: [Fact] { [Fact("weight λ", "\(weight)")] }

    /// The model of `task`, loaded for training, and what is minimized.
    public func prepare<Task: PretrainingTask>(
        _ task: Task, device: Device, observe: (TrainingEvent) -> Void
    ) throws -> (model: Task.Model, objective: any Objective<Task.Model, Task.Batch>) {
        let frozen = try task.backbone(
            run.placement(on: device, training: .none), seed: run.seed)
        let model = try task.backbone(
            run.placement(on: device, training: trained(task.defaults)), seed: run.seed)
        return (
            model,
            NormRegularized(
                try Anchored(to: frozen, of: task), layers: task.defaults.regularized,
                weight: weight)
        )
    }
}
