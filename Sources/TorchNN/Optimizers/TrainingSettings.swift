/// How a run trains: what design decisions an optimizer, a schedule and a clock need.
public struct TrainingSettings: Sendable, Codable, Equatable {
    /// Epochs over the data.
    public var epochs: Int
    /// The run has at most so many steps, however many epochs that is; nil for all epochs.
    public var steps: Int?
    /// The peak learning rate.
    public var learningRate: Double
    /// How the rate moves.
    public var schedule: Schedule
    /// Which optimizer.
    public var optimizer: OptimizerConfiguration
    /// Parameters that weight decay spares.
    public var undecayed: ParameterPattern
    /// The greatest global gradient norm, or nil for none.
    public var clip: Double?
    /// Batches whose mean gradient makes one step.
    public var accumulation: Int
    /// The run ends after the step at which the mean ‖W(t)‖ / ‖W(0)‖ of the watched matrices has
    /// fallen to this; nil for a run of all epochs. The schedule is that of all epochs.
    public var stopRatio: Double?

    /// Settings; by default AdamW without decay, a straight line to 0, clipping at 1.
    public init(
        epochs: Int, learningRate: Double, schedule: Schedule = Schedule(.linear),
        optimizer: OptimizerConfiguration = .adamW(), undecayed: ParameterPattern = .none,
        clip: Double? = 1, accumulation: Int = 1, stopRatio: Double? = nil
    ) {
        self.epochs = epochs
        self.learningRate = learningRate
        self.schedule = schedule
        self.optimizer = optimizer
        self.undecayed = undecayed
        self.clip = clip
        self.accumulation = accumulation
        self.stopRatio = stopRatio
    }
}
