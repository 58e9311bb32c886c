import Attacks
import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import Torch
import TorchNN
import Training

/// Compares the neurons that clean samples activate with those that the same samples activate once a
/// trigger is in them (paper, section 5.2, "co-activated neurons", figure 2 and table 10).
///
/// The model is taken as it is, pre-trained or fine-tuned; heads are not computed. Of a sample a
/// feed-forward neuron's value is that of the first token before the activation function, and a
/// convolution's channel has the mean of its map before ReLU. The value is its own record.
public protocol NeuronAnalysis: Sendable, Codable {
    /// The model's files.
    associatedtype Folder: NeuronModel
    /// The clean samples.
    associatedtype Samples: NeuronSamples

    /// What plans call it.
    static var name: String { get }
    /// The mean as aggregation, and triggers as an evaluation puts them.
    init()

    /// The aggregation that reports show first.
    var aggregation: NeuronAggregation { get set }
    /// Samples a batch.
    var batchSize: Int { get set }
    /// The type of activations and weights.
    var precision: Precision { get set }
    /// The triggers, as reports name them.
    var triggerNames: [String] { get }

    /// Throws where samples cannot be shown to a model.
    func check(_ folder: Folder) throws
    /// Reads the samples of `data` as the models take them; throws where they take them differently.
    func read(
        _ data: DownstreamData, for folder: Folder, and after: Folder?,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> Samples
    /// What is to be said of the samples before a model is shown them; throws where it cannot be.
    func remarks(on samples: Samples, for folder: Folder) throws -> [String]
    /// Adds what goes with this kind of samples to the settings that reports show.
    func complete(_ settings: inout NeuronSettings, for samples: Samples)
    /// The model with the samples that it is shown.
    func source(
        _ folder: Folder, _ samples: Samples, _ placement: Placement
    ) throws -> any NeuronSource
}

/// Clean samples to watch neurons on.
public protocol NeuronSamples: Sendable {
    /// What they are, as reports say it.
    var data: NeuronReport.Samples { get }
    /// Where those of a limit, and random places of triggers, are drawn from.
    var seed: Seed { get }
}

/// How far an analysis is.
public struct NeuronProgress: Sendable, Equatable {
    /// The model at work.
    public let model: String
    /// Samples that it has seen, clean and with all triggers.
    public let done: Int
    /// Samples in all.
    public let total: Int
}

extension NeuronAnalysis {
    /// The settings as reports show them.
    public func settings(for samples: Samples, device: Device) -> NeuronSettings {
        var settings = NeuronSettings()
        settings.aggregation = aggregation
        settings.triggers = triggerNames
        settings.batchSize = batchSize
        settings.seed = samples.seed
        settings.computeType = precision.computeType(on: device)
        complete(&settings, for: samples)
        return settings
    }

    /// Watches the neurons of the model of `folder` on `samples` with and without triggers, then those
    /// of `after`; each normalizes images as its own files say.
    ///
    /// Throws as `check` does, `CheckpointError` where the models cannot be compared neuron by neuron,
    /// and `TrainingError` where a model's values are infinite or no numbers.
    public func analyze(
        _ folder: Folder, after: Folder? = nil, on samples: Samples, device: Device = .cpu,
        command: String? = nil, observe: (NeuronProgress) throws -> Void = { _ in }
    ) throws -> NeuronReport {
        let folders = [folder, after].compactMap { $0 }
        try checkAll(folders)
        guard samples.data.count > 0 else {
            throw TrainingError("\(samples.data.path): there is no sample; expected at least one")
        }
        let clock = ContinuousClock.now
        let placement = Placement(device: device, computeType: precision.computeType(on: device))
        // One after the other: two models need not be in memory at once.
        let watched = try folders.map {
            try watch(
                source($0, samples, placement), of: $0.folder.url, batchSize: batchSize,
                observe: observe)
        }
        return report(watched, samples, device, command, since: clock)
    }

