import DataPipeline
import Files
import Foundation
import JSON
import Randomness
import Torch
import TorchNN

/// A training loop as a value that is advanced: each `next()` does some work and says what it did.
public final class Trainer<Goal: Objective, Source: BatchSource> where Source.Batch == Goal.Batch {
    /// What is trained.
    public let model: Goal.Model
    /// How.
    public let settings: TrainingSettings
    /// Optimizer steps of the whole run.
    public let totalSteps: Int
    /// Optimizer steps done.
    public private(set) var stepsDone = 0
    /// The mean ‖W(t)‖ / ‖W(0)‖ at which the settings' `stopRatio` ended the run, or nil.
    public private(set) var stoppedAt: Double?

    let objective: Goal
    private let source: Source
    private let seed: Seed
    private let trained: [Parameter]
    private let plan: (any Encodable)?
    let optimizer: Optimizer
    private let watched: [Parameter]
    private var initialNorms: [Double]
    private let stepsPerEpoch: Int

    private var prefetcher: Prefetcher<Source>?
    private var pending: [TrainingEvent] = []
    private var hasStarted = false
    private var clock = RunClock()
    private var initialWeights: String?
    private lazy var sampleDigests = source.sampleDigests()

    /// Losses of the steps done.
    public private(set) var history = RunHistory()
    /// The files that the run reads, so that snapshots know them.
    public var inputs: RunInputs?
    /// In what a snapshot that the run went on from was of another run.
    public private(set) var acceptedChanges: [String] = []

    /// A run of `objective` over `source`; the norms of the parameters that `watching` selects are
    /// reported each epoch. A snapshot is taken back only by a run with an equal `plan`: whatever
    /// decides the result beside the settings, such as an objective's weights.
    ///
    /// Throws `TrainingError` where there is nothing to train or nothing to train on.
    public init(
        _ model: Goal.Model, objective: Goal, source: Source, settings: TrainingSettings,
        watching: ParameterPattern = .none, plan: (any Encodable)? = nil, seed: Seed
    ) throws {
        guard settings.epochs > 0 else { throw TrainingError("epochs: expected at least 1") }
        guard settings.accumulation > 0 else {
            throw TrainingError("accumulation: expected at least 1")
        }
        guard source.samplesPerEpoch > 0 else {
            throw TrainingError("there is nothing to train on: no usable samples in the data")
        }
        self.model = model
        self.objective = objective
        self.source = source
        self.settings = settings
        self.plan = plan
        self.seed = seed
        trained = model.store.trainable
        guard !trained.isEmpty else {
            throw TrainingError(
                "no parameter matches ‘\(model.store.placement.trainable)’: nothing to train")
        }
        optimizer = Optimizer(settings.optimizer, of: trained, undecayed: settings.undecayed)
        watched = model.store.parameters(matching: watching)
        initialNorms = try Self.norms(watched)
        stepsPerEpoch =
            (source.batchesPerEpoch + settings.accumulation - 1) / settings.accumulation
        let (steps, isTooMany) = stepsPerEpoch.multipliedReportingOverflow(by: settings.epochs)
        guard !isTooMany else {
            throw TrainingError(
                "\(settings.epochs) epochs of \(stepsPerEpoch) steps are more than can be counted")
        }
        totalSteps = min(steps, settings.steps ?? steps)
    }

    /// Does the next piece of work; nil after `.finished`.
    ///
    /// Throws `TrainingError` where the loss is no longer a number, and what reading data throws.
    public func next() throws -> TrainingEvent? {
        if !hasStarted {
            hasStarted = true
            start()
        }
        if pending.isEmpty, stepsDone < totalSteps, stoppedAt == nil {
            pending.append(.step(try step()))
            // Pages that were missing when they were read were zeros.
            try MappedBytes.checkAllIntact()
            stoppedAt = try ratioToStopAt()
            let isOver = stepsDone == totalSteps || stoppedAt != nil
            if epochsDone != nil || isOver { pending.append(.epoch(try endOfEpoch())) }
            if isOver { pending.append(.finished(finish())) }
        }
        return pending.isEmpty ? nil : pending.removeFirst()
    }

    /// Epochs done; nil in the middle of one.
    public var epochsDone: Int? {
        stepsDone % stepsPerEpoch == 0 ? stepsDone / stepsPerEpoch : nil
    }

    /// Runs to the end, handing each event to `body`.
    public func run(_ body: (TrainingEvent) throws -> Void) throws {
        while let event = try next() { try body(event) }
    }

    // MARK: Steps

    /// Batches that the steps done have used.
    private var batchesDone: Int {
        stepsDone / stepsPerEpoch * source.batchesPerEpoch
            + stepsDone % stepsPerEpoch * settings.accumulation
    }

