import DataPipeline
import TorchNN

/// What the paper does with a family of models (appendix A): which weights are made small, how the
/// run trains, how many neurons the baselines prune, and how its users train it. What it leaves open is
/// our choice.
public struct PaperDefaults: Sendable, Equatable {
    /// W of Σ ‖Wᵢ‖.
    public var regularized: ParameterPattern
    /// What is trained.
    public var trained: ParameterPattern
    /// How RECIPE trains, with the paper's epochs.
    public var training: TrainingSettings
    /// Samples a step.
    public var batchSize: Int
    /// Neurons that fine-pruning takes.
    public var pruning: Pruning
    /// How a downstream user makes a classifier of it.
    public var fineTuning: FineTuning
    /// All that makes features of embedded inputs: what a defense of our own trains.
    public var encoder = ParameterPattern.all
    /// How our own unlearning trains.
    public var unlearning = Unlearning.images

    /// How altered inputs are unlearned, which the paper does not do.
    public struct Unlearning: Sendable, Equatable {
        /// Steps, optimizer and rate.
        public var training: TrainingSettings
        /// Samples a step.
        public var batchSize: Int

        private init(_ training: TrainingSettings, steps: Int, batchSize: Int) {
            (self.training, self.batchSize) = (training, batchSize)
            self.training.steps = steps
        }

        /// Epochs that any number of steps fits into.
        private static let epochs = 10_000

        /// 100 steps of 16 texts: AdamW at 2e-4, falling to 0.
        static let texts = Unlearning(
            TrainingSettings(
                epochs: epochs, learningRate: 2e-4, schedule: Schedule(.linear, warmupSteps: 5)),
            steps: 100, batchSize: 16)
        /// 250 steps of 32 images: AdamW at 3e-4, for half of them, then falling to 0.
        static let images = Unlearning(
            TrainingSettings(
                epochs: epochs, learningRate: 3e-4,
                schedule: Schedule(.trapezoid, warmupSteps: 10), clip: nil),
            steps: 250, batchSize: 32)
    }

    /// The neurons that the baselines FP, FP-GM and FP-GA prune.
    public struct Pruning: Sendable, Equatable {
        /// Neurons of the last layer that FP leaves.
        public var keptInLastLayer = 0
        /// The share of all layers' neurons that FP-GM prunes, as a fraction.
        public var moderate: Fraction
        /// The share that FP-GA prunes.
        public var aggressive: Fraction
        /// The mean activation that neurons are put in order by.
        public var statistic = ActivationStatistic.signed

        /// A share, exact in whole neurons.
        public struct Fraction: Sendable, Equatable {
            let part: Int
            let whole: Int

            /// `part` of `whole`.
            public init(_ part: Int, of whole: Int) { (self.part, self.whole) = (part, whole) }

            /// So much of `count`, rounded down.
            public func of(_ count: Int) -> Int { count * part / whole }
        }
    }

    /// How a downstream user trains a classifier.
    public struct FineTuning: Sendable, Equatable {
        /// Epochs, optimizer and rate.
        public var training: TrainingSettings
        /// Samples a step.
        public var batchSize: Int
        /// Epochs and rates of data that the paper trains on otherwise.
        public var exceptions: [ImageLayout: Exception] = [:]

        /// Epochs and a rate.
        public struct Exception: Sendable, Equatable {
            var epochs: Int
            var learningRate: Double
        }

        /// The settings on data of this layout.
        public func training(on layout: ImageLayout) -> TrainingSettings {
            var training = training
            if let exception = exceptions[layout] {
                (training.epochs, training.learningRate) = (
                    exception.epochs, exception.learningRate
                )
            }
            return training
        }

        /// The paper's for VGG and ViT: 10 epochs at a constant 1e-3; optimizer and batch are those of
        /// NeuBA's scripts, for the paper does not state them.
        static let images = FineTuning(
            training: TrainingSettings(
                epochs: 10, learningRate: 1e-3, schedule: Schedule(.constant), optimizer: .sgd(),
                clip: nil), batchSize: 64)
    }
}