    /// Reads `data` and analyzes the model of `folder`, then that of `after`, on them.
    ///
    /// - Parameters:
    ///   - begin: Called once all is read and checked, before anything is computed.
    public func analyze(
        _ folder: Folder, after: Folder? = nil, reading data: DownstreamData,
        device: Device = .cpu, command: String? = nil,
        reading: @escaping @Sendable (ReadingProgress) -> Void = { _ in },
        begin: (Samples) throws -> Void = { _ in },
        observe: (NeuronProgress) throws -> Void = { _ in }
    ) throws -> NeuronReport {
        let folders = [folder, after].compactMap { $0 }
        try checkAll(folders)
        let samples = try read(data, for: folder, and: after, observe: reading)
        for folder in folders {
            try remarks(on: samples, for: folder).forEach { reading(.remark($0)) }
        }
        try begin(samples)
        return try analyze(
            folder, after: after, on: samples, device: device, command: command, observe: observe)
    }

    private func checkAll(_ folders: [Folder]) throws {
        guard (1...RunSettings.Most.batchSize).contains(batchSize) else {
            throw TrainingError(
                "batchSize \(batchSize): expected 1 to \(RunSettings.Most.batchSize)")
        }
        guard !triggerNames.isEmpty else { throw TriggerError("name at least one trigger") }
        if folders.count > 1 { try folders[0].shape().check(against: folders[1].shape()) }
        for folder in folders { try check(folder) }
    }

    private func report(
        _ watched: [WatchedNeurons], _ samples: Samples, _ device: Device, _ command: String?,
        since start: ContinuousClock.Instant
    ) -> NeuronReport {
        let after = watched.count > 1 ? watched[1] : nil
        return NeuronReport(
            model: watched[0].model.path, after: after?.model.path, samples: samples.data,
            layers: watched[0].sites.map { .init(name: $0.name, neurons: $0.count) },
            settings: settings(for: samples, device: device), command: command,
            triggers: triggerNames.enumerated().map { index, trigger in
                TriggerNeurons(
                    trigger: trigger, lost: watched[0].lost[index],
                    before: watched[0].activated(by: index),
                    after: after?.activated(by: index))
            }, seconds: (ContinuousClock.now - start) / .seconds(1))
    }
}

/// What a model's neurons do, and how often truncation cut each trigger off.
struct WatchedNeurons {
    let model: URL
    let sites: [NeuronSite]
    let tally: NeuronTally
    let lost: [Int]

    func activated(by trigger: Int) -> [NeuronAggregation: ActivatedNeurons] {
        Dictionary(
            uniqueKeysWithValues: NeuronAggregation.allCases.map {
                ($0, tally.activated(trigger: trigger, by: $0))
            })
    }
}

/// Shows a model all samples, and each with every trigger, in one pass over them.
func watch(
    _ source: any NeuronSource, of model: URL, batchSize: Int,
    observe: (NeuronProgress) throws -> Void = { _ in }
) throws -> WatchedNeurons {
    let (order, triggers) = (source.order, source.lost.count)
    var tally = NeuronTally(neurons: source.sites.map(\.count), triggers: triggers)
    let step = max(1, min(batchSize, source.largestBatch))
    for start in stride(from: 0, to: order.count, by: step) {
        let samples = order[start..<min(start + step, order.count)]
        let clean = try source.values(of: samples, trigger: nil)
        tally.add(clean)
        for trigger in 0..<triggers {
            try tally.add(
                source.values(of: samples, trigger: trigger), trigger: trigger, originals: clean)
        }
        try observe(
            NeuronProgress(
                model: model.path, done: samples.endIndex * (triggers + 1),
                total: order.count * (triggers + 1)))
    }
    guard tally.isFinite else {
        throw TrainingError(
            "\(model.path): the values of some neurons are infinite or no numbers: the weights are "
                + "damaged, or their training diverged")
    }
    return WatchedNeurons(model: model, sites: source.sites, tally: tally, lost: source.lost)
}
