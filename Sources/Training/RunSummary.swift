import Foundation

/// What a finished run says of itself.
public struct RunSummary: Sendable, Codable, Equatable {
    /// A point of the loss curve: means over the steps since the point before.
    public struct Point: Sendable, Codable, Equatable {
        /// Steps done.
        public var step: Int
        /// The loss that was minimized.
        public var loss: Double
        /// Its parts by name.
        public var terms: [String: Double]
    }

    /// Optimizer steps.
    public var steps = 0
    /// Numbers that the optimizer updated.
    public var trainedElements = 0
    /// The loss curve, in at most about 200 points.
    public var curve: [Point] = []
    /// Losses and norm ratios at the end of each epoch.
    public var epochs: [TrainingEvent.Epoch] = []
    /// Seconds it took.
    public var seconds = 0.0
    /// Samples a second, the first step aside.
    public var samplesPerSecond = 0.0
    /// Seconds from the run's beginning to the end of its first step.
    public var firstStepSeconds = 0.0
    /// The mean ‖W(t)‖ / ‖W(0)‖ that ended the run before its last step, or nil.
    public var stoppedAt: Double?
    /// What a reader must know before trusting what was trained; nil where another record has it.
    public var warnings: [Caveat]?

    private var interval = 1
    private var waiting: [TrainingEvent.Step] = []

    private enum CodingKeys: String, CodingKey {
        case steps, trainedElements, curve, epochs, seconds, samplesPerSecond, firstStepSeconds
        case stoppedAt, warnings
    }

    /// A summary of nothing yet.
    public init() {}

    /// ‖W(t)‖ / ‖W(0)‖ of each watched matrix at the end.
    public var normRatios: [String: Double] { epochs.last?.normRatios ?? [:] }

    /// The mean of the last epoch's losses by name.
    public var finalTerms: [String: Double] { epochs.last?.terms ?? [:] }

    /// Takes note of an event.
    public mutating func note(_ event: TrainingEvent) {
        switch event {
        case .started(let start):
            interval = max(1, start.steps / 200)
            trainedElements = start.trainedElements
        case .step(let step):
            steps = step.step
            waiting.append(step)
            if step.step % interval == 0 { addPoint() }
        case .epoch(let epoch):
            epochs.append(epoch)
        case .finished(let finish):
            addPoint()
            steps = finish.steps
            seconds = finish.seconds
            samplesPerSecond = finish.samplesPerSecond
            firstStepSeconds = finish.firstStepSeconds
            stoppedAt = finish.stoppedAt
        }
    }

    private mutating func addPoint() {
        guard let last = waiting.last else { return }
        let count = Double(waiting.count)
        var terms: [String: Double] = [:]
        for name in Set(waiting.flatMap(\.terms.keys)) {
            let values = waiting.compactMap { $0.terms[name] }
            terms[name] = values.reduce(0, +) / Double(values.count)
        }
        curve.append(
            Point(step: last.step, loss: waiting.reduce(0) { $0 + $1.loss } / count, terms: terms))
        waiting = []
    }
}

/// Where a run keeps snapshots to go on from, and how often it writes one; one that is interrupted
/// writes one in any case.
public struct SnapshotPolicy: Sendable {
    /// The file; each snapshot replaces the one before.
    public var file: URL
    /// Steps between two; 0 for none.
    public var interval: Int
    /// Whether the run goes on from the file where it is there.
    public var resumes: Bool
    /// The files that the run reads: with others it does not go on; nil where they are not known.
    public var inputs: RunInputs?
    /// Whether it goes on from a snapshot of another run, or one that was changed, all the same.
    public var acceptsChanges = false

    /// Snapshots in `file`.
    public init(file: URL, every interval: Int, resumes: Bool) {
        self.file = file
        self.interval = interval
        self.resumes = resumes
    }

    /// Takes the last snapshot away: to be called when the run's output stands.
    public func discard() { try? FileManager.default.removeItem(at: file) }
}

extension TrainingRun {
    /// Runs to the end: events go to `records` and to `observe`, snapshots are kept by `snapshots`.
    ///
    /// `afterEpoch` is called when a whole epoch is done, with the number of epochs done, and before
    /// a snapshot of that moment: a run that goes on from one has nothing to make up for. The last
    /// snapshot stays until the output stands, for whoever writes it to discard.
    ///
    /// Throws ``Interrupted`` where the process was asked to end and the run was saved.
    public func complete(
        records: RunDirectory? = nil, snapshots: SnapshotPolicy? = nil,
        observe: (TrainingEvent) -> Void = { _ in },
        afterEpoch: (Int) throws -> Void = { _ in }
    ) throws -> RunSummary {
        guard let snapshots else {
            return try advance(records, nil, observe, afterEpoch)
        }
        return try Interruption.listening {
            try advance(records, snapshots, observe, afterEpoch)
        }
    }

    private func advance(
        _ records: RunDirectory?, _ snapshots: SnapshotPolicy?,
        _ observe: (TrainingEvent) -> Void, _ afterEpoch: (Int) throws -> Void
    ) throws -> RunSummary {
        var summary = RunSummary()
        if let snapshots {
            inputs = snapshots.inputs
            try prepareSnapshots()
        }
        if let snapshots, snapshots.resumes,
            FileManager.default.fileExists(atPath: snapshots.file.path)
        {
            try restore(from: snapshots.file, acceptingChanges: snapshots.acceptsChanges)
            for event in try records?.events(upTo: stepsDone) ?? [] { summary.note(event) }
        }
        while let event = try next() {
            summary.note(event)
            try records?.append(event)
            observe(event)
            if case .epoch = event, let epochsDone { try afterEpoch(epochsDone) }
            guard let snapshots, isWorthSnapshot(after: event) else { continue }
            let interruption = Interruption.requested
            if interruption != nil
                || (snapshots.interval > 0 && stepsDone % snapshots.interval == 0)
            {
                try save(to: snapshots.file)
            }
            if let interruption {
                try records?.close()
                throw Interrupted(
                    signal: interruption, step: stepsDone, steps: totalSteps,
                    snapshot: snapshots.file)
            }
        }
        return summary
    }

    /// Whether an event is the last of its step, in a run that goes on.
    private func isWorthSnapshot(after event: TrainingEvent) -> Bool {
        switch event {
        case .step: epochsDone == nil && stoppedAt == nil
        case .epoch: stoppedAt == nil
        case .started, .finished: false
        }
    }
}
