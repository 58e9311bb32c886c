import DataPipeline
import Torch

/// A batch of token sequences as tensors on the model's device, one row behind the other.
public struct TokenInput {
    /// Token ids [tokens], 64-bit.
    public let ids: Tensor
    /// The place of each token in its row [tokens].
    public let positions: Tensor
    /// Segment of each token [tokens], or nil where all are of segment 0.
    public let segments: Tensor?
    /// Where each row begins among the tokens, and where the last ends [rows + 1], on the host.
    public let offsets: Tensor
    /// The place of each row's first token among the tokens [rows].
    public let firstTokens: Tensor
    /// What is added to the word embeddings [tokens, hidden], or nil: what an input is differentiated
    /// by, for ids have no gradient.
    public var shift: Tensor?

    /// Rows of the batch.
    public var rows: Int { firstTokens.elementCount }

    /// Moves a batch to `device`.
    public init(_ batch: TokenBatch, device: Device) throws {
        ids = try Tensor(batch.ids, device: device)
        positions = try Tensor(
            (0..<batch.rows).flatMap { row in (0..<batch.length(of: row)).map(Int64.init) },
            device: device)
        segments = batch.segments.isEmpty ? nil : try Tensor(batch.segments, device: device)
        offsets = try Tensor(batch.offsets.map(Int64.init))
        firstTokens = try Tensor(batch.offsets.dropLast().map(Int64.init), device: device)
    }
}
