import DataPipeline
import Torch
import TorchNN

extension ImageNormalization {
    /// The images of a batch as a model on `device` takes them: [rows, 3, height, width], channels
    /// last, of `dtype`.
    public func callAsFunction(
        _ batch: ImageBatch, as dtype: DType, device: Device
    ) throws -> Tensor {
        let bytes = try Tensor(
            batch.pixels, shape: [batch.rows, batch.height, batch.width, 3], device: device)
        return try self(bytes, as: dtype)
    }

    /// The images of a batch as `model` takes them.
    public func callAsFunction(_ batch: ImageBatch, for model: some ImageModel) throws -> Tensor {
        let placement = model.store.placement
        return try self(batch, as: placement.computeType, device: placement.device)
    }
}
