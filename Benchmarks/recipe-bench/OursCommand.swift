import ArgumentParser
import Foundation
import RecipeKit

extension Precision: ExpressibleByArgument {}

/// How one process of ours measures its training loop.
struct OurOptions: ParsableArguments {
    @Option(help: "Type of activations and frozen weights: auto, fp32 or bf16.")
    var precision = Precision.fp32
    @Option(help: "First steps, which the rates leave out.")
    var warmupSteps = 2
    @Option(help: "Processor threads; by default libtorch's own choice.")
    var threads: Int?

    /// Sets what holds for the whole process.
    func prepare() throws {
        if let threads { try Hardware.setThreadCount(threads) }
    }

    /// Throws where the warm-up leaves no step to measure.
    func check(steps: Int) throws {
        guard 0..<steps ~= warmupSteps else {
            throw ValidationError("--warmup-steps must be smaller than --steps")
        }
    }
}

struct OursCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ours",
        abstract: "Run what `recipe purify` runs on texts for some steps; print a line of JSON.",
        discussion: """
            The trainer is RECIPE's own with its defaults, dropout included. It is given a random \
            sample of the texts that lasts for the steps asked for, so that a whole epoch of it is \
            measured: short and long batches in the corpus's proportion, the longest too.
            """)

    @Argument(help: "The model's folder.", transform: URL.init(fileURLWithPath:))
    var model: URL
    @Argument(help: "The texts.", transform: URL.init(fileURLWithPath:))
    var texts: URL
    @Option(help: "Optimizer steps in all.")
    var steps = 32
    @OptionGroup var options: OurOptions

    func validate() throws { try options.check(steps: steps) }

    func run() throws {
        try options.prepare()
        var recipe = RECIPE(defaults: BERT.paperDefaults)
        recipe.run.precision = options.precision
        print(try measure(recipe).line())
    }

    private func measure(_ recipe: RECIPE) throws -> LoopMeasurement {
        let settings = TextTask.Settings()
        let folder = try TextModelFolder(model)
        try folder.checkLength(settings.maximumLength)
        let tokenizer = try folder.tokenizer()
        let sample = try TextSample(
            steps * recipe.run.batchSize, of: texts, tokenizer: tokenizer,
            maximumLength: settings.maximumLength, seed: recipe.run.seed)
        // Of all the texts: sorting them into batches is part of what a purification begins with.
        let firstBatchSeconds = try MeasuredRun.secondsToFirstBatch(
            of: SampledSource.masked(
                sample.corpus, order: BatchOrder(settings.order, batchSize: recipe.run.batchSize),
                masking: tokenizer.masking, masks: settings.masks, seed: recipe.run.seed))
        let began = ContinuousClock.now
        let trainer = try recipe.trainer(
            for: TextTask(
                folder, TokenizedCorpus(tokens: sample.texts), tokenizer: tokenizer, settings))
        let loadSeconds = (ContinuousClock.now - began) / .seconds(1)
        let run = try MeasuredRun(trainer, steps: steps)
        var measurement = try LoopMeasurement(
            run, warmupSteps: options.warmupSteps, batchSize: recipe.run.batchSize,
            loadSeconds: loadSeconds, firstBatchSeconds: firstBatchSeconds,
            dropout: (folder.configuration.base as? BERTConfiguration)?.hiddenDropout ?? 0)
        measurement.tokens = Self.tokens(of: run, sample, recipe, warmup: options.warmupSteps)
        return measurement
    }

    private static func tokens(
        of run: MeasuredRun, _ sample: TextSample, _ recipe: RECIPE, warmup: Int
    ) -> LoopMeasurement.Tokens {
        let lengths = sample.texts.map(\.count)
        let batches = BatchOrder(TextTask.Settings().order, batchSize: recipe.run.batchSize)
            .batches(lengths: lengths, seed: recipe.run.seed, epoch: 0)
            .map { $0.reduce(0) { $0 + lengths[$1] } }
        let perSequence = Double(batches.reduce(0, +)) / Double(max(1, lengths.count))
        let rated = batches.prefix(run.steps.count).dropFirst(warmup).reduce(0, +)
        return LoopMeasurement.Tokens(
            perSecond: Double(rated) / run.steps.dropFirst(warmup).reduce(0) { $0 + $1.seconds },
            perSequence: perSequence, paddedPerSequence: perSequence,
            perCorpusText: Double(sample.corpus.reduce(0) { $0 + $1.count })
                / Double(max(1, sample.corpus.count)))
    }
}
