import Experiments
import Training

/// What a purification did, as its report shows it.
public struct PurificationSummary: Sendable, Codable, Equatable {
    /// A setting and its value, as text.
    public struct Setting: Sendable, Codable, Equatable {
        /// The name.
        public var name: String
        /// The value.
        public var value: String

        /// A setting `name` of `value`.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The data that the model was purified with.
    public struct Auxiliary: Sendable, Codable, Equatable {
        /// The files or folders.
        public var files: [String]
        /// What they hold.
        public var content: Content

        /// What auxiliary data are.
        public enum Content: Sendable, Codable, Equatable {
            /// So many texts of so many tokens, special ones included, of which some were cut.
            case texts(Int, tokens: Int, truncated: Int)
            /// So many images, beside some that were damaged.
            case images(Int, skipped: Int)
            /// So many images with so many captions, of which some were cut, beside images that were
            /// missing or damaged.
            case pairs(Int, captions: Int, truncated: Int, skipped: Int)
        }

        /// What samples are called.
        var unit: String {
            switch content {
            case .texts: "texts"
            case .images: "images"
            case .pairs: "pairs"
            }
        }

        /// Data of `content` from `files`.
        public init(files: [String], _ content: Content) {
            self.files = files
            self.content = content
        }
    }

    /// What one epoch came to.
    public struct Epoch: Sendable, Codable, Equatable {
        /// Means of the epoch's losses by name.
        public var losses: [String: Double]
        /// ‖W(t)‖ / ‖W(0)‖ of each regularized matrix by name, at the epoch's end.
        public var normRatios: [String: Double]

        /// An epoch of these losses and ratios.
        public init(losses: [String: Double], normRatios: [String: Double]) {
            self.losses = losses
            self.normRatios = normRatios
        }
    }

    /// How fast it went.
    public struct Throughput: Sendable, Codable, Equatable {
        /// Optimizer steps.
        public var steps: Int
        /// Seconds of training.
        public var seconds: Double
        /// Samples a second.
        public var samplesPerSecond: Double
        /// Seconds from the weights being read to the end of the first step.
        public var firstStepSeconds: Double

        /// The speed of so many steps.
        public init(
            steps: Int, seconds: Double, samplesPerSecond: Double, firstStepSeconds: Double
        ) {
            self.steps = steps
            self.seconds = seconds
            self.samplesPerSecond = samplesPerSecond
            self.firstStepSeconds = firstStepSeconds
        }
    }

    /// A layer of which neurons were pruned.
    public struct PrunedLayer: Sendable, Codable, Equatable {
        /// Its name.
        public var name: String
        /// How many neurons it has.
        public var neurons: Int
        /// How many of them were pruned.
        public var pruned: Int

        /// A layer of so many neurons, so many of them pruned.
        public init(name: String, neurons: Int, pruned: Int) {
            self.name = name
            self.neurons = neurons
            self.pruned = pruned
        }
    }

    /// The model folder that was purified.
    public var model: String
    /// The folder that was written.
    public var output: String
    /// The command that did it, where there was one.
    public var command: String?
    /// The settings, in the order they are shown.
    public var settings: [Setting]
    /// The auxiliary data.
    public var auxiliary: Auxiliary
    /// The epochs, in order.
    public var epochs: [Epoch]
    /// The layers whose neurons pruning chose among, in order; nil where nothing was pruned.
    public var prunedLayers: [PrunedLayer]?
    /// How fast it went.
    public var throughput: Throughput
    /// Tensors that differ from the input's.
    public var changedTensors: Int
    /// Tensors of the input.
    public var tensors: Int
    /// Files of the input that the output leaves out.
    public var omittedFiles: [String]
    /// Files of the input that were carried though there is something to say of them.
    public var carriedFiles: [String]
    /// What a reader must know before using the output.
    public var warnings: [Caveat]

    /// The summary of a purification.
    public init(
        model: String, output: String, command: String? = nil, settings: [Setting],
        auxiliary: Auxiliary, epochs: [Epoch], prunedLayers: [PrunedLayer]? = nil,
        throughput: Throughput, changedTensors: Int,
        tensors: Int, omittedFiles: [String] = [], carriedFiles: [String] = [],
        warnings: [Caveat] = []
    ) {
        self.model = model
        self.output = output
        self.command = command
        self.settings = settings
        self.auxiliary = auxiliary
        self.epochs = epochs
        self.prunedLayers = prunedLayers
        self.throughput = throughput
        self.changedTensors = changedTensors
        self.tensors = tensors
        self.omittedFiles = omittedFiles
        self.carriedFiles = carriedFiles
        self.warnings = warnings
    }
}
