import Foundation

/// What one process of either side measured: one line of JSON, which `Oracle/authors_loop.py`
/// writes with the same keys.
struct Measurement: Codable {
    /// The parts of the loss at one step.
    struct StepLoss: Codable {
        /// Mean cross-entropy over the masked tokens.
        var mlm: Double
        /// Σ‖Wᵢ‖, before its weight.
        var norm: Double
        /// The global gradient norm before clipping.
        var gradNorm: Double
    }

    /// Sequences a second over all steps after the warm-up.
    var sequencesPerSecond: Double
    /// Tokens a second over the same steps, padding not counted.
    var tokensPerSecond: Double
    /// The median step's seconds, the warm-up aside.
    var medianStepSeconds: Double
    /// Optimizer steps in all.
    var steps: Int
    /// First steps, which the rates leave out.
    var warmupSteps: Int
    /// Sequences a step.
    var batchSize: Int
    /// Tokens of a sequence on average, padding not counted.
    var tokensPerSequence: Double
    /// The same as the model computes them, with padding where a side pads.
    var paddedTokensPerSequence: Double
    /// Tokens of a text on average over all texts, of which the measured ones are a sample.
    var corpusTokensPerSequence: Double?
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

    /// Reads what a process printed.
    init(line: Data, of process: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            self = try decoder.decode(Measurement.self, from: line)
        } catch {
            throw BenchmarkError("\(process) printed no measurement: \(error)")
        }
    }

    /// A measurement of steps that are known one by one.
    init(
        _ steps: [MeasuredStep], warmupSteps: Int, batchSize: Int, loadSeconds: Double,
        firstStepBegunSeconds: Double, dropout: Double
    ) throws {
        guard steps.count > warmupSteps, let first = steps.first else {
            throw BenchmarkError("no step after the \(warmupSteps) of the warm-up")
        }
        let rated = steps.dropFirst(warmupSteps)
        let seconds = rated.reduce(0) { $0 + $1.seconds }
        func total(_ count: (MeasuredStep) -> Int, _ list: some Sequence<MeasuredStep>) -> Double {
            Double(list.reduce(0) { $0 + count($1) })
        }
        sequencesPerSecond = total(\.sequences, rated) / seconds
        tokensPerSecond = total(\.tokens, rated) / seconds
        medianStepSeconds = rated.map(\.seconds).median
        self.steps = steps.count
        self.warmupSteps = warmupSteps
        self.batchSize = batchSize
        tokensPerSequence = total(\.tokens, steps) / total(\.sequences, steps)
        paddedTokensPerSequence = tokensPerSequence
        self.loadSeconds = loadSeconds
        self.firstStepBegunSeconds = firstStepBegunSeconds
        firstStepSeconds = first.seconds
        stepSeconds = steps.map(\.seconds)
        peakRssBytes = try Machine.peakMemory()
        losses = steps.map(\.loss)
        self.dropout = dropout
        threads = Machine.threads
        torch = Machine.libtorch
    }
}

/// One optimizer step and what was in its batch.
struct MeasuredStep {
    /// Seconds it took.
    var seconds: Double
    /// Sequences of the batch.
    var sequences: Int
    /// Tokens of the batch; none is padding.
    var tokens: Int
    /// What it cost.
    var loss: Measurement.StepLoss
}

extension Collection<Double> {
    /// The middle value, or the mean of the two in the middle; not a number where there is none.
    var median: Double {
        guard !isEmpty else { return .nan }
        let ordered = sorted()
        return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
    }
}