    private func start() {
        let batch = batchesDone
        prefetcher = Prefetcher(
            source, epochs: settings.epochs, from: batch, ahead: source.batchesAhead)
        clock.start()
        pending.append(
            .started(
                TrainingEvent.Start(
                    steps: totalSteps, firstStep: stepsDone, samples: source.samplesPerEpoch,
                    trainedElements: trained.reduce(0) { $0 + $1.tensor.elementCount },
                    watched: watched.count)))
        // A snapshot of the last step leaves nothing to do but to say so.
        if stepsDone == totalSteps { pending.append(.finished(finish())) }
    }

    private func step() throws -> TrainingEvent.Step {
        let epoch = stepsDone / stepsPerEpoch
        let first = stepsDone % stepsPerEpoch * settings.accumulation
        let count = min(settings.accumulation, source.batchesPerEpoch - first)
        let parameters = trained.map(\.tensor)
        var gradients = [Tensor?](repeating: nil, count: trained.count)
        var averages = TermAverages()
        var samples = 0
        for micro in 0..<count {
            guard let batch = try prefetcher?.next() else {
                throw TrainingError("the data ended before step \(stepsDone + 1) of \(totalSteps)")
            }
            samples += batch.rows
            let key = seed.key("dropout", stepsDone, micro)
            if model.store.placement.device != .cpu { try seedGenerators(key) }
            let found = try objective.gradients(
                of: model, on: batch, for: parameters, share: 1 / Double(count),
                in: .training(key: key))
            try averages.add(found.loss)
            try accumulate(found.gradients, into: &gradients)
        }
        let norm = try GradientClipping.clip(gradients.compactMap { $0 }, to: settings.clip)
        let rate = settings.learningRate * settings.schedule.factor(at: stepsDone, of: totalSteps)
        try checkFinite(norm, averages)
        try optimizer.step(gradients, learningRate: rate)
        try objective.constrain(model)
        stepsDone += 1
        history.add(averages)
        clock.tick(samples: samples)
        // Batches differ in size, and what the allocator keeps of each for reuse adds up.
        if stepsDone % 32 == 0 { Hardware.trimHostMemory() }
        return TrainingEvent.Step(
            step: stepsDone, epoch: epoch, learningRate: rate, loss: averages.mean("total"),
            terms: averages.terms, gradientNorm: try norm.item(), samples: samples,
            seconds: clock.seconds)
    }

    private func accumulate(_ found: [Tensor?], into gradients: inout [Tensor?]) throws {
        for (index, gradient) in found.enumerated() {
            guard let gradient else { continue }
            if let sum = gradients[index] {
                try withoutGradients { try sum.add(gradient) }
            } else {
                gradients[index] = gradient
            }
        }
    }

    private func checkFinite(_ norm: Tensor, _ averages: TermAverages) throws {
        guard !(try norm.item().isFinite) || !averages.mean("total").isFinite else { return }
        throw TrainingError(
            "the loss or its gradient is not a number at step \(stepsDone + 1) of \(totalSteps) "
                + "(\(averages.terms.sorted { $0.key < $1.key }.map { "\($0.key) \(NumberText.short($0.value))" }.joined(separator: ", "))); "
                + "lower the learning rate, or train in fp32")
    }

    // MARK: Epochs and ends

    private func endOfEpoch() throws -> TrainingEvent.Epoch {
        defer { history.epoch = TermAverages() }
        // The last epoch may have been cut short.
        return TrainingEvent.Epoch(
            epoch: (stepsDone + stepsPerEpoch - 1) / stepsPerEpoch, terms: history.epoch.terms,
            normRatios: try normRatios())
    }

    /// The mean of ‖W(t)‖ / ‖W(0)‖ where it has fallen to the settings' `stopRatio`, else nil.
    /// Matrices that were all zeros to begin with do not count.
    private func ratioToStopAt() throws -> Double? {
        guard let target = settings.stopRatio else { return nil }
        let ratios = zip(try Self.norms(watched), initialNorms).filter { $1 > 0 }.map { $0 / $1 }
        guard !ratios.isEmpty else { return nil }
        let mean = ratios.reduce(0, +) / Double(ratios.count)
        return mean <= target ? mean : nil
    }

    /// ‖W(t)‖ / ‖W(0)‖ of each watched matrix, by name.
    public func normRatios() throws -> [String: Double] {
        let now = try Self.norms(watched)
        return Dictionary(
            uniqueKeysWithValues: zip(watched, zip(now, initialNorms)).map {
                ($0.name, $1.1 == 0 ? 1 : $1.0 / $1.1)
            })
    }

    private static func norms(_ parameters: [Parameter]) throws -> [Double] {
        try withoutGradients {
            try Tensor.norms(of: parameters.map(\.tensor)).map { try $0.item() }
        }
    }

