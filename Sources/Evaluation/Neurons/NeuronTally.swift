import TorchNN

/// How active the neurons of one layer are in samples that come and go.
struct NeuronActivity: Equatable {
    /// The sum of each neuron's values.
    private(set) var sums: [Double]
    /// The samples in which each neuron's value is above zero.
    private(set) var counts: [Int]
    /// Samples so far.
    private(set) var samples = 0

    init(neurons: Int) {
        sums = [Double](repeating: 0, count: neurons)
        counts = [Int](repeating: 0, count: neurons)
    }

    /// Whether no value was infinite or no number.
    var isFinite: Bool { sums.allSatisfy(\.isFinite) }

    /// Adds samples: `values` is [rows, neurons].
    mutating func add(_ values: [Float]) {
        let neurons = sums.count
        precondition(neurons > 0 && values.count.isMultiple(of: neurons), "whole rows of neurons")
        samples += values.count / neurons
        values.withUnsafeBufferPointer { values in
            sums.withUnsafeMutableBufferPointer { sums in
                counts.withUnsafeMutableBufferPointer { counts in
                    for start in stride(from: 0, to: values.count, by: neurons) {
                        for neuron in 0..<neurons {
                            let value = values[start + neuron]
                            sums[neuron] += Double(value)
                            counts[neuron] &+= value > 0 ? 1 : 0
                        }
                    }
                }
            }
        }
    }

    /// The activated neurons, where each neuron is or is not by itself.
    func activated(by rule: SetRule) -> [Bool] {
        switch rule {
        // The mean has the sign of the sum.
        case .mean: sums.map { $0 > 0 }
        case .union: counts.map { $0 > 0 }
        case .half: counts.map { samples > 0 && 2 * $0 >= samples }
        }
    }
}

/// The aggregations by which samples together activate a set of neurons.
enum SetRule {
    case mean, union, half
}

/// Sizes of a set of neurons that clean samples activate, of one that poisoned ones do, and of what
/// they share.
struct SetSizes: Equatable {
    var clean = 0
    var poisoned = 0
    var shared = 0

    /// The sizes of two sets, given which neurons are in them.
    init(clean: [Bool], poisoned: [Bool]) {
        for (isClean, isPoisoned) in zip(clean, poisoned) { add(isClean, isPoisoned) }
    }

    /// The sizes of the sets of each sample and its twin, added up: both are [rows, neurons].
    init(clean: [Float], poisoned: [Float]) {
        precondition(clean.count == poisoned.count, "a twin for each sample")
        clean.withUnsafeBufferPointer { clean in
            poisoned.withUnsafeBufferPointer { poisoned in
                for index in clean.indices { add(clean[index] > 0, poisoned[index] > 0) }
            }
        }
    }

    init() {}

    private mutating func add(_ isClean: Bool, _ isPoisoned: Bool) {
        clean &+= isClean ? 1 : 0
        poisoned &+= isPoisoned ? 1 : 0
        shared &+= isClean && isPoisoned ? 1 : 0
    }

    static func += (sum: inout SetSizes, other: SetSizes) {
        sum.clean += other.clean
        sum.poisoned += other.poisoned
        sum.shared += other.shared
    }

    /// The mean sizes where these are the sums over `samples`.
    func overlap(of samples: Int = 1) -> NeuronOverlap {
        let scale = Double(max(1, samples))
        return NeuronOverlap(
            clean: Double(clean) / scale, poisoned: Double(poisoned) / scale,
            shared: Double(shared) / scale)
    }
}

/// What clean samples and their poisoned twins activate, collected as they go by: what it holds does
/// not grow with the samples.
struct NeuronTally {
    /// The activity of each layer in clean samples.
    private(set) var clean: [NeuronActivity]
    /// The activity of each layer in poisoned samples, by triggers.
    private(set) var poisoned: [[NeuronActivity]]
    /// The sets of each sample and its twin, by triggers and layers.
    private var pairs: [[SetSizes]]

    /// A tally of layers with so many neurons each.
    init(neurons: [Int], triggers: Int) {
        clean = neurons.map(NeuronActivity.init)
        poisoned = [[NeuronActivity]](repeating: clean, count: triggers)
        pairs = [[SetSizes]](
            repeating: neurons.map { _ in SetSizes() }, count: triggers)
    }

    /// Whether no value was infinite or no number.
    var isFinite: Bool { ([clean] + poisoned).joined().allSatisfy(\.isFinite) }

    /// Adds clean samples: of each layer [rows, neurons].
    mutating func add(_ values: [[Float]]) {
        for layer in values.indices { clean[layer].add(values[layer]) }
    }

    /// Adds samples with a trigger, the twins of the clean samples `originals`.
    mutating func add(_ values: [[Float]], trigger: Int, originals: [[Float]]) {
        for layer in values.indices {
            poisoned[trigger][layer].add(values[layer])
            pairs[trigger][layer] += SetSizes(clean: originals[layer], poisoned: values[layer])
        }
    }

    /// What a trigger's samples and the clean ones activate.
    func activated(trigger: Int, by aggregation: NeuronAggregation) -> ActivatedNeurons {
        let (sizes, samples) =
            switch aggregation {
            case .mean: (sets(trigger, by: .mean), 1)
            case .union: (sets(trigger, by: .union), 1)
            case .half: (sets(trigger, by: .half), 1)
            case .pairs: (pairs[trigger], clean.first?.samples ?? 0)
            }
        let total = sizes.reduce(into: SetSizes()) { $0 += $1 }
        return ActivatedNeurons(
            total: total.overlap(of: samples), layers: sizes.map { $0.overlap(of: samples) })
    }

    private func sets(_ trigger: Int, by rule: SetRule) -> [SetSizes] {
        zip(clean, poisoned[trigger]).map {
            SetSizes(clean: $0.activated(by: rule), poisoned: $1.activated(by: rule))
        }
    }
}
