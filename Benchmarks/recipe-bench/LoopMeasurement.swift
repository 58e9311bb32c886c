import Foundation
import RecipeKit

/// What one process of either side measured: one line of JSON, which `Oracle/authors_loop.py`,
/// `Oracle/vision_loop.py` and `Oracle/clip_loop.py` write with the same keys.
struct LoopMeasurement: Codable {
    /// The parts of the loss at one step.
    struct StepLoss: Codable {
        /// The pre-training loss: mean cross-entropy over the masked tokens, or over the images, or of
        /// images and captions for each other.
        var task: Double
        /// Σ‖Wᵢ‖, before its weight.
        var norm: Double
        /// The global gradient norm before clipping.
        var gradNorm: Double
    }

    /// How long texts are.
    struct Tokens: Codable {
        /// Tokens a second over the rated steps, padding not counted.
        var perSecond: Double
        /// Tokens of a sequence on average, padding not counted.
        var perSequence: Double
        /// The same as the model computes them, with padding where a side pads.
        var paddedPerSequence: Double
        /// Tokens of a text on average over all texts, of which the measured ones are a sample.
        var perCorpusText: Double?
    }

    /// Sequences or images a second over all steps after the warm-up.
    var samplesPerSecond: Double
    /// Optimizer steps in all.
    var steps: Int
    /// First steps, which the rates leave out.
    var warmupSteps: Int
    /// Samples a step.
    var batchSize: Int
    /// How long the texts are, where samples are texts.
    var tokens: Tokens?
    /// Seconds it took to decode and resize an image, with its caption if it has one, once, before
    /// training.
    var decodeSeconds: Double?
    /// Seconds it took to decode and resize an image, where the loop does that anew at every step.
    var loopDecodeSeconds: Double?
    /// From the weights' file to parameters in memory.
    var loadSeconds: Double
    /// From parameters in memory to the beginning of the first step's computation.
    var firstStepBegunSeconds: Double
    /// From parameters in memory to the first optimizer step done.
    var firstStepSeconds: Double
    /// Seconds of each step.
    var stepSeconds: [Double]
    /// The most memory the process held at once.
    var peakRssBytes: Int
    /// The loss of each step.
    var losses: [StepLoss]
    /// The dropout probability on hidden vectors.
    var dropout: Double
    /// Threads a kernel may use.
    var threads: Int
    /// The version of PyTorch's library.
    var torch: String

    /// One line of JSON.
    func line() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// A measurement of steps that are known one by one; `firstBatchSeconds` is what the first waited
    /// for beside what the run saw.
    init(
        _ run: MeasuredRun, warmupSteps: Int, batchSize: Int, loadSeconds: Double,
        firstBatchSeconds: Double = 0, dropout: Double
    ) throws {
        guard run.steps.count > warmupSteps, let first = run.steps.first else {
            throw BenchmarkError("no step after the \(warmupSteps) of the warm-up")
        }
        let rated = run.steps.dropFirst(warmupSteps)
        samplesPerSecond =
            Double(rated.reduce(0) { $0 + $1.samples }) / rated.reduce(0) { $0 + $1.seconds }
        steps = run.steps.count
        self.warmupSteps = warmupSteps
        self.batchSize = batchSize
        self.loadSeconds = loadSeconds
        firstStepBegunSeconds = run.startSeconds + firstBatchSeconds
        firstStepSeconds = first.seconds
        stepSeconds = run.steps.map(\.seconds)
        peakRssBytes = try Machine.peakMemory()
        losses = run.steps.map(\.loss)
        self.dropout = dropout
        threads = Machine.threads
        torch = Machine.libtorch
    }

    /// Images a second over a training of so many epochs, decoding included: where decoded images
    /// are kept, each is decoded once.
    func endToEndPerSecond(epochs: Int) -> Double {
        Double(epochs) / ((decodeSeconds ?? 0) + Double(epochs) / samplesPerSecond)
    }

    /// The rate and the memory in words.
    func summary(of samples: String) -> String {
        String(format: "%.2f ", samplesPerSecond) + samples
            + String(
                format: "/s, %.2f GiB, first step %.2f s", Double(peakRssBytes) / 0x1p30,
                firstStepSeconds)
    }
}

/// The first steps of a trainer, one by one.
struct MeasuredRun {
    /// One optimizer step.
    struct Step {
        /// Seconds it took.
        var seconds: Double
        /// Samples of the batch.
        var samples: Int
        /// What it cost.
        var loss: LoopMeasurement.StepLoss
    }

    /// What the trainer did before the first step.
    private(set) var startSeconds = 0.0
    /// The steps.
    private(set) var steps: [Step] = []

    /// Advances `trainer` by `count` steps, or to its end.
    init(_ trainer: some TrainingRun, steps count: Int) throws {
        let began = ContinuousClock.now
        var previous = 0.0
        while steps.count < count, let event = try trainer.next() {
            switch event {
            case .started: startSeconds = (ContinuousClock.now - began) / .seconds(1)
            case .step(let step):
                steps.append(
                    Step(
                        seconds: step.seconds - previous, samples: step.samples,
                        loss: LoopMeasurement.StepLoss(step)))
                previous = step.seconds
            case .epoch, .finished: break
            }
        }
    }

    /// Seconds until the first batch of a source is made: what a step waits for, beside
    /// computation, when a training begins.
    static func secondsToFirstBatch(of source: some BatchSource) throws -> Double {
        let began = ContinuousClock.now
        let prefetcher = Prefetcher(source, epochs: 1)
        defer { prefetcher.stop() }
        guard try prefetcher.next() != nil else { throw BenchmarkError("the data make no batch") }
        return (ContinuousClock.now - began) / .seconds(1)
    }
}

extension LoopMeasurement.StepLoss {
    /// The parts of a step's loss: the norms, and the one term beside them.
    init(_ step: TrainingEvent.Step) {
        self.init(
            task: step.terms.first { $0.key != "norm" }?.value ?? .nan,
            norm: step.terms["norm"] ?? .nan, gradNorm: step.gradientNorm)
    }
}

extension Collection<Double> {
    /// The middle value, or the mean of the two in the middle; not a number where there is none.
    var median: Double {
        guard !isEmpty else { return .nan }
        let ordered = sorted()
        return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
    }
}
