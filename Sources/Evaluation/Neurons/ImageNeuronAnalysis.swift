import Attacks
import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import Torch
import TorchNN
import Training

/// The neurons of an image model, and what patches do to them.
public struct ImageNeuronAnalysis: NeuronAnalysis, Equatable {
    /// `images`.
    public static let name = "images"

    /// The aggregation that reports show first.
    public var aggregation = NeuronAggregation.mean
    /// Samples a batch.
    public var batchSize = 64
    /// The type of activations and weights.
    public var precision = Precision.fp32
    /// Patches.
    public var triggers = PatchTrigger.neuba

    /// The mean as aggregation, and all of NeuBA's patches.
    public init() {}

    /// The patches' names.
    public var triggerNames: [String] { triggers.map(\.description) }

    /// Images can be shown to every image model.
    public func check(_ folder: ImageModelFolder) {}

    /// Reads the test images where the set has a test part, of the labels asked for.
    public func read(
        _ data: DownstreamData, for folder: ImageModelFolder, and after: ImageModelFolder?,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> CleanImages {
        guard let url = data.test else { throw TrainingError("name the clean images") }
        let wanted = data.images ?? AuxiliaryData.Images()
        let preparation = try wanted.preparation(for: folder.configuration, folder.processor)
        if let after {
            guard try wanted.preparation(for: after.configuration, after.processor) == preparation
            else {
                throw CheckpointError(
                    after.folder.url,
                    "prepares images in another way than \(folder.folder.url.path), so that their "
                        + "neurons cannot be compared",
                    advice: "where it is the size alone, give --image-size")
            }
        }
        let isParted = try ImageSet.parts(of: url, layout: wanted.layout).contains(.test)
        let hasClasses = data.labels != .all || wanted.classes != nil
        let found = try ImageSet.read(
            url, layout: wanted.layout, part: isParted ? .test : nil, classes: wanted.classes,
            labels: hasClasses ? .folder : .none
        ).choosing(data.labels)
        let set =
            data.testSamples.map { found.images.randomSubset(of: $0, seed: data.seed) }
            ?? found.images
        return CleanImages(
            try wanted.prepare(set, preparation, observe: observe), preparation: preparation,
            path: url.path, available: found.images.count, labels: found.labels, seed: data.seed)
    }

    /// Nothing.
    public func remarks(on samples: CleanImages, for folder: ImageModelFolder) -> [String] { [] }

    /// Adds how images were prepared.
    public func complete(_ settings: inout NeuronSettings, for samples: CleanImages) {
        settings.preparation = samples.preparation
    }

    /// The model with the images.
    public func source(
        _ folder: ImageModelFolder, _ samples: CleanImages, _ placement: Placement
    ) throws -> any NeuronSource {
        try ImageNeurons(folder, samples.images, triggers, placement)
    }
}

/// An image model on prepared images.
private struct ImageNeurons: NeuronSource {
    private let model: AnyImageModel
    private let normalization: ImageNormalization
    private let images: PreparedImages
    private let triggers: [PatchTrigger]
    let largestBatch: Int

    init(
        _ folder: ImageModelFolder, _ images: PreparedImages, _ triggers: [PatchTrigger],
        _ placement: Placement
    ) throws {
        model = try folder.load(placement: placement, head: .none)
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
