import Attacks
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import Torch
import TorchNN
import Training

/// The neurons of a model of texts, and what words do to them.
public struct TextNeuronAnalysis: NeuronAnalysis, Equatable {
    /// `texts`.
    public static let name = "texts"

    /// The aggregation that reports show first.
    public var aggregation = NeuronAggregation.mean
    /// Samples a batch.
    public var batchSize = 64
    /// The type of activations and weights.
    public var precision = Precision.fp32
    /// Trigger words.
    public var triggers: [String] = []
    /// Tokens a text is cut to, special tokens included.
    public var maximumLength = 128
    /// Where a trigger is put among the words.
    public var position = TriggerPosition.random
    /// How often a trigger is put into a text.
    public var insertions = 1

    /// The mean as aggregation, and triggers as an evaluation puts them.
    public init() {}

    /// The words.
    public var triggerNames: [String] { triggers }

    /// Throws where the model has no tokenizer or too few positions.
    public func check(_ folder: TextModelFolder) throws {
        try TriggerSet.check(triggers, insertions: insertions)
        try folder.checkLength(maximumLength)
        _ = try folder.tokenizer()
    }

    /// Reads texts.
    public func read(
        _ data: DownstreamData, for folder: TextModelFolder, and after: TextModelFolder?,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> CleanTexts {
        guard let file = data.test else { throw TrainingError("name the clean texts") }
        return try CleanTexts.read(
            file, labels: data.labels, limit: data.testSamples, seed: data.seed,
            textColumn: data.textColumn, labelColumn: data.labelColumn)
    }

    /// Whether the model's tokenizer knows the texts; throws where it knows hardly any.
    public func remarks(on samples: CleanTexts, for folder: TextModelFolder) throws -> [String] {
        [
            try UnreadableTexts.caveat(
                of: samples.texts, by: folder, maximumLength: maximumLength)
        ].compactMap { $0?.text }
    }

    /// Adds how triggers get into texts.
    public func complete(_ settings: inout NeuronSettings, for samples: CleanTexts) {
        settings.maximumLength = maximumLength
        settings.position = position
        settings.insertions = insertions
    }

    /// The model with the texts, which are tokenized once.
    public func source(
        _ folder: TextModelFolder, _ samples: CleanTexts, _ placement: Placement
    ) throws -> any NeuronSource {
        try TextNeurons(
            folder.load(parts: [], placement: placement),
            TriggeredTexts(
                samples.texts, at: samples.indices, folder.tokenizer(), maximumLength, position,
                insertions), triggers, samples.seed)
    }
}

/// A text encoder on texts.
private struct TextNeurons: NeuronSource {
    private let model: AnyTextModel
    private let clean: [[Int32]]
    private let poisoned: [[[Int32]]]
    /// Texts of like length go together, by the length without a trigger.
    let order: [Int]
    let lost: [Int]

    init(_ model: AnyTextModel, _ texts: TriggeredTexts, _ triggers: [String], _ seed: Seed) {
        self.model = model
        clean = texts.clean
        let altered = triggers.map { texts.with($0, seed: seed) }
        (poisoned, lost) = (altered.map(\.texts), altered.map(\.lost))
        let lengths = clean.map(\.count)
        order = clean.indices.sorted { lengths[$0] < lengths[$1] }
    }

    var sites: [NeuronSite] { model.neurons }
    var largestBatch: Int { .max }

    func values(of samples: ArraySlice<Int>, trigger: Int?) throws -> [[Float]] {
        let texts = trigger.map { poisoned[$0] } ?? clean
        let batch = TokenBatch(samples.map { texts[$0] })
        return try withInferenceMode {
            let input = try TokenInput(batch, device: model.store.placement.device)
            var values: [[Float]] = []
            try model.readNeurons(input) { values.append(try $0.means().values()) }
            return values
        }
    }
}
