import DataPipeline
import Torch

/// A batch of token sequences as tensors on the model's device.
public struct BERTInput {
    /// Token ids [rows, width], 64-bit.
    public let ids: Tensor
    /// Where a key may be attended to, boolean [rows, 1, 1, width]; nil where no row is padded.
    public let mask: Tensor?
    /// Segment of each token [rows, width], or nil where all are of segment 0.
    public let segments: Tensor?

    /// Rows of the batch.
    public let rows: Int
    /// Tokens a row, padding included.
    public let width: Int

    /// Moves a batch to `device`.
    public init(_ batch: TokenBatch, device: Device) throws {
        rows = batch.rows
        width = batch.width
        ids = try Tensor(batch.ids, shape: [rows, width], device: device)
        segments = nil
        guard batch.isPadded else {
            mask = nil
            return
        }
        var keep = [Bool](repeating: false, count: rows * width)
        for (row, length) in batch.lengths.enumerated() {
            for column in 0..<length { keep[row * width + column] = true }
        }
        mask = try Tensor(keep, shape: [rows, 1, 1, width], device: device)
    }

    /// An input from tensors: ids and segments [rows, width], attention mask [rows, width] of 0 and 1.
    public init(ids: Tensor, attentionMask: Tensor?, segments: Tensor? = nil) throws {
        self.ids = ids
        self.segments = segments
        rows = ids.shape[0]
        width = ids.shape[1]
        mask = try attentionMask?.isGreater(than: 0.5).reshaped([rows, 1, 1, width])
    }

    /// The place of each row's first token in the flattened batch [rows · width].
    func firstTokens(device: Device) throws -> Tensor {
        try Tensor((0..<rows).map { Int64($0 * width) }, device: device)
    }
}
