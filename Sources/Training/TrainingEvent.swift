/// What a trainer says as it goes; the progress bar, `events.jsonl` and the tests read the same.
public enum TrainingEvent: Sendable, Codable, Equatable {
    /// A run begins, or goes on from a snapshot.
    case started(Start)
    /// One optimizer step.
    case step(Step)
    /// The end of an epoch.
    case epoch(Epoch)
    /// The end of the run.
    case finished(Finish)

    /// How large the run is.
    public struct Start: Sendable, Codable, Equatable {
        /// Optimizer steps of the whole run.
        public var steps: Int
        /// Steps done before, in a resumed run.
        public var firstStep: Int
        /// Samples an epoch.
        public var samples: Int
        /// Numbers that the optimizer updates.
        public var trainedElements: Int
        /// Matrices whose norms are watched.
        public var watched: Int
    }

    /// One optimizer step.
    public struct Step: Sendable, Codable, Equatable {
        /// Steps done, this one included.
        public var step: Int
        /// The epoch it belongs to, counted from 0.
        public var epoch: Int
        /// The learning rate it was made at.
        public var learningRate: Double
        /// The loss and its parts by name, averaged over accumulated batches.
        public var loss: Double
        /// The loss's parts by name.
        public var terms: [String: Double]
        /// The global gradient norm before clipping.
        public var gradientNorm: Double
        /// Samples in the step.
        public var samples: Int
        /// Seconds since the run began.
        public var seconds: Double
    }

    /// The end of an epoch.
    public struct Epoch: Sendable, Codable, Equatable {
        /// Epochs done, with the last one where the run ended in the middle of it.
        public var epoch: Int
        /// Means of the epoch's losses by name.
        public var terms: [String: Double]
        /// ‖W(t)‖ / ‖W(0)‖ of each watched matrix.
        public var normRatios: [String: Double]
    }

    /// The end of the run.
    public struct Finish: Sendable, Codable, Equatable {
        /// Steps done.
        public var steps: Int
        /// Seconds it took.
        public var seconds: Double
        /// Samples a second, the first step aside.
        public var samplesPerSecond: Double
        /// Seconds from the run's beginning to the end of its first step.
        public var firstStepSeconds: Double
        /// The mean ‖W(t)‖ / ‖W(0)‖ that ended the run before its last step, or nil.
        public var stoppedAt: Double?
    }
}

/// A line of `events.jsonl`: the payload's fields beside `"event": "step"`.
extension TrainingEvent {
    private enum Kind: String, Codable {
        case started, step, epoch, finished
    }

    private enum CodingKeys: String, CodingKey {
        case event
    }

    /// Reads the kind, then the fields of that kind.
    public init(from decoder: any Decoder) throws {
        switch try decoder.container(keyedBy: CodingKeys.self).decode(Kind.self, forKey: .event) {
        case .started: self = .started(try Start(from: decoder))
        case .step: self = .step(try Step(from: decoder))
        case .epoch: self = .epoch(try Epoch(from: decoder))
        case .finished: self = .finished(try Finish(from: decoder))
        }
    }

    /// Writes the kind beside the fields.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .started(let start):
            try container.encode(Kind.started, forKey: .event)
            try start.encode(to: encoder)
        case .step(let step):
            try container.encode(Kind.step, forKey: .event)
            try step.encode(to: encoder)
        case .epoch(let epoch):
            try container.encode(Kind.epoch, forKey: .event)
            try epoch.encode(to: encoder)
        case .finished(let finish):
            try container.encode(Kind.finished, forKey: .event)
            try finish.encode(to: encoder)
        }
    }
}
