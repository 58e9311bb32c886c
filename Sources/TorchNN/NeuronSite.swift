import Torch

/// A named place where a forward pass shows neurons' values before their activation function.
public struct NeuronSite: Sendable, Hashable {
    /// The layer's name, as in `bert.encoder.layer.3.intermediate.dense`.
    public let name: String
    /// How many neurons there are: the size of the values' last dimension.
    public let count: Int
    /// What the layer does with the values.
    public let activation: Activation
    /// The parameters whose rows are the neurons': where a neuron's row is zero in all of them, its
    /// value is zero whatever the layer reads.
    public let parameters: [String]

    /// A site of `count` neurons, the rows of `parameters`: by default of the weight `name.weight`
    /// and of `name.bias`.
    public init(
        name: String, count: Int, activation: Activation, parameters: [String]? = nil
    ) {
        self.name = name
        self.count = count
        self.activation = activation
        self.parameters = parameters ?? [name + ".weight", name + ".bias"]
    }
}

/// Something that reads neurons' values in a pass.
public protocol NeuronRecorder: AnyObject {
    /// Called with the pre-activation values [..., neurons] of `site`.
    func record(_ values: Tensor, at site: NeuronSite) throws
}

/// What the samples of a batch make of the neurons at one site, before their activation function.
public struct NeuronReading {
    /// Where the neurons are.
    public let site: NeuronSite
    /// The values [samples, places, neurons], float32: a transformer's have one place, the first
    /// token; a convolution's all places of its map, row by row.
    public let values: Tensor

    /// A reading of values [samples, places, neurons] at `site`.
    public init(site: NeuronSite, values: Tensor) {
        self.site = site
        self.values = values
    }

    /// What each sample makes of each neuron [samples, neurons], float32: the mean over places.
    public func means(_ statistic: ActivationStatistic = .signed) throws -> Tensor {
        try statistic(values, at: site).mean(over: [1])
    }
}

/// What of a neuron's value is averaged over places and samples.
public enum ActivationStatistic: String, Sendable, Codable, CaseIterable {
    /// The value before the activation function, with its sign.
    case signed
    /// Its magnitude.
    case absolute
    /// The value behind the activation function.
    case post

    func callAsFunction(_ values: Tensor, at site: NeuronSite) throws -> Tensor {
        switch self {
        case .signed: values
        case .absolute: try values.magnitude()
        case .post: try site.activation(values)
        }
    }
}

/// Turns what a pass shows of a batch into readings: of packed sequences, the first tokens.
public final class SampleRecorder: NeuronRecorder {
    private let samples: Int
    private let firstTokens: Tensor?
    private let body: (NeuronReading) throws -> Void

    /// A recorder of a batch of so many samples; `firstTokens` [samples], 64-bit, says where each
    /// begins among the tokens, and is needed only where they differ in length.
    public init(
        samples: Int, firstTokens: Tensor? = nil, _ body: @escaping (NeuronReading) throws -> Void
    ) {
        self.samples = samples
        self.firstTokens = firstTokens
        self.body = body
    }

    /// Hands on what belongs to the samples: [n, height, width, neurons] whole, of [tokens, neurons]
    /// the first token's rows, and [n, neurons], where the layer saw no other token, as they are.
    public func record(_ values: Tensor, at site: NeuronSite) throws {
        let shape = values.shape
        let chosen: Tensor
        if shape.count == 4 {
            chosen = try values.reshaped([shape[0], shape[1] * shape[2], shape[3]])
        } else if shape[0] == samples {
            chosen = try values.unsqueezed(1)
        } else if let firstTokens {
            chosen = try values.gathered(0, at: firstTokens).unsqueezed(1)
        } else {
            chosen = try values.reshaped([samples, -1, site.count])
                .narrowed(1, from: 0, length: 1)
        }
        try body(NeuronReading(site: site, values: chosen.cast(to: .float32)))
    }
}
