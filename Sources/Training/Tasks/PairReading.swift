import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TextTokenizers
import TorchNN

extension PairTask {
    /// Reads images with captions for a CLIP.
    public static func read(
        _ data: AuxiliaryData, for source: CLIPFolder, _ settings: Settings,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> ReadData<PairTask> {
        let pairs = try Pairs(
            data, for: source.configuration, source.processor,
            source.tokenizer(from: data.pairs?.tokenizer), observe: observe)
        return pairs.reading(PairTask(source, pairs: pairs.prepared, settings))
    }

    /// Begins a CLIP of the vocabulary of a tokenizer, whose vision tower may begin as a ViT, of
    /// which it then has the sizes and the preparation of images.
    public static func begin(
        _ beginning: ModelBeginning, with data: AuxiliaryData, _ settings: Settings, at url: URL,
        seed: Seed, observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> ReadData<PairTask> {
        let file = try JSONFile(reading: beginning.file)
        let tokenizer = try CLIPTokenizer(
            at: beginning.tokenizer ?? file.url.deletingLastPathComponent())
        var configuration = try CLIPConfiguration(file)
        configuration.text.vocabularySize = tokenizer.vocabularySize
        configuration.text.pooling = .firstEnd(Int(tokenizer.endID))
        let vit = try beginning.vision.map { try ViTBeginning($0) }
        configuration.vision = vit?.configuration ?? configuration.vision
        let processor =
            vit?.folder.processor ?? .clip(side: configuration.vision.imageSize.height)
        let pairs = try Pairs(
            data, for: configuration, processor, tokenizer, observe: observe)
        let fresh = FreshSource(seed: seed.key("parameters"))
        let clip = try CLIP(
            configuration,
            in: ParameterStore(
                source: vit?.source(over: fresh, images: pairs.prepared.images) ?? fresh))
        try CLIPFolder.create(clip, processor: processor, tokenizer: tokenizer, at: url)
        return pairs.reading(PairTask(try CLIPFolder(url), pairs: pairs.prepared, settings))
    }

    /// Pairs that were read for a CLIP.
    private struct Pairs {
        let prepared: PreparedPairs
        private let file: String
        private let folder: String

        init(
            _ data: AuxiliaryData, for configuration: CLIPConfiguration,
            _ processor: ImageProcessor, _ tokenizer: CLIPTokenizer,
            observe: @escaping @Sendable (ReadingProgress) -> Void
        ) throws {
            guard let wanted = data.pairs else {
                throw TrainingError("no images with captions were named")
            }
            let images = data.images ?? AuxiliaryData.Images()
            let preparation = try images.preparation(
                for: ImageConfiguration(configuration.vision), processor)
            let found = try CaptionedImages.read(
                wanted.captions, images: images.url, maximumSkipped: images.maximumSkipped)
            for remark in found.source.remarks {
                observe(.remark("\(wanted.captions.path): \(remark)"))
            }
            let count = data.samples.map { min($0, found.count) } ?? found.count
            observe(.preparing(found.name, count: count))
            prepared = try PreparedPairs.prepare(
                found, preparation, tokenizer: tokenizer,
                length: configuration.text.maximumPositions, limit: data.samples, seed: data.seed,
                cache: images.cache, maximumSkipped: images.maximumSkipped
            ) { observe(.prepared($0)) }
            SkippedImage.remarks(on: prepared.images.skipped).forEach { observe(.remark($0)) }
            let captions = prepared.captions
            if captions.truncated > 0 {
                observe(
                    .remark(
                        "\(captions.truncated) of \(captions.captionCount) captions are longer than "
                            + "the \(captions.length) tokens the model reads, and are cut"))
            }
            (file, folder) = (found.source.file, found.imageSet.folder)
        }

        func reading(_ task: PairTask) -> ReadData<PairTask> {
            ReadData(
                task,
                [.init(file, prepared.count, captions: prepared.captions.captionCount)],
                found: [URL(fileURLWithPath: folder)])
        }
    }
}

/// A ViT as the beginning of a new CLIP's vision tower.
private struct ViTBeginning {
    let folder: ImageModelFolder
    /// The tower that has its sizes.
    let configuration: CLIPVisionConfiguration
    private let vit: ViT

    /// Images over which the spread of the ViT's tokens is measured.
    private static let measured = 64

    init(_ url: URL) throws {
        folder = try ImageModelFolder(url)
        guard let sizes = folder.configuration.base as? ViTConfiguration,
            let vit = try folder.load(head: .none).base as? ViT
        else {
            throw CheckpointError(
                url, "is a \(folder.configuration.title), and a vision tower begins as a ViT",
                advice: "name a ViT with --vision")
        }
        self.vit = vit
        do {
            configuration = try CLIPVisionConfiguration(blocksOf: sizes)
        } catch let error as ViTTowerError {
            throw CheckpointError(url, error.description, advice: "name another with --vision")
        }
    }

    /// The ViT's parameters, and those of `fresh` where it has none.
    func source(
        over fresh: FreshSource, images: PreparedImages
    ) throws -> any ParameterSource {
        let batch = images.batch(Array(0..<min(images.count, Self.measured)))
        return try ViTTowerSource(
            vit, over: fresh, measuredOn: folder.processor.normalization(batch, for: vit))
    }
}
