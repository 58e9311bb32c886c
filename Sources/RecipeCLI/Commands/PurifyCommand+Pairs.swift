import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Reports
import Torch
import Training

extension PurifyCommand {
    private var clipRecipe: CLIPRECIPE {
        var recipe = CLIPRECIPE()
        recipe.weight = weight ?? recipe.weight
        recipe.hasPretrainingLoss = !noPretrainingLoss
        recipe.epochs = epochs ?? recipe.epochs
        recipe.training.epochs = recipe.epochs
        recipe.training.learningRate = learningRate ?? recipe.training.learningRate
        recipe.training.accumulation = accumulation
        recipe.training.stopRatio = dynamics.stopRatio
        if let optimizer { recipe.training.optimizer = optimizer.clipConfiguration() }
        recipe.batchSize = batchSize ?? recipe.batchSize
        recipe.chunkSize = pairOptions.chunkSize
        recipe.precision = compute.precision
        recipe.seed = Seed(seed)
        return recipe
    }

    /// Purifies a CLIP with the images and captions at `url`.
    func purify(withPairs url: URL) throws {
        let device = try compute.prepare()
        let claim = try out.claim(reading: inputs, resuming: snapshots.resume)
        defer { claim.release() }
        let folder = try CLIPFolder(model, for: out.examination)
        try folder.checkWritable(.all)
        let recipe = clipRecipe
        let pairs = try pairOptions.read(
            url, images: images, imageOptions(drawing: samples), for: folder.configuration,
            folder.processor,
            folder.tokenizer(from: pairOptions.tokenizer), seed: recipe.seed)
        try claim.add([pairs.imageFolder])
        var job = CLIPPurification(recipe)
        job.inputs = claim.inputs
        job.device = device
        job.force = out.force
        job.snapshots = snapshots.policy(in: out.runFolder)
        job.keptEpochs = try dynamics.kept()
        job.proof = card.proof(reading: pairOptions.sources(images: images))
        let records = try out.records(
            of: "purify", inputs: [model.path, url.path], settings: recipe,
            snapshots: snapshots, device: device)
        let progress = TrainingProgress("purify", on: .standard)
        let report = try records.removedIfNothingHappens {
            try job.run(
                folder, pairs: pairs.prepared, output: out.output, records: records,
                observe: progress.show, tell: Console.standard.tell
            ) { report, folder in
                try record(
                    PurificationSummary(report, pairs: url.path, command: Invocation.text),
                    of: report, at: folder, in: records)
            }
        }
        try show(report, as: text(report, unit: "pairs"))
    }
}
