import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Provenance
import Reports
import Torch
import Training

extension PurifyCommand {
    private func recipe(for configuration: ImageConfiguration) -> ImageRECIPE {
        var recipe = ImageRECIPE(for: configuration)
        recipe.weight = weight ?? recipe.weight
        recipe.pretrainingLoss =
            noPretrainingLoss ? .none : labels == ImageLabels.none ? .distillation : .classification
        recipe.epochs = epochs ?? recipe.epochs
        recipe.training.epochs = recipe.epochs
        recipe.training.learningRate = learningRate ?? recipe.training.learningRate
        recipe.training.accumulation = accumulation
        recipe.training.stopRatio = dynamics.stopRatio
        if let optimizer { recipe.training.optimizer = optimizer.configuration }
        recipe.batchSize = batchSize ?? recipe.batchSize
        recipe.precision = compute.precision
        recipe.seed = Seed(seed)
        return recipe
    }

    /// Purifies an image model with the images at `url`.
    func purify(with url: URL) throws {
        let device = try compute.prepare()
        let claim = try out.claim(reading: inputs, resuming: snapshots.resume)
        defer { claim.release() }
        let folder = try ImageModelFolder(model, for: out.examination)
        let recipe = recipe(for: folder.configuration)
        let needsClasses = recipe.pretrainingLoss == .classification
        let set = try imageOptions.read(
            url, part: nil, labels: needsClasses ? .folder : ImageLabels.none)
        let prepared = try imageOptions(drawing: samples).prepare(
            set, for: folder, seed: recipe.seed)
        var job = ImagePurification(recipe)
        job.inputs = claim.inputs
        job.device = device
        job.force = out.force
        job.snapshots = snapshots.policy(in: out.runFolder)
        job.keptEpochs = try dynamics.kept()
        job.proof = card.proof(reading: [DataSource("images", url)])
        job.caveats = Caveat.of(set)
        let records = try out.records(
            of: "purify", inputs: [model.path, url.path], settings: recipe,
            snapshots: snapshots, device: device)
        let progress = ImagePurificationProgress(recipe, on: .standard)
        let report = try records.removedIfNothingHappens {
            try job.run(
                folder, images: prepared, output: out.output, records: records,
                observe: progress.show
            ) { report, folder in
                try record(
                    PurificationSummary(report, images: url.path, command: Invocation.text),
                    of: report, at: folder, in: records)
            }
        }
        try show(report, as: text(report, unit: "images"))
    }
}

/// Shows what a purification of an image model says as it goes.
private final class ImagePurificationProgress {
    private let console: Console
    private let recipe: ImageRECIPE
    private let fitting: TrainingProgress
    private let purifying: TrainingProgress

    init(_ recipe: ImageRECIPE, on console: Console) {
        self.console = console
        self.recipe = recipe
        fitting = TrainingProgress("fit a head", on: console)
        purifying = TrainingProgress("purify", on: console)
    }

    func show(_ progress: ImagePurification.Progress) {
        switch progress {
        case .fitting(let event): fitting.show(event)
        case .purifying(let event): purifying.show(event)
        case .caveat(let caveat): console.tell(caveat)
        case .budget(let budget):
            let share =
                if case .sgd = recipe.training.optimizer {
                    "\(NumberText.fixed(budget.share, decimals: 2)) of the median ‖W‖ "
                } else {
                    "taken from each number; the median ‖W‖ is "
                }
            console.log(
                "norm budget: λ · Σ rate is \(NumberText.short(budget.budget, digits: 3)), \(share)"
                    + "\(NumberText.short(budget.medianNorm, digits: 3)) (the smallest is "
                    + "\(NumberText.short(budget.smallestNorm, digits: 3))); the norms alone would "
                    + "leave \(NumberText.fixed(budget.predictedRatio, decimals: 3)) of ‖W‖")
            if case .sgd = recipe.training.optimizer, budget.budget > budget.smallestNorm {
                console.warn(
                    "the budget is more than the smallest ‖W‖: that matrix may be lost, and the model "
                        + "with it, unless L_PT gives back what is taken; --learning-rate, --epochs "
                        + "or --weight make it less")
            }
        }
    }
}
