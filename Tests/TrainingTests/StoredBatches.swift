import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Training

/// Batches given in advance, the same in every epoch.
struct StoredBatches<Batch: SampleBatch>: BatchSource {
    let batches: [Batch]

    var batchesPerEpoch: Int { batches.count }
    var samplesPerEpoch: Int { batches.reduce(0) { $0 + $1.rows } }

    func epoch(_ number: Int) -> [@Sendable () throws -> Batch] {
        batches.map { batch in { batch } }
    }
}

extension TokenBatch {
    /// A batch of a fixture: ids, attention mask and labels [rows, width], a class for each row.
    init(ids: Tensor, attentionMask: Tensor, labels: Tensor? = nil, classes: Tensor? = nil) throws {
        let width = ids.shape[1]
        let values = try ids.values(as: Int32.self)
        let mask = try attentionMask.values(as: Int64.self)
        self.init(
            (0..<ids.shape[0]).map { row in
                let length = Int(mask[row * width..<(row + 1) * width].reduce(0, +))
                return Array(values[row * width..<row * width + length])
            })
        let wanted = try labels?.values(as: Int64.self) ?? []
        for (place, label) in wanted.enumerated() where label != -100 {
            predicted.append(Int64(offsets[place / width] + place % width))
            predictedLabels.append(label)
        }
        self.classes = try classes?.values() ?? []
    }
}

/// A fixture's model without any dropout.
func modelWithoutDropout(
    _ name: String, parts: TextModelParts, trainable: ParameterPattern
) throws -> AnyTextModel {
    let folder = try TextModelFolder(Fixture(name).folder)
    var configuration = try #require(folder.configuration.base as? BERTConfiguration)
    configuration.hiddenDropout = 0
    configuration.attentionDropout = 0
    configuration.classifierDropout = 0
    return AnyTextModel(
        try BERT(
            configuration, parts: parts,
            in: ParameterStore(
                source: CheckpointSource(
                    folder.folder.weights, dialect: folder.dialect, at: folder.folder.url),
                placement: Placement(trainable: trainable))))
}

/// The batches of the trajectories.
func trajectoryBatches() throws -> [TokenBatch] {
    let tensors = try Fixture("recipe-trajectory").tensors("batches.safetensors")
    return try (0..<10).map { index in
        let key = "batch/0\(index)/"
        return try TokenBatch(
            ids: tensors[key + "input_ids"], attentionMask: tensors[key + "attention_mask"],
            labels: tensors[key + "labels"], classes: tensors[key + "class_labels"])
    }
}
