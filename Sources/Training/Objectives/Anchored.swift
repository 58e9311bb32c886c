import DataPipeline
import ModelZoo
import Torch
import TorchNN

/// Keeps a model's feature vectors where a frozen copy has them, for data of any kind: what stands in
/// for cross-entropy where images have no labels. It is not in the paper.
///
/// The loss is the mean over batch and dimensions of ((f(x) − f₀(x)) / σ)², f₀ the reference's
/// features and σ their deviation over the auxiliary data, so that it is of order one. On clean
/// data a backdoor sleeps, and the suspect model itself can be the reference.
public struct Anchored<Task: PretrainingTask>: Objective {
    /// The model of the task.
    public typealias Model = Task.Model
    /// A batch of the task.
    public typealias Batch = Task.Batch
    /// The model whose features are kept; nothing in it is trained.
    public let reference: Task.Model
    /// 1 / σ of each dimension [features]; 0 where the reference does not vary.
    public let inverseDeviation: Tensor
    private let task: Task

    /// Measures σ over the samples of `task`, at most `limit` of them, `batchSize` at a time.
    public init(
        to reference: Task.Model, of task: Task, limit: Int = 2048, batchSize: Int = 64
    ) throws {
        self.reference = reference
        self.task = task
        inverseDeviation = try withoutGradients {
            let parts = try task.cleanBatches(of: batchSize, limit: limit).map {
                try task.features(of: reference, on: $0, in: .evaluation)
            }
            guard !parts.isEmpty else {
                throw TrainingError("there is nothing to train on: no usable samples in the data")
            }
            let features = try Tensor.concatenated(parts, along: 0)
            let centred = try features - features.mean(over: [0], keepingDimensions: true)
            let variance = try centred.power(2).mean(over: [0])
            // A dimension that never varies is no scale to measure by.
            let varies = try variance.isGreater(than: 1e-12).cast(to: .float32)
            return try (variance + 1e-12).power(-0.5) * varies
        }
    }

    /// The reference's features of a batch.
    func kept(_ batch: Batch) throws -> Tensor {
        try withoutGradients { try task.features(of: reference, on: batch, in: .evaluation) }
    }

    /// The squared standardized difference of `features` from `kept`, a mean over dimensions: [rows].
    func distances(_ features: Tensor, _ kept: Tensor) throws -> Tensor {
        try ((features - kept) * inverseDeviation).power(2).mean(over: [1])
    }

    /// The mean squared standardized difference of both models' features.
    public func loss(of model: Model, on batch: Batch, in pass: Pass) throws -> Loss {
        let kept = try kept(batch)
        let features = try task.features(of: model, on: batch, in: pass)
        let loss = try ((features - kept) * inverseDeviation).power(2).mean()
        return Loss(loss, terms: [Loss.Term("distillation", loss)])
    }
}
