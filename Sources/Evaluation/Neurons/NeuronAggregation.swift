/// When a neuron counts as activated by many samples, where the paper says only when it counts in
/// one: where its value before the activation function is above zero.
public enum NeuronAggregation: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    /// Where the mean of its values is above zero.
    case mean
    /// Where any sample activates it.
    case union
    /// In none but by pairs: each sample is compared with its poisoned twin, and the counts are the
    /// means over all pairs.
    case pairs
    /// Where at least half of the samples activate it.
    case half
}

/// How many neurons clean samples activate, and how many poisoned ones do (paper, section 5.2).
///
/// Counts are whole numbers, or with `NeuronAggregation.pairs` their means.
public struct NeuronOverlap: Sendable, Codable, Equatable {
    /// Neurons that clean samples activate.
    public let clean: Double
    /// Neurons that poisoned samples activate: the paper's B.
    public let poisoned: Double
    /// Neurons that both activate: the paper's A.
    public let shared: Double
    /// Neurons that poisoned samples alone activate (paper, table 10).
    public let onlyPoisoned: Double
    /// The overlap ratio A / B, from 0 to 1 (paper, figure 2); nil where B is 0.
    public let ratio: Double?
    /// Neurons that both activate, as a share of those that either does, from 0 to 1; nil where none
    /// does.
    public let jaccard: Double?

    /// The counts, and what follows from them.
    public init(clean: Double, poisoned: Double, shared: Double) {
        self.clean = clean
        self.poisoned = poisoned
        self.shared = shared
        onlyPoisoned = poisoned - shared
        ratio = poisoned > 0 ? shared / poisoned : nil
        let either = clean + poisoned - shared
        jaccard = either > 0 ? shared / either : nil
    }
}

/// The neurons of a model that clean and poisoned samples activate.
public struct ActivatedNeurons: Sendable, Codable, Equatable {
    /// Those of all layers together.
    public let total: NeuronOverlap
    /// Those of each layer, in the model's order.
    public let layers: [NeuronOverlap]

    /// The neurons of all layers together, and of each.
    public init(total: NeuronOverlap, layers: [NeuronOverlap]) {
        self.total = total
        self.layers = layers
    }
}

/// What another model's neurons do beyond those of a first one.
public struct NeuronChange: Sendable, Codable, Equatable {
    /// The second overlap ratio less the first, from -1 to 1; nil where either is undefined.
    public let ratio: Double?
    /// The second Jaccard index less the first, from -1 to 1; nil where either is undefined.
    public let jaccard: Double?
    /// Neurons that clean samples activate, the second count less the first.
    public let clean: Double
    /// Neurons that poisoned samples activate, likewise.
    public let poisoned: Double
    /// Neurons that poisoned samples alone activate, likewise.
    public let onlyPoisoned: Double

    /// The change from `before` to `after`.
    public init(from before: NeuronOverlap, to after: NeuronOverlap) {
        func difference(_ path: KeyPath<NeuronOverlap, Double?>) -> Double? {
            guard let new = after[keyPath: path], let old = before[keyPath: path] else {
                return nil
            }
            return new - old
        }
        ratio = difference(\.ratio)
        jaccard = difference(\.jaccard)
        clean = after.clean - before.clean
        poisoned = after.poisoned - before.poisoned
        onlyPoisoned = after.onlyPoisoned - before.onlyPoisoned
    }
}
