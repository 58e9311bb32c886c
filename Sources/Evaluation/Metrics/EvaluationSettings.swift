import Attacks
import DataPipeline
import ModelZoo
import Torch
import TorchNN

/// What becomes of the pooler before fine-tuning.
public enum PoolerPolicy: String, Sendable, Codable, CaseIterable {
    /// The model's own pooler is fine-tuned.
    case keep
    /// A fresh pooler is fine-tuned. The authors' script does this without saying so, because it
    /// saves the purified model in a form that has no pooler.
    case reset
}

/// How a model is fine-tuned, if it is, and tested; the defaults are the authors' for text.
///
/// Encoded flat: what goes with texts alone is absent for images, and the other way round; what goes
/// with training is absent where nothing is trained.
public struct EvaluationSettings: Sendable, Equatable {
    /// Epochs over the training set; nil where nothing is trained.
    public var epochs: Int? = 3
    /// The peak learning rate; for texts it falls to 0 in a straight line, for images `schedule` says
    /// how. Nil where nothing is trained.
    public var learningRate: Double? = 2e-5
    /// Samples a step; nil where nothing is trained.
    public var batchSize: Int? = 32
    /// The triggers to test.
    public var triggers = TriggerSet.por
    /// Which samples attack success is counted over.
    public var filter = AttackSuccess.Filter.none
    /// The type that activations have; nil where it is not known.
    public var computeType: DType?
    /// What samples are, with the settings that go with that.
    public var samples = Samples.texts(Texts())

    /// The authors' settings.
    public init() {}

    /// Those of classifiers that are fine-tuned on `device`, and tried with triggers.
    init(
        _ fineTuning: FineTuning, _ triggers: [String], _ filter: AttackSuccess.Filter,
        _ device: Device
    ) {
        epochs = fineTuning.training.epochs
        learningRate = fineTuning.training.learningRate
        batchSize = fineTuning.batchSize
        (self.triggers, self.filter) = (triggers, filter)
        computeType = fineTuning.precision.computeType(on: device)
    }

    /// What samples are.
    public enum Samples: Sendable, Equatable {
        /// Texts.
        case texts(Texts)
        /// Images.
        case images(Images)
        /// Images that a CLIP tells by prompts, without training.
        case zeroShot(ZeroShot)
    }

    /// The settings that go with texts.
    public struct Texts: Sendable, Equatable {
        /// Tokens a text is cut to, special tokens included.
        public var maximumLength: Int
        /// Where a trigger goes.
        public var position: TriggerPosition
        /// How often a trigger is put into a text.
        public var insertions: Int

        /// Settings; by default the authors'.
        public init(
            maximumLength: Int = 128, position: TriggerPosition = .random, insertions: Int = 1
        ) {
            self.maximumLength = maximumLength
            self.position = position
            self.insertions = insertions
        }
    }

    /// The settings that go with a CLIP that is asked about prompts.
    public struct ZeroShot: Sendable, Codable, Equatable {
        /// How images were brought to one size.
        public var preparation: ImagePreparation
        /// What it was asked of each class, with `{}` for the class's name.
        public var prompts: ClassPrompts
        /// What prompts call the classes, in the order of the labels.
        public var classNames: [String]

        /// Settings.
        public init(
            preparation: ImagePreparation, prompts: ClassPrompts, classNames: [String]
        ) {
            self.preparation = preparation
            self.prompts = prompts
            self.classNames = classNames
        }
    }

    /// The settings that go with images.
    public struct Images: Sendable, Codable, Equatable {
        /// How images were brought to one size.
        public var preparation: ImagePreparation
        /// Which optimizer classifiers are trained with.
        public var optimizer: OptimizerConfiguration
        /// How their learning rate falls; nil where it stays.
        public var schedule: Schedule.Shape?

        /// Settings.
        public init(
            preparation: ImagePreparation, optimizer: OptimizerConfiguration = .sgd(),
            schedule: Schedule.Shape? = nil
        ) {
            self.preparation = preparation
            self.optimizer = optimizer
            self.schedule = schedule == .constant ? nil : schedule
        }
    }
}

extension EvaluationSettings: Codable {
    private enum CodingKeys: String, CodingKey {
        case epochs, learningRate, batchSize, maximumLength, triggers, position, insertions
        case filter, computeType, images, zeroShot
    }

    /// Reads settings; those without `images` are about texts.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        triggers = try container.decode([String].self, forKey: .triggers)
        filter = try container.decode(AttackSuccess.Filter.self, forKey: .filter)
        computeType = try container.decodeIfPresent(DType.self, forKey: .computeType)
        if let zeroShot = try container.decodeIfPresent(ZeroShot.self, forKey: .zeroShot) {
            samples = .zeroShot(zeroShot)
            (epochs, learningRate, batchSize) = (nil, nil, nil)
            return
        }
        epochs = try container.decode(Int.self, forKey: .epochs)
        learningRate = try container.decode(Double.self, forKey: .learningRate)
        batchSize = try container.decode(Int.self, forKey: .batchSize)
        if let images = try container.decodeIfPresent(Images.self, forKey: .images) {
            samples = .images(images)
        } else {
            samples = .texts(
                Texts(
                    maximumLength: try container.decode(Int.self, forKey: .maximumLength),
                    position: try container.decode(TriggerPosition.self, forKey: .position),
                    insertions: try container.decode(Int.self, forKey: .insertions)))
        }
    }

    /// Writes settings, in the order in which they are declared.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(epochs, forKey: .epochs)
        try container.encodeIfPresent(learningRate, forKey: .learningRate)
        try container.encodeIfPresent(batchSize, forKey: .batchSize)
        try container.encode(triggers, forKey: .triggers)
        try container.encode(filter, forKey: .filter)
        try container.encodeIfPresent(computeType, forKey: .computeType)
        switch samples {
        case .texts(let texts):
            try container.encode(texts.maximumLength, forKey: .maximumLength)
            try container.encode(texts.position, forKey: .position)
            try container.encode(texts.insertions, forKey: .insertions)
        case .images(let images): try container.encode(images, forKey: .images)
        case .zeroShot(let zeroShot): try container.encode(zeroShot, forKey: .zeroShot)
        }
    }
}
