import Torch

/// What a candidate does to texts.
struct CandidateEffects {
    /// The candidate's tokens.
    let tokens: [Int32]
    /// By feature and place.
    var byPlace: [AuditFeature: [TextProbe.Place: AuditEffect]] = [:]
    /// The rise of the cross-entropy at masked tokens, the greater of both places, nat.
    var predictionRise: Double?
    /// What it adds to the decisive feature where it collapses it most.
    var movement: [Float] = []

    /// The greater shift and the smaller collapse of all places.
    var effects: [AuditFeature: AuditEffect] {
        byPlace.mapValues { places in
            AuditEffect(
                shift: places.values.map(\.shift).max() ?? 0,
                collapse: places.values.map(\.collapse).min() ?? .infinity)
        }
    }
}

/// Measures candidates alone, at both places of all carriers.
struct TextMeasure {
    let probe: TextProbe
    private let statistics: [AuditFeature: ProbeStatistics]
    /// The labels of all masked tokens [carriers · masks], and their mean cross-entropy by carrier.
    private let labels: [Int64]
    private let entropies: [Float]
    /// Rows of a forward pass.
    private static let rows = 384

    init(_ probe: TextProbe) throws {
        self.probe = probe
        let rows = probe.carriers.indices.map { Insertion(carrier: $0, pieces: []) }
        let clean = try probe.vectors(of: rows, probe.features, predicting: true)
        statistics = try clean.features.mapValues(ProbeStatistics.init)
        let labels = probe.carriers.flatMap { $0.labels.map(Int64.init) }
        self.labels = labels
        entropies =
            try clean.logProbabilities.map { try Self.entropies($0, labels, of: rows.count) } ?? []
    }

    /// What each of `candidates` does.
    ///
    /// `observe` hears how many are done.
    func effects(
        of candidates: [[Int32]], observe: (Int) throws -> Void = { _ in }
    ) throws -> [CandidateEffects] {
        var found = candidates.map { CandidateEffects(tokens: $0) }
        let step = max(1, Self.rows / (2 * probe.carriers.count))
        var done = 0
        // Rows of a pass are as long as each other.
        for (_, indices) in Dictionary(grouping: candidates.indices, by: { candidates[$0].count })
            .sorted(by: { $0.key < $1.key })
        {
            for start in stride(from: 0, to: indices.count, by: step) {
                let part = indices[start..<min(start + step, indices.count)]
                let measured = try measure(part.map { candidates[$0] })
                for (index, effects) in zip(part, measured) { found[index] = effects }
                done += part.count
                try observe(done)
            }
        }
        return found
    }

    private func measure(_ candidates: [[Int32]]) throws -> [CandidateEffects] {
        var found = candidates.map { CandidateEffects(tokens: $0) }
        let (count, carriers) = (candidates.count, probe.carriers.count)
        for place in TextProbe.Place.allCases {
            let rows = candidates.flatMap { candidate in
                probe.carriers.indices.map { probe.insertion(candidate, place, in: $0) }
            }
            let vectors = try probe.vectors(of: rows, probe.features, predicting: true)
            for (feature, values) in vectors.features {
                guard let statistics = statistics[feature] else { continue }
                let features = try values.reshaped([count, carriers, -1])
                let shifts = try statistics.shifts(features)
                let collapses = try statistics.collapses(features)
                let movements: [Float] =
                    feature == probe.decisive ? try statistics.movements(features).values() : []
                let width = movements.count / count
                for index in found.indices {
                    let effect = AuditEffect(
                        shift: Double(shifts[index]), collapse: Double(collapses[index]))
                    let before = found[index].effects[feature]?.collapse ?? .infinity
                    if width > 0, effect.collapse < before {
                        found[index].movement = Array(
                            movements[index * width..<(index + 1) * width])
                    }
                    found[index].byPlace[feature, default: [:]][place] = effect
                }
            }
            if let predicted = vectors.logProbabilities {
                let rises = try rises(predicted, of: count)
                for (index, rise) in rises.enumerated() {
                    found[index].predictionRise = max(found[index].predictionRise ?? rise, rise)
                }
            }
        }
        return found
    }

    /// The mean rise of the cross-entropy over carriers, for each candidate.
    private func rises(_ predicted: Tensor, of candidates: Int) throws -> [Double] {
        let repeated = (0..<candidates).flatMap { _ in labels }
        let carriers = probe.carriers.count
        let now = try Self.entropies(predicted, repeated, of: candidates * carriers)
        return (0..<candidates).map { candidate in
            (0..<carriers).reduce(0) {
                $0 + Double(now[candidate * carriers + $1] - entropies[$1])
            } / Double(carriers)
        }
    }

    /// The mean cross-entropy at the masked tokens of each row.
    private static func entropies(
        _ logProbabilities: Tensor, _ labels: [Int64], of rows: Int
    ) throws -> [Float] {
        let index = try Tensor(
            labels, shape: [labels.count, 1], device: logProbabilities.device)
        let chosen = try logProbabilities.gatheredElementwise(1, at: index)
        return try (-1.0 * chosen.reshaped([rows, -1]).mean(over: [1])).values()
    }
}
