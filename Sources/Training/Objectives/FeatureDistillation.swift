import DataPipeline
import ModelZoo
import Torch
import TorchNN

/// Keeps a model's feature vectors where a reference has them: what stands in for cross-entropy
/// where images have no labels. It is not in the paper.
///
/// The loss is the mean over batch and dimensions of ((f(x) − f₀(x)) / σ)², f₀ the reference's
/// features and σ their deviation over the auxiliary images, so that it is of order one. On clean
/// images a backdoor sleeps, and the suspect model itself can be the reference.
public struct FeatureDistillation: Objective {
    /// The model whose features are kept; nothing in it is trained.
    public let reference: AnyImageModel
    /// 1 / σ of each dimension [features]; 0 where the reference does not vary.
    public let inverseDeviation: Tensor
    /// How bytes become numbers.
    public let normalization: ImageNormalization

    /// Measures σ over `images`, at most `limit` of them, with `batchSize` at a time.
    public init(
        reference: AnyImageModel, normalization: ImageNormalization, images: PreparedImages,
        limit: Int = 2048, batchSize: Int = 64
    ) throws {
        self.reference = reference
        self.normalization = normalization
        let count = min(limit, images.count)
        inverseDeviation = try withoutGradients {
            let parts = try stride(from: 0, to: count, by: batchSize).map { start in
                let batch = images.batch(Array(start..<min(start + batchSize, count)))
                return try reference.features(
                    normalization(batch, for: reference), in: .evaluation
                ).cast(to: .float32)
            }
            let features = try Tensor.concatenated(parts, along: 0)
            let centred = try features - features.mean(over: [0], keepingDimensions: true)
            let variance = try centred.power(2).mean(over: [0])
            // A dimension that never varies is no scale to measure by.
            let varies = try variance.isGreater(than: 1e-12).cast(to: .float32)
            return try (variance + 1e-12).power(-0.5) * varies
        }
    }

    /// The mean squared standardized difference of both models' features.
    public func loss(of model: AnyImageModel, on batch: ImageBatch, in pass: Pass) throws -> Loss {
        let pixels = try normalization(batch, for: model)
        let kept = try withoutGradients {
            try reference.features(pixels, in: .evaluation).cast(to: .float32)
        }
        let features = try model.features(pixels, in: pass).cast(to: .float32)
        let loss = try ((features - kept) * inverseDeviation).power(2).mean()
        return Loss(loss, terms: [Loss.Term("distillation", loss)])
    }
}
