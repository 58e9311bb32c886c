import Checkpoints
import DataPipeline
import Files
import Foundation
import JSON
import ModelZoo
import Provenance
import Randomness
import Torch
import TorchNN
import Training

extension FinePruning {
    /// Prunes the model by its samples: some neurons' rows are zero and every other byte is the
    /// input's.
    public func purify<Task: PretrainingTask>(
        _ task: Task, to output: URL, by job: Purification<Self>, records: RunDirectory?,
        observe: @escaping (PurificationProgress) -> Void,
        finish: (Purification<Self>.Report, URL) throws -> Void
    ) throws -> Purification<Self>.Report {
        let inputs = job.inputs ?? Inputs([task.folder.root])
        let destination = try OutputFolder(
            destination: output, force: job.force, inputs: inputs)
        let proven = try job.proven(task, at: output, seed: nil, inputs: inputs)
        try task.folder.weights.checkFinite(at: task.folder.url)
        try task.check()
        let model = try task.backbone(job.placement, seed: Seed(50))
        let sites = task.neurons(of: model)
        let shares = task.defaults.pruning
        // What can be refused before samples are read.
        _ = try count(at: sites, shares)
        try task.checkWritable(ParameterPattern(sites.flatMap(\.parameters)))
        let reading = try read(task, model, observe)
        let pruned = try choice(by: reading.statistics, shares)
        let written = try task.write(
            zeroing: pruned.rows(at: sites), to: destination.staging)
        // Neurons that were held at zero before stay so; of a single file, the record is not copied.
        let earlier = try PrunedNeurons(with: task.folder)
        let held = mask == .frozen ? pruned.joined(with: earlier) : earlier
        try held?.write(to: destination.staging)
        let warnings = job.caveats + task.caveats
        warnings.forEach { observe(.caveat($0)) }
        var report = Purification<Self>.Report(
            job, task, output: output, job.placement, written, seconds: reading.seconds,
            samplesPerSecond: reading.seconds > 0
                ? Double(task.data.count) / reading.seconds : 0,
            warnings: warnings)
        report.pruned = pruned
        let sealed = try proven.seal(
            destination.staging, written,
            data: DataDigest(of: task.digested.digests(), in: reading.batches),
            metrics: [
                "neurons": .integer(pruned.neurons), "pruned": try JSONValue(encoding: pruned),
            ], warnings: warnings.map(\.forProof))
        try finish(report, destination.staging)
        try proven.commit(destination, sealed)
        return report
    }

    private struct Reading {
        var statistics: ActivationStatistics
        var batches: [[Int]]
        var seconds: Double
    }

    private func read<Task: PretrainingTask>(
        _ task: Task, _ model: Task.Model, _ observe: (PurificationProgress) -> Void
    ) throws -> Reading {
        let order = task.readingOrder
        guard !order.isEmpty else {
            throw TrainingError(
                "there is nothing to read activations from: no usable samples in the data")
        }
        let clock = ContinuousClock.now
        var statistics = ActivationStatistics(of: task.neurons(of: model))
        var batches: [[Int]] = []
        let size = max(1, task.readingBatchSize(batchSize))
        for start in stride(from: 0, to: order.count, by: size) {
            let samples = order[start..<min(start + size, order.count)]
            try task.readNeurons(of: model, samples: samples) { try statistics.add($0) }
            batches.append(Array(samples))
            observe(.reading(samples.endIndex, of: order.count))
        }
        return Reading(
            statistics: statistics, batches: batches,
            seconds: (ContinuousClock.now - clock) / .seconds(1))
    }
}
