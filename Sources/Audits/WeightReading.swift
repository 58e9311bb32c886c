import Foundation
import ModelZoo
import Torch
import TorchNN

/// What the weights of a model alone show. Notes for whoever looks closer: none of it decides a
/// verdict, for honest training leaves the same marks.
public struct WeightReading: Sendable, Codable, Equatable {
    /// Word embeddings whose norm lies farthest from the others', as robust scores of the logarithm.
    public var norms: [Named]
    /// Tokens that share one embedding, bit for bit.
    public var duplicates: [[String]]
    /// Matrices of which one direction holds the greatest share σ₁² / ‖W‖² of the squared norm.
    public var spikes: [Named]
    /// How far each parameter is from the reference, ‖W − W₀‖ / ‖W₀‖, the farthest first; nil
    /// without a reference.
    public var drift: [Named]?
    /// How far word embeddings are from the reference's, likewise.
    public var rowDrift: [Named]?

    /// A parameter or token with a number.
    public struct Named: Sendable, Codable, Equatable {
        /// The parameter or token.
        public var name: String
        /// The number.
        public var value: Double
    }
}

/// Reads a BERT's weights.
struct WeightAudit {
    /// The model in float32.
    let model: AnyTextModel
    /// What the rows of the embedding are called; tokens that are not looked at are left out.
    let tokens: [Int32: String]
    /// Entries of each list.
    var shown = 8

    /// The reading, beside that of `reference`, and the tokens that stand out in it.
    func reading(beside reference: AnyTextModel?) throws -> (
        reading: WeightReading, tokens: [Int32]
    ) {
        try withInferenceMode {
            let words = try model.wordEmbeddings
            let ids = tokens.keys.sorted()
            let norms = try rowNorms(of: words)
            let scores = robustScores(ids.map { log(max(norms[Int($0)], 1e-12)) })
            let unusual = zip(ids, scores).sorted { (abs($1.1), $0.0) < (abs($0.1), $1.0) }
                .prefix(shown)
            var reading = WeightReading(
                norms: unusual.map { named($0.0, $0.1) },
                duplicates: try duplicates(in: words, ids),
                spikes: try spikes())
            var marked = unusual.map(\.0)
            if let reference {
                reading.drift = try drift(from: reference)
                let first = try reference.wordEmbeddings
                let moved = zip(
                    try rowNorms(of: words - first), try rowNorms(of: first)
                ).map { $0 / max($1, 1e-12) }
                let farthest = ids.sorted { (moved[Int($1)], $0) < (moved[Int($0)], $1) }
                    .prefix(shown)
                reading.rowDrift = farthest.map { named($0, moved[Int($0)]) }
                marked += farthest
            }
            return (reading, marked)
        }
    }

    private func named(_ id: Int32, _ value: Float) -> WeightReading.Named {
        WeightReading.Named(name: tokens[id] ?? "\(id)", value: Double(value))
    }

    private func rowNorms(of matrix: Tensor) throws -> [Float] {
        try (matrix * matrix).sum(over: [1]).squareRoot().values()
    }

    /// Rows that are the same, of tokens that are looked at.
    private func duplicates(in words: Tensor, _ ids: [Int32]) throws -> [[String]] {
        let bytes = try words.bytes()
        let width = bytes.count / words.shape[0]
        let groups = Dictionary(grouping: ids) { id in
            bytes[Int(id) * width..<(Int(id) + 1) * width].withUnsafeBytes { row in
                row.reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) {
                    $0 = ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
                }
            }
        }
        return groups.values.filter { $0.count > 1 }.map { group in
            group.compactMap { tokens[$0] }
        }.sorted { $0[0] < $1[0] }.prefix(shown).map { Array($0.prefix(shown)) }
    }

    /// σ₁² / ‖W‖² by power iteration, of all matrices but embeddings.
    private func spikes() throws -> [WeightReading.Named] {
        let shares = try model.store.parameters.filter {
            $0.tensor.rank == 2 && !$0.name.contains("embeddings")
        }.map { parameter in
            let (weight, total) = (parameter.tensor, try parameter.tensor.norm().item())
            var vector = try Tensor.ones([weight.shape[1], 1], device: weight.device)
            var length = 0.0
            for _ in 0..<30 where total > 0 {
                let image = try weight.transposed(0, 1).matmul(weight.matmul(vector))
                length = try image.norm().item()
                vector = try image / max(length, .leastNormalMagnitude)
            }
            return WeightReading.Named(
                name: parameter.name, value: total > 0 ? length / (total * total) : 0)
        }
        return Array(shares.sorted { $0.value > $1.value }.prefix(shown))
    }

    private func drift(from reference: AnyTextModel) throws -> [WeightReading.Named] {
        let drift = try model.store.parameters.compactMap { parameter in
            try reference.store[parameter.name].map { first in
                let norm = try first.norm().item()
                return WeightReading.Named(
                    name: parameter.name,
                    value: try (parameter.tensor - first).norm().item()
                        / max(norm, .leastNormalMagnitude))
            }
        }
        return Array(drift.sorted { $0.value > $1.value }.prefix(shown))
    }
}
