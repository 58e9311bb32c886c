import Torch

extension Pass {
    /// softmax(Q Kᵀ / √width) V over [batch, heads, length, width], where every place attends to
    /// every other; in training, probabilities are dropped out with probability `dropout`.
    public func attention(
        query: Tensor, key: Tensor, value: Tensor, dropout: Double
    ) throws -> Tensor {
        let scale = 1 / Double(query.shape[query.rank - 1]).squareRoot()
        guard isTraining, dropout > 0 else {
            return try .attention(query: query, key: key, value: value, mask: nil, scale: scale)
        }
        // Dropout on the probabilities needs them; the fused kernel would draw its own mask.
        // The scale goes onto the query, which is smaller than the scores.
        let scores = try (query * scale).matmul(key.transposed(2, 3))
        return try self.dropout(scores.softmax(), dropout).matmul(value)
    }
}
