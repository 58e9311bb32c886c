import Attacks

/// What becomes of the pooler before fine-tuning.
public enum PoolerPolicy: String, Sendable, Codable, CaseIterable {
    /// The model's own pooler is fine-tuned.
    case keep
    /// A fresh pooler is fine-tuned. The authors' script does this without saying so, because it
    /// saves the purified model in a form that has no pooler.
    case reset
}

/// How a model is fine-tuned and tested; the defaults are the authors' for text.
public struct EvaluationSettings: Sendable, Codable, Equatable {
    /// Journeys through the training set.
    public var epochs = 3
    /// The peak learning rate, which falls to 0 in a straight line.
    public var learningRate = 2e-5
    /// Samples a step.
    public var batchSize = 32
    /// Tokens a text is cut to, special tokens included.
    public var maximumLength = 128
    /// The triggers to test.
    public var triggers = TriggerSet.por
    /// Where a trigger goes.
    public var position = TriggerPosition.random
    /// How often a trigger is put into a text.
    public var insertions = 1
    /// Which samples attack success is counted over.
    public var filter = AttackSuccess.Filter.none

    /// The authors' settings.
    public init() {}
}
