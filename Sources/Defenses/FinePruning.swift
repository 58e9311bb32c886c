import DataPipeline
import ModelZoo
import Torch
import TorchNN
import Training

/// Pruning of the neurons that clean auxiliary data activate least (the paper's baselines FP, FP-GM
/// and FP-GA, after Liu et al.): their rows become zero, and nothing is trained.
///
/// What is pruned are rows of fc1 or `intermediate.dense` in a transformer, channels in a VGG.
public struct FinePruning: Defense {
    /// Where neurons are pruned, and how many (paper, appendix A).
    public enum Method: String, Sendable, Codable, CaseIterable {
        /// Of the last layer: all neurons, or all channels of a VGG but one.
        case lastLayer = "fp"
        /// Of all layers, moderately: a third of a transformer's, 512 of 4,224 of a VGG's.
        case globalModerate = "fp-gm"
        /// Of all layers, aggressively: half of a BERT's, 5 of 12 of a ViT's or a CLIP's, 600 of
        /// 4,224 of a VGG's.
        case globalAggressive = "fp-ga"
    }

    /// Where, and how many.
    public var method: Method
    /// How many instead.
    public var count: Int?
    /// The mean over samples by which neurons are put in order; the least are pruned.
    public var statistic: ActivationStatistic
    /// What becomes of pruned neurons when the model is trained further.
    public var mask = PrunedNeurons.Mask.initial
    /// Samples that go through the model together.
    public var batchSize = 64
    /// The type of activations and weights as they are read; what is written keeps its own.
    public var precision = Precision.auto

    /// The settings for a family of models: the value before the activation function with its sign,
    /// in a VGG the map behind ReLU.
    public init(_ method: Method, defaults: PaperDefaults) {
        self.method = method
        statistic = defaults.pruning.statistic
    }

    /// `fp`, `fp-gm` or `fp-ga`.
    public var name: String { method.rawValue }
    /// What reports say of it.
    public var facts: [Fact] {
        [
            Fact("statistic", statistic.rawValue), Fact("mask", mask.rawValue),
            Fact("batch size", "\(batchSize)"),
        ]
    }

    /// How many neurons are pruned of those at `sites`.
    ///
    /// Throws `TrainingError` where a count of the user's is more than there are.
    public func count(at sites: [NeuronSite], _ shares: PaperDefaults.Pruning) throws -> Int {
        let all = candidates(sites).reduce(0) { $0 + $1.count }
        if let count {
            guard count <= all else {
                throw TrainingError(
                    "--prune \(count): \(method.rawValue) chooses among \(all) neurons of this "
                        + "model")
            }
            return count
        }
        return switch method {
        case .lastLayer: max(0, all - shares.keptInLastLayer)
        case .globalModerate: shares.moderate.of(all)
        case .globalAggressive: shares.aggressive.of(all)
        }
    }

    private func candidates(_ sites: [NeuronSite]) -> ArraySlice<NeuronSite> {
        method == .lastLayer ? sites.suffix(1) : sites[...]
    }

    /// The neurons to prune: those of least mean, of equal ones those of earlier layers first, then
    /// those of lower index.
    public func choice(
        by statistics: ActivationStatistics, _ shares: PaperDefaults.Pruning
    ) throws -> PrunedNeurons {
        let sites = statistics.sites.map(\.site)
        let count = try count(at: sites, shares)
        let first = sites.count - candidates(sites).count
        var neurons: [(mean: Double, layer: Int, index: Int)] = []
        for (layer, sums) in statistics.sites.enumerated().dropFirst(first) {
            for (index, mean) in sums.means(statistic).enumerated() {
                guard mean.isFinite else {
                    throw TrainingError(
                        "neuron \(index) of ‘\(sums.site.name)’ has no finite activation: the "
                            + "model's weights are damaged, or --precision is too coarse for them")
                }
                neurons.append((mean, layer, index))
            }
        }
        neurons.sort { ($0.mean, $0.layer, $0.index) < ($1.mean, $1.layer, $1.index) }
        var pruned = [[Int]](repeating: [], count: sites.count)
        for neuron in neurons.prefix(count) { pruned[neuron.layer].append(neuron.index) }
        return PrunedNeurons(
            mask: mask,
            layers: zip(sites, pruned).map {
                PrunedNeurons.Layer(name: $0.name, neurons: $0.count, pruned: $1.sorted())
            })
    }
}
