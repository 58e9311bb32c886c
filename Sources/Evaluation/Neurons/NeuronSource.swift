import Attacks
import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import TextTokenizers
import Torch
import TorchNN
import Training

/// A model with the samples that it is shown.
protocol NeuronSource {
    /// The layers whose neurons are watched.
    var sites: [NeuronSite] { get }
    /// The samples, in the order in which they are best shown.
    var order: [Int] { get }
    /// Samples that are best shown at once, at most.
    var largestBatch: Int { get }
    /// In how many samples each trigger is not to be seen.
    var lost: [Int] { get }

    /// The neurons' values in samples with the trigger of that index, or with none: of each layer
    /// [samples, neurons].
    func values(of samples: ArraySlice<Int>, trigger: Int?) throws -> [[Float]]
}

/// A BERT on texts, which are tokenized once.
struct TextNeurons: NeuronSource {
    private let model: BERT
    private let clean: [[Int32]]
    private let poisoned: [[[Int32]]]
    /// Texts of like length go together, by the length without a trigger.
    let order: [Int]
    let lost: [Int]

    init(
        _ folder: BERTFolder, texts: CleanTexts, triggers: [String], analysis: NeuronAnalysis
    ) throws {
        model = try folder.load(parts: [], placement: analysis.placement)
        let tokenizer = try folder.tokenizer()
        func encoded(_ texts: [String]) -> [[Int32]] {
            tokenizer.encodeAll(texts, maximumLength: analysis.maximumLength)
        }
        let clean = encoded(texts.texts)
        poisoned = triggers.map { trigger in
            encoded(
                zip(texts.texts, texts.indices).map { text, index in
                    TextTrigger.insert(
                        trigger, into: text, position: analysis.position,
                        count: analysis.insertions, seed: analysis.seed, sample: index)
                })
        }
        // A trigger beyond the cut leaves the same tokens as no trigger.
        lost = poisoned.map { zip($0, clean).count { $0 == $1 } }
        order = clean.indices.sorted { clean[$0].count < clean[$1].count }
        self.clean = clean
    }

    var sites: [NeuronSite] { model.neurons }
    var largestBatch: Int { .max }

    func values(of samples: ArraySlice<Int>, trigger: Int?) throws -> [[Float]] {
        let texts = trigger.map { poisoned[$0] } ?? clean
        let batch = TokenBatch(samples.map { texts[$0] })
        return try withInferenceMode {
            let input = try BERTInput(batch, device: model.store.placement.device)
            var values: [[Float]] = []
            try model.readNeurons(input) { values.append(try $0.means().values()) }
            return values
        }
    }
}

/// An image model on prepared images.
struct ImageNeurons: NeuronSource {
    private let model: AnyImageModel
    private let normalization: ImageNormalization
    private let images: PreparedImages
    private let triggers: [PatchTrigger]
    let largestBatch: Int

    init(
        _ folder: ImageModelFolder, images: PreparedImages, triggers: [PatchTrigger],
        analysis: NeuronAnalysis
    ) throws {
        model = try folder.load(placement: analysis.placement, head: .none)
        normalization = folder.processor.normalization
        self.images = images
        self.triggers = triggers
        // A VGG's maps, read whole, are big: those of the first stage 256 bytes a pixel.
        if folder.configuration.architecture.isConvolutional {
            largestBatch = max(1, Self.pixelBudget / (images.height * images.width))
        } else {
            largestBatch = .max
        }
    }

    private static let pixelBudget = 128 * 64 * 64

    var sites: [NeuronSite] { model.neurons }
    var order: [Int] { Array(0..<images.count) }
    // An image is never cut, so that every patch is to be seen.
    var lost: [Int] { triggers.map { _ in 0 } }

    func values(of samples: ArraySlice<Int>, trigger: Int?) throws -> [[Float]] {
        var batch = images.batch(Array(samples))
        if let trigger { batch = batch.poisoned(by: triggers[trigger], number: trigger) }
        return try withInferenceMode {
            var values: [[Float]] = []
            try model.readNeurons(normalization(batch, for: model)) {
                values.append(try $0.means().values())
            }
            return values
        }
    }
}

/// What must be alike in two models for their neurons to be compared one by one.
struct NeuronShape {
    let model: URL
    /// What people call it.
    let title: String
    let width: Int
    let sites: [NeuronSite]

    init(_ folder: BERTFolder) throws {
        let model = try BERT(
            folder.configuration, parts: [], in: ParameterStore(source: ShapeSource()))
        self.model = folder.folder.url
        title = "BERT of \(folder.configuration.layerCount) layers"
        width = folder.configuration.hiddenSize
        sites = model.neurons
    }

    init(_ folder: ImageModelFolder) throws {
        let model = try folder.configuration.model(in: ParameterStore(source: ShapeSource()))
        self.model = folder.folder.url
        title = folder.configuration.title
        width = folder.configuration.featureSize
        sites = model.neurons
    }

    /// Throws where `other` has other layers, neurons or width.
    func check(against other: NeuronShape) throws {
        let alike =
            sites.map(\.name) == other.sites.map(\.name)
            && sites.map(\.count) == other.sites.map(\.count) && width == other.width
        guard !alike else { return }
        throw CheckpointError(
            other.model, "is \(other.text), and cannot be compared with \(model.path), \(text)",
            advice: "name a model of the same shape, such as the first one purified")
    }

    private var text: String {
        "a \(title), \(width) wide, with \(sites.reduce(0) { $0 + $1.count }) neurons"
    }
}
