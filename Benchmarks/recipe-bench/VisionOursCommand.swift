import ArgumentParser
import Foundation
import RecipeKit

struct VisionOursCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vision-ours",
        abstract: "Run what `recipe purify` runs on images for some steps; print a line of JSON.",
        discussion: """
            The trainer is RECIPE's own with the architecture's defaults, dropout included, over \
            images that were decoded once. --agree takes them in their order and without dropout, so \
            that Oracle/vision_loop.py with --dropout 0 must have the same losses.
            """)

    @Argument(help: "The model's folder.", transform: URL.init(fileURLWithPath:))
    var model: URL
    @Argument(
        help: "A file with a label and an image file a line, a tab between.",
        transform: URL.init(fileURLWithPath:))
    var photographs: URL
    @Option(help: "Optimizer steps in all.")
    var steps = 8
    @Flag(help: "Train as the other side does, without dropout and in the files' order.")
    var agree = false
    @OptionGroup var options: OurOptions

    func validate() throws { try options.check(steps: steps) }

    func run() throws {
        try options.prepare()
        let folder = try ImageModelFolder(model)
        let (images, decodeSeconds) = try Photographs(list: photographs).prepared(
            for: folder, threads: options.threads)
        var recipe = RECIPE(defaults: folder.configuration.paperDefaults)
        recipe.run.precision = options.precision
        // The rate is constant, so that a run that is longer or shorter takes the same steps.
        let batches = max(1, images.count / recipe.run.batchSize)
        recipe.run.training.epochs = (steps + batches - 1) / batches
        var measurement = try measure(recipe, folder, images)
        measurement.decodeSeconds = decodeSeconds
        print(try measurement.line())
    }

    private func measure(
        _ recipe: RECIPE, _ folder: ImageModelFolder, _ images: PreparedImages
    ) throws -> LoopMeasurement {
        let kind = agree ? BatchOrder.Kind.sequential : .shuffled
        let source = SampledSource.classified(
            images, order: BatchOrder(kind, batchSize: recipe.run.batchSize), seed: recipe.run.seed)
        let firstBatchSeconds = try MeasuredRun.secondsToFirstBatch(of: source)
        let began = ContinuousClock.now
        let trainer =
            agree
            ? try Self.agreeing(recipe, folder, source)
            : try recipe.trainer(for: ImageTask(folder, images: images))
        let loadSeconds = (ContinuousClock.now - began) / .seconds(1)
        return try LoopMeasurement(
            MeasuredRun(trainer, steps: steps), warmupSteps: options.warmupSteps,
            batchSize: recipe.run.batchSize, loadSeconds: loadSeconds,
            firstBatchSeconds: firstBatchSeconds,
            dropout: agree ? 0 : folder.configuration.dropout)
    }

    /// RECIPE's objective on the folder's model, but without dropout and over `source`.
    private static func agreeing(
        _ recipe: RECIPE, _ folder: ImageModelFolder, _ source: SampledSource<ImageBatch>
    ) throws -> any TrainingRun<AnyImageModel> {
        let weights = CheckpointSource(
            folder.folder.weights, dialect: folder.dialect, at: folder.folder.url)
        let placement = Placement(
            computeType: recipe.run.precision.computeType(on: .cpu), trainable: .all)
        let model = try folder.configuration.withoutDropout.model(
            in: ParameterStore(source: weights, placement: placement))
        return try Trainer(
            model,
            objective: NormRegularized(
                ImageClassification(folder.processor.normalization), layers: model.recipeWeights,
                weight: recipe.weight),
            source: source, settings: recipe.run.training, seed: recipe.run.seed)
    }
}
