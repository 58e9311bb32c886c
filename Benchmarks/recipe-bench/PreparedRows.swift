import Foundation
import RecipeKit

/// Masked rows in a file that both sides read: `input_ids`, `attention_mask` and `labels`
/// (-100 where nothing is predicted), each int64 [rows, width].
struct PreparedRows {
    /// The label of a token that is not predicted.
    static let ignored: Int64 = -100

    /// Tokens a row, padding included.
    let width: Int
    /// The rows without their padding.
    let rows: [TokenMasking.Masked]

    /// The rows of a static masking of `texts` as `RECIPE` draws it.
    init(_ texts: [[Int32]], masking: TokenMasking, width: Int, seed: Seed) {
        self.width = width
        rows = texts.enumerated().map { index, text in
            var stream = seed.stream("mlm.mask", index)
            return masking.mask(text, using: &stream)
        }
    }

    /// Writes the rows, padded with `padding`.
    func write(to url: URL, padding: Int32) throws {
        var ids = [Int64](repeating: Int64(padding), count: rows.count * width)
        var mask = [Int64](repeating: 0, count: rows.count * width)
        var labels = [Int64](repeating: Self.ignored, count: rows.count * width)
        for (index, row) in rows.enumerated() {
            let start = index * width
            for (column, id) in row.ids.enumerated() {
                ids[start + column] = Int64(id)
                mask[start + column] = 1
            }
            for (position, label) in zip(row.positions, row.labels) {
                labels[start + position] = Int64(label)
            }
        }
        let shape = [rows.count, width]
        try SafetensorsWriter.write(
            [
                StoredTensor(name: "input_ids", Tensor(ids, shape: shape)),
                StoredTensor(name: "attention_mask", Tensor(mask, shape: shape)),
                StoredTensor(name: "labels", Tensor(labels, shape: shape)),
            ], metadata: [:], to: url)
    }

    /// Reads rows that `write` wrote.
    init(reading url: URL) throws {
        let archive = try TensorArchive.open(url)
        func values(_ name: String) throws -> (shape: [Int], values: [Int64]) {
            guard let stored = archive[name], stored.shape.count == 2, stored.scalarType == .int64
            else {
                throw BenchmarkError("\(url.path): expected ‘\(name)’ as int64 [rows, width]")
            }
            return (stored.shape, try stored.tensor().values())
        }
        let (shape, ids) = try values("input_ids")
        let (maskShape, mask) = try values("attention_mask")
        let (labelShape, labels) = try values("labels")
        guard shape == maskShape, shape == labelShape else {
            throw BenchmarkError("\(url.path): the three tensors differ in shape; prepare it again")
        }
        let width = shape[1]
        self.width = width
        rows = (0..<shape[0]).map { row in
            let kept = (row * width..<(row + 1) * width).filter { mask[$0] != 0 }
            var masked = TokenMasking.Masked(ids: kept.map { Int32(truncatingIfNeeded: ids[$0]) })
            for (column, place) in kept.enumerated() where labels[place] != Self.ignored {
                masked.positions.append(column)
                masked.labels.append(Int32(truncatingIfNeeded: labels[place]))
            }
            return masked
        }
    }
}

/// Batches of prepared rows in their order, as the authors' loop takes them.
struct PreparedSource: BatchSource {
    let prepared: PreparedRows
    let batchSize: Int
    let batchesPerEpoch: Int

    var samplesPerEpoch: Int { batchesPerEpoch * batchSize }

    func epoch(_ number: Int) -> [@Sendable () throws -> TokenBatch] {
        (0..<batchesPerEpoch).map { index in
            { batch(index) }
        }
    }

    /// A batch by its number.
    func batch(_ index: Int) -> TokenBatch {
        TokenBatch(Array(prepared.rows[index * batchSize..<(index + 1) * batchSize]))
    }
}
