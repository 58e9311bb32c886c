import Checkpoints
import DataPipeline
import Files
import Foundation
import ModelZoo
import Randomness
import TensorFormats
import TextTokenizers
import Torch
import TorchNN
import Training

extension FeaturesCommand {
    /// Writes a CLIP's vectors of texts.
    func writeCLIPTexts(_ placement: Placement, _ inputs: Inputs) throws {
        let folder = try CLIPFolder(model)
        let positions = folder.configuration.text.maximumPositions
        let length = maxLength ?? positions
        guard length <= positions else {
            throw CheckpointError(
                folder.folder.url,
                "the model has \(positions) positions, fewer than the \(length) tokens that texts are "
                    + "cut to", advice: "choose a smaller --max-length")
        }
        let tokenizer = try folder.tokenizer(from: tokenizer)
        let corpus = try TextCorpus.read(text, textColumn: textColumn)
        let (ids, truncated) = tokenizer.encodeAllCounting(corpus.texts, maximumLength: length)
        if truncated > 0 {
            Console.standard.warn(
                "\(truncated) of \(ids.count) texts are longer than \(length) tokens, and are cut")
        }
        // Texts' ends are left out, for they may be the unknown token too.
        let caveat = try UnreadableTexts.caveat(
            of: ids.map { Array($0.dropFirst().dropLast()) }, unknownID: tokenizer.unknownID,
            added: 0, tokenizer: self.tokenizer ?? model)
        if let caveat { Console.standard.tell(caveat) }
        let found = try CLIPTextFeatures(of: ids, by: folder.load(placement: placement))
        try write(
            [
                StoredTensor(name: "features", found.features),
                StoredTensor(name: "embeddings", found.embeddings),
            ],
            metadata: metadata(placement, ["max_length": String(length)]), reading: inputs)
        Console.standard.write("\(output.path): \(corpus.texts.count) texts")
    }

    /// Writes a CLIP's vectors of images.
    func writeCLIPImages(
        _ url: URL, _ placement: Placement, _ inputs: Inputs
    ) throws {
        let folder = try CLIPFolder(model)
        let images = try prepared(
            url, for: ImageConfiguration(folder.configuration.vision), folder.processor)
        let clip = try folder.load(placement: placement)
        let features = try features(
            of: images, by: clip.vision, normalization: folder.processor.normalization)
        let embeddings = try withInferenceMode {
            try clip.imageEmbeddings(ofFeatures: features.cast(to: placement.computeType))
        }
        try write(images, [("features", features), ("embeddings", embeddings)], placement, inputs)
    }
}
