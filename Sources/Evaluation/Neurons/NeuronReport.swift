import Attacks
import DataPipeline
import Randomness
import Torch

/// Which neurons clean and poisoned samples activate in a model, and in another one after it.
public struct NeuronReport: Sendable, Codable, Equatable {
    /// The model.
    public let model: String
    /// The other model, such as the first one purified; nil where there is none.
    public let after: String?
    /// The clean samples.
    public let samples: Samples
    /// The layers whose neurons were watched.
    public let layers: [Layer]
    /// How it was done.
    public let settings: NeuronSettings
    /// The command that made it, where there was one.
    public let command: String?
    /// What came of each trigger.
    public let triggers: [TriggerNeurons]
    /// Seconds that both models took.
    public let seconds: Double

    /// Clean samples.
    public struct Samples: Sendable, Codable, Equatable {
        /// Where they come from.
        public let path: String
        /// How many were taken.
        public let count: Int
        /// How many there were to take from.
        public let available: Int
        /// The labels they have; nil where labels were not looked at.
        public let labels: [String]?
        /// Samples that were damaged and left out; nil where there are none.
        public let skipped: Int?

        /// So many samples of those that are there, beside some that were damaged.
        public init(
            path: String, count: Int, available: Int, labels: [String]? = nil, skipped: Int = 0
        ) {
            self.path = path
            self.count = count
            self.available = available
            self.labels = labels
            self.skipped = skipped > 0 ? skipped : nil
        }
    }

    /// A layer of neurons.
    public struct Layer: Sendable, Codable, Equatable {
        /// Its name in the model.
        public let name: String
        /// How many neurons it has.
        public let neurons: Int

        /// A layer of so many neurons.
        public init(name: String, neurons: Int) {
            self.name = name
            self.neurons = neurons
        }
    }

    /// What came of triggers in a model, and in the one after it where there is one.
    public init(
        model: String, after: String? = nil, samples: Samples, layers: [Layer],
        settings: NeuronSettings, command: String? = nil, triggers: [TriggerNeurons],
        seconds: Double
    ) {
        self.model = model
        self.after = after
        self.samples = samples
        self.layers = layers
        self.settings = settings
        self.command = command
        self.triggers = triggers
        self.seconds = seconds
    }

    /// Neurons of all layers together.
    public var neuronCount: Int { layers.reduce(0) { $0 + $1.neurons } }

    /// The biggest number of samples in which truncation cut a trigger off again.
    public var lost: Int { triggers.map(\.lost).max() ?? 0 }
}

/// What one trigger does to neurons.
public struct TriggerNeurons: Sendable, Codable, Equatable {
    /// The trigger.
    public let trigger: String
    /// Samples in which truncation cut it off again; they count all the same.
    public let lost: Int
    /// What is activated in the model, by each aggregation.
    public let before: [NeuronAggregation: ActivatedNeurons]
    /// What is activated in the other model; nil where there is none.
    public let after: [NeuronAggregation: ActivatedNeurons]?
    /// What the other model changes, all layers together; nil where there is none.
    public let change: [NeuronAggregation: NeuronChange]?

    /// What a trigger does; the change is worked out here.
    public init(
        trigger: String, lost: Int, before: [NeuronAggregation: ActivatedNeurons],
        after: [NeuronAggregation: ActivatedNeurons]?
    ) {
        self.trigger = trigger
        self.lost = lost
        self.before = before
        self.after = after
        change = after.map { after in
            var change: [NeuronAggregation: NeuronChange] = [:]
            for (aggregation, neurons) in before {
                change[aggregation] = after[aggregation].map {
                    NeuronChange(from: neurons.total, to: $0.total)
                }
            }
            return change
        }
    }
}

/// How neurons were watched; what goes with texts alone, or with images, is nil for the others.
public struct NeuronSettings: Sendable, Codable, Equatable {
    /// The aggregation that reports show first; all are in the data.
    public var aggregation = NeuronAggregation.mean
    /// The triggers.
    public var triggers: [String] = []
    /// Samples a batch.
    public var batchSize = 64
    /// The type that activations have.
    public var computeType = DType.float32
    /// Where random places of triggers, and samples of a limit, are drawn from.
    public var seed = Seed(42)
    /// Tokens a text is cut to, special tokens included.
    public var maximumLength: Int?
    /// Where a trigger goes.
    public var position: TriggerPosition?
    /// How often a trigger is put into a text.
    public var insertions: Int?
    /// How images were brought to one size.
    public var preparation: ImagePreparation?

    /// The mean as aggregation, and no triggers yet.
    public init() {}
}
