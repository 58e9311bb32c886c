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
/// convolution's channel has the mean of its map before ReLU.
public struct NeuronAnalysis: Sendable {
    /// The aggregation that reports show first.
    public var aggregation = NeuronAggregation.mean
    /// Samples a batch.
    public var batchSize = 64
    /// The type of activations and weights.
    public var precision = Precision.auto
    /// Where random places of triggers are drawn from.
    public var seed = Seed(42)
    /// Where the work is done.
    public var device = Device.cpu
    /// Tokens a text is cut to, special tokens included.
    public var maximumLength = 128
    /// Where a trigger is put among the words.
    public var position = TriggerPosition.random
    /// How often a trigger is put into a text.
    public var insertions = 1

    /// The mean as aggregation, and triggers as an evaluation puts them.
    public init() {}

    /// How far an analysis is.
    public struct Progress: Sendable, Equatable {
        /// The model at work.
        public let model: String
        /// Samples that it has seen, clean and with all triggers.
        public let done: Int
        /// Samples in all.
        public let total: Int
    }

    // MARK: Texts

    /// The settings with these trigger words, as reports show them.
    public func settings(triggers: [String]) -> NeuronSettings {
        var settings = shared(triggers)
        settings.maximumLength = maximumLength
        settings.position = position
        settings.insertions = insertions
        return settings
    }

    /// Throws where texts cannot be shown to the models alike: another number of neurons or width, no
    /// tokenizer, too few positions.
    public func check(_ folder: BERTFolder, after: BERTFolder? = nil) throws {
        if let after { try NeuronShape(folder).check(against: NeuronShape(after)) }
        for folder in [folder, after].compactMap({ $0 }) {
            try folder.checkLength(maximumLength)
            _ = try folder.tokenizer()
        }
    }

    /// Watches the neurons of the model of `folder` on `texts` with and without triggers, then those
    /// of `after`.
    ///
    /// Throws as `check(_:after:)` does, and `TrainingError` where a model's values are infinite or
    /// no numbers.
    public func analyze(
        _ folder: BERTFolder, after: BERTFolder? = nil, triggers: [String], on texts: CleanTexts,
        command: String? = nil, observe: (Progress) throws -> Void = { _ in }
    ) throws -> NeuronReport {
        try check(folder, after: after)
        return try report(
            settings(triggers: triggers), texts.data, command: command,
            models: [folder, after].compactMap { $0 }
        ) { folder in
            try watch(
                TextNeurons(folder, texts: texts, triggers: triggers, analysis: self),
                of: folder.folder.url, observe: observe)
        }
    }

    // MARK: Images

    /// The settings with these patches on images so prepared, as reports show them.
    public func settings(
        triggers: [PatchTrigger], preparation: ImagePreparation
    ) -> NeuronSettings {
        var settings = shared(triggers.map(\.description))
        settings.preparation = preparation
        return settings
    }

    /// Throws where images cannot be shown to the models alike: another architecture, number of
    /// neurons or width.
    public func check(_ folder: ImageModelFolder, after: ImageModelFolder?) throws {
        if let after { try NeuronShape(folder).check(against: NeuronShape(after)) }
    }

    /// Watches the neurons of the model of `folder` on `images` with and without patches, then those
    /// of `after`; each normalizes the images as its own files say.
    ///
    /// Throws as `check(_:after:)` does, and `TrainingError` where a model's values are infinite or
    /// no numbers.
    public func analyze(
        _ folder: ImageModelFolder, after: ImageModelFolder? = nil, triggers: [PatchTrigger],
        on images: CleanImages, command: String? = nil,
        observe: (Progress) throws -> Void = { _ in }
    ) throws -> NeuronReport {
        try check(folder, after: after)
        return try report(
            settings(triggers: triggers, preparation: images.preparation), images.data,
            command: command, models: [folder, after].compactMap { $0 }
        ) { folder in
            try watch(
                ImageNeurons(folder, images: images.images, triggers: triggers, analysis: self),
                of: folder.folder.url, observe: observe)
        }
    }

    // MARK: Either

    /// Where models are put.
    var placement: Placement {
        Placement(device: device, computeType: precision.computeType(on: device))
    }

    private func shared(_ triggers: [String]) -> NeuronSettings {
        var settings = NeuronSettings()
        settings.aggregation = aggregation
        settings.triggers = triggers
        settings.batchSize = batchSize
        settings.computeType = precision.computeType(on: device)
        settings.seed = seed
        return settings
    }

    /// What a model's neurons do, and how often truncation cut each trigger off.
    struct Watched {
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

    private func report<Folder>(
        _ settings: NeuronSettings, _ samples: NeuronReport.Samples, command: String?,
        models: [Folder], watch: (Folder) throws -> Watched
    ) throws -> NeuronReport {
        guard samples.count > 0 else {
            throw TrainingError("\(samples.path): there is no sample; expected at least one")
        }
        let clock = ContinuousClock.now
        // One after the other: two models need not be in memory at once.
        let watched = try models.map(watch)
        let after = watched.count > 1 ? watched[1] : nil
        return NeuronReport(
            model: watched[0].model.path, after: after?.model.path, samples: samples,
            layers: watched[0].sites.map { .init(name: $0.name, neurons: $0.count) },
            settings: settings, command: command,
            triggers: settings.triggers.enumerated().map { index, trigger in
                TriggerNeurons(
                    trigger: trigger, lost: watched[0].lost[index],
                    before: watched[0].activated(by: index),
                    after: after?.activated(by: index))
            }, seconds: (ContinuousClock.now - clock) / .seconds(1))
    }

    /// Shows a model all samples, and each with every trigger, in one pass over them.
    func watch(
        _ source: some NeuronSource, of model: URL, observe: (Progress) throws -> Void = { _ in }
    ) throws -> Watched {
        let (order, triggers) = (source.order, source.lost.count)
        var tally = NeuronTally(neurons: source.sites.map(\.count), triggers: triggers)
        let step = max(1, min(batchSize, source.largestBatch))
        for start in stride(from: 0, to: order.count, by: step) {
            let samples = order[start..<min(start + step, order.count)]
            let clean = try source.values(of: samples, trigger: nil)
            tally.add(clean)
            for trigger in 0..<triggers {
                try tally.add(
                    source.values(of: samples, trigger: trigger), trigger: trigger,
                    originals: clean)
            }
            try observe(
                Progress(
                    model: model.path, done: samples.endIndex * (triggers + 1),
                    total: order.count * (triggers + 1)))
        }
        guard tally.isFinite else {
            throw TrainingError(
                "\(model.path): the values of some neurons are infinite or no numbers: the weights "
                    + "are damaged, or their training diverged")
        }
        return Watched(model: model, sites: source.sites, tally: tally, lost: source.lost)
    }
}