    private func finish() -> TrainingEvent.Finish {
        prefetcher = nil
        return TrainingEvent.Finish(
            steps: stepsDone, seconds: clock.seconds, samplesPerSecond: clock.samplesPerSecond,
            firstStepSeconds: clock.firstTick, stoppedAt: stoppedAt)
    }

    // MARK: Resuming

    /// What a snapshot must know beside tensors.
    var normsAtStart: [Double] { initialNorms }
    var trainedParameters: [Parameter] { trained + model.store.buffers }

    /// Takes down what the weights are before a step changes them, so that snapshots know it.
    public func prepareSnapshots() throws {
        guard initialWeights == nil, stepsDone == 0 else { return }
        var digest = ContentDigest()
        for parameter in model.store.parameters + model.store.buffers {
            digest.update(Data((parameter.name + "\0").utf8))
            try parameter.tensor.detached().bytes().withUnsafeBytes { digest.update($0) }
        }
        initialWeights = digest.finish()
    }

    /// The samples that the steps done so far used, where the source has digests of them.
    public func dataDigest() -> DataDigest? {
        sampleDigests.map { source.dataDigest($0, batches: batchesDone) }
    }

    /// What makes a run itself. Of the order of its samples the first epoch tells: the samples, the
    /// seed and the settings, which are all in it, decide the others.
    func identity() throws -> JSONObject {
        try RunIdentity.document(
            settings: settings, plan: plan, seed: seed, device: model.store.placement.device,
            computeType: model.store.placement.computeType,
            data: sampleDigests.map {
                source.dataDigest($0, batches: source.batchesPerEpoch)
            },
            samples: source.samplesPerEpoch, weights: initialWeights, inputs: inputs)
    }

    /// Goes on after `steps`, with what the snapshot of that moment knew.
    func resume(
        after steps: Int, initialNorms: [Double], history: RunHistory, acceptedChanges: [String]
    ) {
        precondition(!hasStarted, "a run is resumed before it starts")
        stepsDone = steps
        self.initialNorms = initialNorms
        self.history = history
        self.acceptedChanges = acceptedChanges
    }

    /// Each watched matrix with its norm at the beginning and now.
    public func watchedNorms() throws -> [NormChange] {
        zip(watched, zip(initialNorms, try Self.norms(watched))).map {
            NormChange(name: $0.name, before: $1.0, after: $1.1)
        }
    }
}

/// The norm of a matrix before a run and at some moment of it.
public struct NormChange: Sendable, Codable, Equatable {
    /// The matrix's name.
    public var name: String
    /// ‖W‖ at the beginning.
    public var before: Double
    /// ‖W‖ now.
    public var after: Double
}

/// Losses that a run remembers, by name; the sum of all is `total`.
public struct RunHistory: Sendable, Codable, Equatable {
    /// Those of the first step.
    public private(set) var first: [String: Double]?
    /// Those of the last step so far.
    public private(set) var last: [String: Double]?
    /// Those of the epoch so far.
    var epoch = TermAverages()

    mutating func add(_ step: TermAverages) {
        let losses = step.all
        first = first ?? losses
        last = losses
        epoch.add(step)
    }
}

/// Averages of the loss and its terms.
struct TermAverages: Sendable, Codable, Equatable {
    private struct Sum: Sendable, Codable, Equatable {
        var sum: Double
        var count: Int
    }

    private var sums: [String: Sum] = [:]

    mutating func add(_ loss: Loss) throws {
        if let total = loss.total { add("total", try total.item()) }
        for term in loss.terms { add(term.name, try term.value.item()) }
    }

    mutating func add(_ other: TermAverages) {
        for (name, value) in other.sums { add(name, value.sum / Double(value.count)) }
    }

    private mutating func add(_ name: String, _ value: Double) {
        let before = sums[name] ?? Sum(sum: 0, count: 0)
        sums[name] = Sum(sum: before.sum + value, count: before.count + 1)
    }

    func mean(_ name: String) -> Double { sums[name].map { $0.sum / Double($0.count) } ?? 0 }

    /// Every average.
    var all: [String: Double] { sums.mapValues { $0.sum / Double($0.count) } }

    /// Everything but the total.
    var terms: [String: Double] {
        sums.filter { $0.key != "total" }.mapValues { $0.sum / Double($0.count) }
    }
}

/// Seconds and samples of a run.
struct RunClock {
    private var origin = ContinuousClock.now
    private var samplesAfterFirst = 0
    private(set) var firstTick = 0.0
    private(set) var seconds = 0.0

    mutating func start() { origin = .now }

    mutating func tick(samples: Int) {
        seconds = (ContinuousClock.now - origin) / .seconds(1)
        if firstTick == 0 { firstTick = seconds } else { samplesAfterFirst += samples }
    }

    var samplesPerSecond: Double {
        seconds > firstTick ? Double(samplesAfterFirst) / (seconds - firstTick) : 0
    }
}
