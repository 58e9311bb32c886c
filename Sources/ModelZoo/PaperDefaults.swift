import TorchNN

/// What the paper does with a family of models (appendix A): which weights are made small, how the
/// run trains, and how many neurons the baselines prune. What it leaves open is our choice.
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
}

extension BERT {
    /// The feed-forward input weights alone, AdamW at 2e-5 falling to 0, four epochs.
    public static let paperDefaults = PaperDefaults(
        regularized: recipeWeights, trained: recipeWeights,
        training: TrainingSettings(epochs: 4, learningRate: 2e-5), batchSize: 32,
        pruning: .init(moderate: .init(1, of: 3), aggressive: .init(1, of: 2)))
}

extension ImageConfiguration {
    /// The paper's epochs (10 for VGG, 4 for ViT), SGD without momentum or clipping at a constant
    /// 1e-3 (VGG) or 1e-2 (transformers), which the paper leaves open.
    public var paperDefaults: PaperDefaults {
        let isConvolutional: Bool
        if case .vgg = self { isConvolutional = true } else { isConvolutional = false }
        return PaperDefaults(
            regularized: recipeWeights, trained: .all,
            training: TrainingSettings(
                epochs: isConvolutional ? 10 : 4, learningRate: isConvolutional ? 1e-3 : 1e-2,
                schedule: Schedule(.constant), optimizer: .sgd(), clip: nil),
            batchSize: 64,
            pruning: isConvolutional
                ? .init(
                    keptInLastLayer: 1, moderate: .init(512, of: 4224),
                    aggressive: .init(600, of: 4224), statistic: .post)
                : .init(moderate: .init(1, of: 3), aggressive: .init(5, of: 12)))
    }
}

extension CLIP {
    /// AdamW with the constants of CLIP's authors for vision transformers.
    public static func optimizer(weightDecay: Double = 0) -> OptimizerConfiguration {
        .adamW(beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: weightDecay)
    }

    /// AdamW (0.9, 0.98, 1e-6) without decay at 1e-5, falling to 0, 20 epochs, 64 pairs a step, all
    /// of which the paper leaves open.
    public static let paperDefaults = PaperDefaults(
        regularized: recipeWeights, trained: .all,
        training: TrainingSettings(
            epochs: 20, learningRate: 1e-5, optimizer: optimizer(), clip: nil),
        batchSize: 64, pruning: .init(moderate: .init(1, of: 3), aggressive: .init(5, of: 12)))
}
