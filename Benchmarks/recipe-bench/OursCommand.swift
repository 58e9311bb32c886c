import ArgumentParser
import Foundation
import RecipeKit

extension Precision: ExpressibleByArgument {}

struct OursCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ours",
        abstract: "Run what `recipe purify` runs for some steps; print a line of JSON.",
        discussion: """
            The trainer is RECIPE's own with its defaults, dropout included. It is given a random \
            sample of the texts that lasts for the steps asked for, so that a whole epoch of it is \
            measured: short and long batches in the corpus's proportion, the longest too.
            """)

    @Argument(help: "The model's folder.", transform: URL.init(fileURLWithPath:))
    var model: URL
    @Argument(help: "The texts.", transform: URL.init(fileURLWithPath:))
    var texts: URL
    @Option(help: "Type of activations and frozen weights: auto, fp32 or bf16.")
    var precision = Precision.fp32
    @Option(help: "Optimizer steps in all.")
    var steps = 32
    @Option(help: "First steps, which the rates leave out.")
    var warmupSteps = 2
    @Option(help: "Processor threads; by default libtorch's own choice.")
    var threads: Int?

    func validate() throws {
        guard warmupSteps >= 0, warmupSteps < steps else {
            throw ValidationError("--warmup-steps must be smaller than --steps")
        }
    }

    func run() throws {
        if let threads { try Hardware.setThreadCount(threads) }
        var recipe = RECIPE()
        recipe.precision = precision
        print(try measure(recipe).line())
    }

    private func measure(_ recipe: RECIPE) throws -> Measurement {
        let folder = try BERTFolder(model)
        try folder.checkLength(recipe.maximumLength)
        let tokenizer = try folder.tokenizer()
        let sample = try TextSample(
            steps * recipe.batchSize, of: texts, tokenizer: tokenizer,
            maximumLength: recipe.maximumLength, seed: recipe.seed)
        let firstBatchSeconds = try Self.secondsToFirstBatch(
            of: sample.corpus, recipe: recipe, tokenizer: tokenizer)
        let began = ContinuousClock.now
        let trainer = try recipe.trainer(for: folder, texts: sample.texts, tokenizer: tokenizer)
        let loaded = ContinuousClock.now
        let shapes = BatchShape.epoch(of: sample.texts, recipe: recipe)
        let run = try Self.advance(trainer, through: shapes)
        var measurement = try Measurement(
            run.steps, warmupSteps: warmupSteps, batchSize: recipe.batchSize,
            loadSeconds: (loaded - began) / .seconds(1),
            firstStepBegunSeconds: run.startSeconds + firstBatchSeconds,
            dropout: folder.configuration.hiddenDropout)
        measurement.corpusTokensPerSequence =
            Double(sample.corpus.reduce(0) { $0 + $1.count }) / Double(max(1, sample.corpus.count))
        return measurement
    }

    /// Runs one step for each of `shapes`; `startSeconds` is what the trainer does before the first.
    private static func advance(
        _ trainer: some TrainingRun, through shapes: [BatchShape]
    ) throws -> (startSeconds: Double, steps: [MeasuredStep]) {
        let began = ContinuousClock.now
        var startSeconds = 0.0
        var steps: [MeasuredStep] = []
        var previous = 0.0
        while steps.count < shapes.count, let event = try trainer.next() {
            switch event {
            case .started: startSeconds = (ContinuousClock.now - began) / .seconds(1)
            case .step(let step):
                let shape = shapes[steps.count]
                steps.append(
                    MeasuredStep(
                        seconds: step.seconds - previous, sequences: shape.sequences,
                        tokens: shape.tokens, loss: Measurement.StepLoss(step)))
                previous = step.seconds
            case .epoch, .finished: break
            }
        }
        return (startSeconds, steps)
    }

    /// Seconds until the first batch of all the texts is made: what a step waits for, beside
    /// computation, when a purification begins.
    private static func secondsToFirstBatch(
        of corpus: [[Int32]], recipe: RECIPE, tokenizer: WordPieceTokenizer
    ) throws -> Double {
        let began = ContinuousClock.now
        let source = SampledSource.masked(
            corpus, order: BatchOrder(recipe.order, batchSize: recipe.batchSize),
            masking: tokenizer.masking, masks: recipe.masks, seed: recipe.seed)
        let prefetcher = Prefetcher(source, epochs: 1)
        defer { prefetcher.stop() }
        guard try prefetcher.next() != nil else { throw BenchmarkError("the texts make no batch") }
        return (ContinuousClock.now - began) / .seconds(1)
    }
}

/// The size of a batch, known from the lengths alone.
struct BatchShape {
    /// Rows.
    var sequences: Int
    /// Tokens.
    var tokens: Int

    /// The batches of the first epoch of a run over `texts`, in order.
    static func epoch(of texts: [[Int32]], recipe: RECIPE) -> [BatchShape] {
        let lengths = texts.map(\.count)
        return BatchOrder(recipe.order, batchSize: recipe.batchSize)
            .batches(lengths: lengths, seed: recipe.seed, epoch: 0).map { samples in
                BatchShape(
                    sequences: samples.count, tokens: samples.reduce(0) { $0 + lengths[$1] })
            }
    }
}

extension Measurement.StepLoss {
    /// The parts of a step's loss.
    init(_ step: TrainingEvent.Step) {
        self.init(
            mlm: step.terms["mlm"] ?? .nan, norm: step.terms["norm"] ?? .nan,
            gradNorm: step.gradientNorm)
    }
}
