import Torch

/// Sums over samples of what neurons had, site by site, in double precision.
public struct ActivationStatistics: Sendable, Equatable {
    /// The sums of one site; arrays have an element a neuron.
    public struct Sums: Sendable, Equatable {
        /// Where the neurons are.
        public let site: NeuronSite
        /// Samples read.
        public fileprivate(set) var samples = 0
        /// Of values before the activation function.
        public fileprivate(set) var signed: [Double]
        /// Of their magnitudes.
        public fileprivate(set) var absolute: [Double]
        /// Of values behind the activation function.
        public fileprivate(set) var post: [Double]
        /// Samples whose value before the activation function is above zero: that activate the
        /// neuron (paper, section 5.5).
        public fileprivate(set) var active: [Int]

        fileprivate init(_ site: NeuronSite) {
            self.site = site
            signed = [Double](repeating: 0, count: site.count)
            (absolute, post) = (signed, signed)
            active = [Int](repeating: 0, count: site.count)
        }

        /// The mean over samples for each neuron; zeros where there were none.
        public func means(_ statistic: ActivationStatistic) -> [Double] {
            let sums =
                switch statistic {
                case .signed: signed
                case .absolute: absolute
                case .post: post
                }
            return sums.map { samples > 0 ? $0 / Double(samples) : 0 }
        }
    }

    /// The sites, in the order of the model.
    public private(set) var sites: [Sums]
    private let places: [NeuronSite: Int]

    /// Sums of nothing yet over the neurons at `sites`.
    public init(of sites: [NeuronSite]) {
        self.sites = sites.map(Sums.init)
        places = Dictionary(uniqueKeysWithValues: sites.enumerated().map { ($1, $0) })
    }

    /// Adds a batch's samples; a reading of another site than those given is left out.
    public mutating func add(_ reading: NeuronReading) throws {
        guard let index = places[reading.site] else { return }
        let means = try ActivationStatistic.allCases.map { try reading.means($0) }
        let sums = try means.map { try Self.sum($0) }
        sites[index].samples += reading.values.shape[0]
        sites[index].signed.add(sums[0])
        sites[index].absolute.add(sums[1])
        sites[index].post.add(sums[2])
        let active = try Self.sum(means[0].isGreater(than: 0))
        for neuron in active.indices { sites[index].active[neuron] += Int(active[neuron]) }
    }

    /// Sums over samples [samples, neurons] → [neurons].
    private static func sum(_ values: Tensor) throws -> [Double] {
        try values.cast(to: .float64).sum(over: [0]).values()
    }
}

extension [Double] {
    fileprivate mutating func add(_ other: [Double]) {
        for index in other.indices { self[index] += other[index] }
    }
}
