import DataPipeline
import Torch
import TorchNN

/// Vectors of texts, for comparison with another implementation and for whoever trains on them.
public struct TextFeatures {
    /// The last hidden state of the first token [texts, hidden].
    public let classification: Tensor
    /// The mean of the last hidden state over a text's tokens, special ones included [texts, hidden].
    public let mean: Tensor
    /// The pooler's output [texts, hidden], where the model has a pooler.
    public let pooled: Tensor?

    /// The vectors of `texts` (ids with special tokens), in their order.
    public init(of texts: [[Int32]], by model: AnyTextModel) throws {
        let device = model.store.placement.device
        let order = texts.indices.sorted { texts[$0].count < texts[$1].count }
        var first: [Tensor] = []
        var means: [Tensor] = []
        var pooled: [Tensor] = []
        for start in stride(from: 0, to: order.count, by: Self.batchSize) {
            let samples = order[start..<min(start + Self.batchSize, order.count)]
            let batch = TokenBatch(samples.map { texts[$0] })
            try withoutGradients {
                let input = try TokenInput(batch, device: device)
                let hidden = try model.hiddenStates(input, in: .evaluation).cast(to: .float32)
                let vectors = try hidden.gathered(0, at: input.firstTokens)
                first.append(vectors)
                means.append(try Self.mean(of: hidden, batch, device))
                if model.parts.contains(.pooler) {
                    pooled.append(
                        try model.pooled(vectors.cast(to: model.store.placement.computeType))
                            .cast(to: .float32))
                }
            }
        }
        // Back from the order of lengths to the order given.
        var place = [Int64](repeating: 0, count: texts.count)
        for (position, sample) in order.enumerated() { place[sample] = Int64(position) }
        let index = try Tensor(place, device: device)
        func inOrder(_ parts: [Tensor]) throws -> Tensor {
            try Tensor.concatenated(parts, along: 0).gathered(0, at: index)
        }
        classification = try inOrder(first)
        mean = try inOrder(means)
        self.pooled = pooled.isEmpty ? nil : try inOrder(pooled)
    }

    private static let batchSize = 64

    /// The mean over each row's tokens, as a product with their shares.
    private static func mean(
        of hidden: Tensor, _ batch: TokenBatch, _ device: Device
    ) throws -> Tensor {
        let tokens = batch.ids.count
        var shares = [Float](repeating: 0, count: batch.rows * tokens)
        for (token, row) in batch.rowOfToken.enumerated() {
            shares[row * tokens + token] = 1 / Float(batch.length(of: row))
        }
        return try Tensor(shares, shape: [batch.rows, tokens], device: device).matmul(hidden)
    }
}
