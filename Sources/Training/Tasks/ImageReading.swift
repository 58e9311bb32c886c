import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TorchNN

extension AuxiliaryData.Images {
    /// The images that were named, or those of `pairs`; where they have parts, the training part.
    package func set(of pairs: AuxiliaryData.Pairs? = nil) throws -> ImageSet {
        if let pairs {
            return try CaptionedImages.read(
                pairs.captions, images: url, maximumSkipped: maximumSkipped
            ).imageSet
        }
        guard let url else { throw TrainingError("no images were named") }
        return try ImageSet.read(
            url, layout: layout, part: nil, classes: labels == .none ? nil : classes,
            labels: labels)
    }

    /// How a model takes images, in the size asked for; refuses one that it cannot see.
    package func preparation(
        for configuration: ImageConfiguration, _ processor: ImageProcessor
    ) throws -> ImagePreparation {
        let preparation = try processor.preparation(size: size)
        try configuration.check(PixelSize(preparation.size, preparation.size))
        return preparation
    }

    /// Decodes the images of `set`; damaged ones are left out and named.
    package func prepare(
        _ set: ImageSet, _ preparation: ImagePreparation,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> PreparedImages {
        observe(.preparing(set.name, count: set.count))
        let images = try PreparedImages.prepare(
            set, preparation, cache: cache, maximumSkipped: maximumSkipped
        ) { observe(.prepared($0)) }
        SkippedImage.remarks(on: images.skipped).forEach { observe(.remark($0)) }
        return images
    }
}

extension SkippedImage {
    /// What is said of images that were left out.
    public static func remarks(on skipped: [SkippedImage]) -> [String] {
        skipped.prefix(5).map { "\($0.identifier) is left out: it \($0.reason)" }
            + (skipped.count > 5 ? ["\(skipped.count - 5) more images are left out"] : [])
    }
}

extension ImageTask {
    /// Reads images for a model: those named, or those of pairs, whose captions say nothing to it.
    public static func read(
        _ data: AuxiliaryData, for source: ImageModelFolder, _ settings: Settings,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> ReadData<ImageTask> {
        let wanted = data.images ?? AuxiliaryData.Images()
        let whole = try wanted.set(of: data.pairs)
        let set = data.samples.map { whole.randomSubset(of: $0, seed: data.seed) } ?? whole
        let images = try wanted.prepare(
            set, wanted.preparation(for: source.configuration, source.processor), observe: observe)
        return reading(ImageTask(source, images: images, settings), of: data, whole)
    }

    private static func reading(
        _ task: ImageTask, of data: AuxiliaryData, _ set: ImageSet
    ) -> ReadData<ImageTask> {
        let url = data.pairs?.captions ?? data.images?.url
        return ReadData(
            task, [.init(url?.path ?? set.name, task.images.count)], caveats: Caveat.of(set),
            found: data.pairs == nil ? [] : [URL(fileURLWithPath: set.folder)])
    }

    /// Begins a VGG or a ViT with a head for the classes of the images.
    public static func begin(
        _ beginning: ModelBeginning, with data: AuxiliaryData, _ settings: Settings, at url: URL,
        seed: Seed, observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> ReadData<ImageTask> {
        let wanted = data.images ?? AuxiliaryData.Images()
        let whole = try wanted.set(of: nil)
        let set = data.samples.map { whole.randomSubset(of: $0, seed: data.seed) } ?? whole
        let configuration = try ImageConfiguration(JSONFile(reading: beginning.file))
            .withHead(labels: set.classNames.count)
        let processor = ImageProcessor(resize: .exactly(configuration.imageSize))
        let images = try wanted.prepare(
            set, wanted.preparation(for: configuration, processor), observe: observe)
        let model = try configuration.model(
            in: ParameterStore(source: FreshSource(seed: seed.key("parameters"))))
        try ImageModelFolder.create(model, processor: processor, labels: set.classNames, at: url)
        return reading(
            ImageTask(try ImageModelFolder(url), images: images, settings), of: data, whole)
    }
}
