import ArgumentParser
import Foundation
import RecipeKit

struct CLIPOursCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clip-ours",
        abstract: "Run what `recipe purify` runs on a CLIP for some steps; print a line of JSON.",
        discussion: """
            The trainer is RECIPE's own with its defaults, over images that were decoded and captions \
            that were tokenized once. --agree takes pairs in their order, and the learning rate falls \
            to 0 over the steps asked for, so that Oracle/clip_loop.py must have the same losses.
            """)

    @Argument(help: "The model's folder.", transform: URL.init(fileURLWithPath:))
    var model: URL
    @Argument(
        help: "A table of image and caption, the images beside it.",
        transform: URL.init(fileURLWithPath:))
    var captions: URL
    @Option(help: "Optimizer steps in all.")
    var steps = 5
    @Option(help: "Pairs a step; by default a purification's.")
    var batchSize: Int?
    @Flag(help: "Train as the other side does, in the order of the table.")
    var agree = false
    @OptionGroup var options: OurOptions

    func validate() throws { try options.check(steps: steps) }

    func run() throws {
        try options.prepare()
        let folder = try CLIPFolder(model)
        let began = ContinuousClock.now
        let pairs = try readPairs(for: folder)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        var recipe = RECIPE(defaults: CLIP.paperDefaults)
        recipe.run.precision = options.precision
        recipe.run.batchSize = batchSize ?? recipe.run.batchSize
        let batches = max(1, pairs.count / recipe.run.batchSize)
        recipe.run.training.epochs = (steps + batches - 1) / batches
        var measurement = try measure(recipe, folder, pairs)
        measurement.decodeSeconds = seconds / Double(pairs.count)
        measurement.tokens = Self.tokens(of: pairs, measurement)
        print(try measurement.line())
    }

    /// Decodes the images and tokenizes the captions, as `recipe purify` does.
    private func readPairs(for folder: CLIPFolder) throws -> PreparedPairs {
        let found = try CaptionedImages.read(
            captions, images: captions.deletingLastPathComponent(), maximumSkipped: 0)
        let images = try PreparedImages.prepare(
            found.imageSet, folder.processor.preparation(), maximumSkipped: 0,
            threads: options.threads)
        return PreparedPairs(
            images,
            TokenizedCaptions(
                found.captions(of: images), tokenizer: try folder.tokenizer(),
                length: folder.configuration.text.maximumPositions))
    }

    private func measure(
        _ recipe: RECIPE, _ folder: CLIPFolder, _ pairs: PreparedPairs
    ) throws -> LoopMeasurement {
        let order = BatchOrder(agree ? .sequential : .shuffled, batchSize: recipe.run.batchSize)
        let source = SampledSource.captioned(
            pairs.images, pairs.captions, order: order, seed: recipe.run.seed)
        let firstBatchSeconds = try MeasuredRun.secondsToFirstBatch(of: source)
        let began = ContinuousClock.now
        let trainer =
            agree
            ? try agreeing(recipe, folder, source)
            : try recipe.trainer(for: PairTask(folder, pairs: pairs))
        let loadSeconds = (ContinuousClock.now - began) / .seconds(1)
        return try LoopMeasurement(
            MeasuredRun(trainer, steps: steps), warmupSteps: options.warmupSteps,
            batchSize: recipe.run.batchSize, loadSeconds: loadSeconds,
            firstBatchSeconds: firstBatchSeconds,
            dropout: folder.configuration.vision.tower.attentionDropout)
    }

    /// RECIPE's objective over the beginning of `source`.
    private func agreeing(
        _ recipe: RECIPE, _ folder: CLIPFolder, _ source: SampledSource<CaptionBatch>
    ) throws -> any TrainingRun<CLIP> {
        let model = try folder.load(
            placement: Placement(
                computeType: recipe.run.precision.computeType(on: .cpu), trainable: .all))
        var settings = recipe.run.training
        settings.epochs = 1
        return try Trainer(
            model,
            objective: NormRegularized(
                ContrastiveLanguageImage(folder.processor.normalization),
                layers: CLIP.recipeWeights, weight: recipe.weight),
            source: Beginning(of: source, batchesPerEpoch: steps), settings: settings,
            seed: recipe.run.seed)
    }

    private static func tokens(
        of pairs: PreparedPairs, _ measurement: LoopMeasurement
    ) -> LoopMeasurement.Tokens {
        let count = (0..<pairs.count).reduce(0) { $0 + pairs.captions[$1, 0].count }
        let each = Double(count) / Double(pairs.count)
        return LoopMeasurement.Tokens(
            perSecond: each * measurement.samplesPerSecond, perSequence: each,
            paddedPerSequence: each)
    }
}

/// The first batches of each epoch of another source.
private struct Beginning<Base: BatchSource>: BatchSource {
    let base: Base
    let batchesPerEpoch: Int

    init(of base: Base, batchesPerEpoch: Int) {
        self.base = base
        self.batchesPerEpoch = min(batchesPerEpoch, base.batchesPerEpoch)
    }

    var samplesPerEpoch: Int { base.samplesPerEpoch }
    var batchesAhead: Int { base.batchesAhead }

    func epoch(_ number: Int) -> [@Sendable () throws -> Base.Batch] {
        Array(base.epoch(number).prefix(batchesPerEpoch))
    }
}
