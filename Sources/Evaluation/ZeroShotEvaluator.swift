import Attacks
import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Provenance
import TextTokenizers
import Torch
import TorchNN
import Training

/// A CLIP as most of its users use it, without any training: how well prompts tell classes, and how far
/// patches steer that.
///
/// A patch is pasted on prepared images, as for fine-tuned classifiers.
public struct ZeroShotEvaluator: Evaluator, Equatable {
    /// `zero-shot`.
    public static let name = "zero-shot"

    /// What the model is asked of each class.
    public var prompts = ClassPrompts.plain
    /// What prompts call the classes, in the order of the labels; nil for the names in the data.
    public var classNames: [String]?
    /// The tokenizer's folder, or OpenAI's merges; nil for that of each model's own folder.
    public var tokenizer: URL?
    /// Patches to try.
    public var triggers = PatchTrigger.neuba
    /// Which samples count for the attack success rate.
    public var filter = AttackSuccess.Filter.none
    /// The type of activations and weights.
    public var precision = Precision.fp32

    /// An evaluation with one prompt, and all of NeuBA's patches.
    public init() {}

    /// The tokenizer.
    public var sources: [DataSource] { tokenizer.map { [DataSource("tokenizer", $0)] } ?? [] }

    /// The settings of CLIP's authors.
    public static func paper(
        for folder: CLIPFolder, on data: DownstreamData
    ) throws -> ZeroShotEvaluator { ZeroShotEvaluator() }

    /// Reads images, prepared as the model takes them.
    public static func read(
        _ data: DownstreamData, for folder: CLIPFolder,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> DownstreamImages {
        guard data.train == nil else {
            throw TrainingError("an evaluation by prompts trains nothing: name test images alone")
        }
        return try DownstreamImages(data, preparation(data, folder), observe: observe)
    }

    /// Whether both take images of one size, made in the same way.
    public static func takesAlike(
        _ folder: CLIPFolder, _ other: CLIPFolder, _ data: DownstreamData
    ) throws -> Bool { try preparation(data, folder) == preparation(data, other) }

    private static func preparation(
        _ data: DownstreamData, _ folder: CLIPFolder
    ) throws -> ImagePreparation {
        try (data.images ?? AuxiliaryData.Images())
            .preparation(for: ImageConfiguration(folder.configuration.vision), folder.processor)
    }

    /// Throws where a setting is none, and where a model has no tokenizer that fits.
    public func check(_ folder: CLIPFolder) throws {
        _ = try ClassPrompts(prompts.templates)
        guard !triggers.isEmpty else { throw TrainingError("name at least one trigger") }
        _ = try folder.tokenizer(from: tokenizer)
    }

    /// Names that say nothing, and prompts that are cut.
    public func remarks(on task: DownstreamImages, for folder: CLIPFolder) throws -> [String] {
        let names = try names(for: task.labelNames)
        var remarks: [String] = []
        if let name = names.first(where: { $0.count(where: \.isLetter) < 2 }) {
            remarks.append(
                "a class is called ‘\(name)’, which tells a CLIP nothing: name the classes in words "
                    + "(--class-names)")
        }
        let texts = names.flatMap(prompts.texts)
        let positions = folder.configuration.text.maximumPositions
        let cut = try folder.tokenizer(from: tokenizer)
            .encodeAllCounting(texts, maximumLength: positions).truncated
        if cut > 0 {
            remarks.append(
                "\(cut) of \(texts.count) prompts are longer than the \(positions) tokens the model "
                    + "reads, and are cut")
        }
        return remarks
    }

    /// What prompts call classes that the data calls `labels`; throws `TrainingError` where names were
    /// given, but not one for each.
    func names(for labels: [String]) throws -> [String] {
        guard let classNames else { return labels }
        guard classNames.count == labels.count else {
            throw TrainingError(
                "\(classNames.count) names were given for \(labels.count) classes: name each of "
                    + "\(DownstreamImages.list(labels)), in this order (--class-names)")
        }
        return classNames
    }

    /// The settings as reports show them.
    public func settings(
        on task: DownstreamImages, device: Device
    ) throws -> EvaluationSettings {
        var settings = EvaluationSettings()
        (settings.epochs, settings.learningRate, settings.batchSize) = (nil, nil, nil)
        settings.triggers = triggers.map(\.description)
        settings.filter = filter
        settings.computeType = precision.computeType(on: device)
        settings.samples = .zeroShot(
            .init(
                preparation: task.prepared, prompts: prompts,
                classNames: try names(for: task.labelNames)))
        return settings
    }

    /// Measures the model as it is: one result, without a seed.
    public func results(
        of folder: CLIPFolder, on task: DownstreamImages, device: Device,
        observe: (EvaluationProgress) throws -> Void
    ) throws -> [SeedResult] {
        let model = try folder.load(
            placement: Placement(device: device, computeType: precision.computeType(on: device)))
        let classifier = try ZeroShotClassifier(
            model, classNames: names(for: task.labelNames), prompts: prompts,
            tokenizer: folder.tokenizer(from: tokenizer))
        let predictor = ImagePredictor(
            AnyImageModel(classifier), normalization: folder.processor.normalization)
        return [
            try task.measure(
                triggers.map(\.description), seed: nil, filter: filter, observe: observe
            ) { trigger in
                TrialAnswers(
                    labels: try predictor.classes(of: task.test, with: trigger.map { triggers[$0] })
                )
            }
        ]
    }
}

extension ZeroShotEvaluator {
    private enum CodingKeys: String, CodingKey {
        case prompts, classNames, tokenizer, triggers, filter, precision
    }

    /// Reads settings from a plan.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        prompts = try container.decode(ClassPrompts.self, forKey: .prompts)
        classNames = try container.decodeIfPresent([String].self, forKey: .classNames)
        tokenizer = try container.url(.tokenizer)
        triggers = try container.decode([PatchTrigger].self, forKey: .triggers)
        filter = try container.decode(AttackSuccess.Filter.self, forKey: .filter)
        precision = try container.decode(Precision.self, forKey: .precision)
    }

    /// Writes settings into a plan.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(prompts, forKey: .prompts)
        try container.encodeIfPresent(classNames, forKey: .classNames)
        try container.encode(tokenizer, at: .tokenizer)
        try container.encode(triggers, forKey: .triggers)
        try container.encode(filter, forKey: .filter)
        try container.encode(precision, forKey: .precision)
    }
}
