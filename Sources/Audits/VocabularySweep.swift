import DataPipeline
import Randomness
import TextTokenizers
import Torch

/// Every candidate once at the start and once in the middle of a text, two to a forward pass: a
/// ranking, no verdict, for a candidate is blamed for its partner too.
struct VocabularySweep {
    let probe: TextProbe
    let seed: Seed
    /// Rows of a forward pass.
    private static let rows = 512

    /// What is ranked by.
    enum Statistic: CaseIterable {
        /// How far features move.
        case cls, pooled, masked
        /// How far the distribution at the masked token moves (Kullback-Leibler).
        case prediction

        var feature: AuditFeature? {
            switch self {
            case .cls: .cls
            case .pooled: .pooled
            case .masked: .masked
            case .prediction: nil
            }
        }
    }

    /// Scores of the candidates that were reached, by their places among all.
    struct Ranking {
        var scores: [Statistic: [Int: Float]] = [:]
        /// How many candidates were tested.
        var tested = 0

        /// The candidates that stand out most, the best of each statistic.
        func best(_ count: Int) -> [Int] {
            let chosen = Statistic.allCases.flatMap { statistic in
                (scores[statistic] ?? [:]).sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                    .prefix(count).map(\.key)
            }
            return Set(chosen).sorted()
        }
    }

    /// Ranks `candidates`, all of one length, by the greater of their scores at both places.
    ///
    /// The probe has two carriers; on the second the partners are others. Where `isOver` says so the
    /// sweep ends with what it has reached.
    func ranking(
        of candidates: [[Int32]], observe: (Int) throws -> Void, isOver: () -> Bool
    ) throws -> Ranking {
        guard !candidates.isEmpty else { return Ranking() }
        var stream = seed.stream("audit.sweep", candidates[0].count)
        let order = candidates.indices.shuffled(using: &stream)
        var distances = Statistic.allCases.map { _ in [[Float](), [Float]()] }
        var pairs: [[(first: Int, middle: Int)]] = [[], []]
        let clean = try (0..<2).map { carrier in
            try probe.vectors(
                of: [Insertion(carrier: carrier, pieces: [])], [.cls], predicting: true)
        }
        var reached = 0
        while reached < order.count, reached == 0 || !isOver() {
            // As many rows on both carriers, each candidate once at either place.
            let part = Array(order[reached..<min(reached + 2 * Self.rows, order.count)])
            for carrier in 0..<2 {
                let chosen = Self.pairs(part, turned: carrier == 1)
                let found = try self.distances(
                    chosen.map { (candidates[$0.first], candidates[$0.middle]) }, carrier,
                    from: clean[carrier])
                for (statistic, values) in zip(Statistic.allCases.indices, found) {
                    distances[statistic][carrier] += values
                }
                pairs[carrier] += chosen
            }
            reached += part.count
            try observe(reached)
        }
        var ranking = Ranking(tested: reached)
        for (statistic, distances) in zip(Statistic.allCases, distances) {
            for carrier in 0..<2 {
                let scores = robustScores(distances[carrier])
                for (pair, score) in zip(pairs[carrier], scores) {
                    for index in [pair.first, pair.middle] {
                        let before = ranking.scores[statistic]?[index] ?? -.infinity
                        ranking.scores[statistic, default: [:]][index] = max(before, score)
                    }
                }
            }
        }
        return ranking
    }

    /// Pairs of neighbours; `turned`, the last of a pair stands first, beside another partner. An odd
    /// one out is its own partner.
    static func pairs(_ order: [Int], turned: Bool) -> [(first: Int, middle: Int)] {
        stride(from: 0, to: order.count, by: 2).map { place in
            let partner = order[min(place + 1, order.count - 1)]
            return turned
                ? (partner, order[place + 2 < order.count ? place + 2 : 0])
                : (order[place], partner)
        }
    }

    /// The logarithm of each statistic for pairs of candidates in a carrier; none where the model
    /// has not what it is of.
    private func distances(
        _ pairs: [([Int32], [Int32])], _ carrier: Int, from clean: ProbedVectors
    ) throws -> [[Float]] {
        let middle = TextProbe.Place.middle.index(in: probe.carriers[carrier])
        let rows = pairs.map {
            Insertion(carrier: carrier, pieces: [(0, $0.0), (middle, $0.1)])
        }
        let vectors = try probe.vectors(of: rows, [.cls], predicting: true)
        return try Statistic.allCases.map { statistic in
            let distance: Tensor
            if let feature = statistic.feature {
                guard let base = clean.features[feature], let values = vectors.features[feature]
                else { return [] }
                let moved = try values - base
                distance = try (moved * moved).sum(over: [1])
            } else {
                guard let base = clean.logProbabilities, let values = vectors.logProbabilities
                else { return [] }
                let probabilities = try base.exp()
                let entropy = try (probabilities * base).sum().item()
                let masks = base.shape[0]
                let cross = try values.reshaped([rows.count, -1])
                    .matmul(probabilities.reshaped([-1, 1])).squeezed(1)
                distance = try (-cross + entropy) / Double(masks)
            }
            return try distance.clamped(to: 1e-12...1e12).log().values()
        }
    }
}
