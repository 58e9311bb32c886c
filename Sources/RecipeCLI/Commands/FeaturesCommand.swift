import ArgumentParser
import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import TensorFormats
import Torch
import TorchNN

struct FeaturesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "Write a model's vectors of texts or images as safetensors, in their order.",
        discussion: """
            For texts the output holds `cls` (last hidden state of the first token), `mean` (over \
            all tokens) and, where the model has a pooler, `pooled`, each [texts, hidden]; for \
            images `features` [images, width], what attacks bind and a head reads. A CLIP's holds, \
            for texts and for images, `features` (a tower's, before projection) and `embeddings` \
            [texts or images, projection], of length 1, whose products are the cosines. Float32.
            """)

    @Argument(help: "The model's folder.")
    var model: URL
    @Option(parsing: .upToNextOption, help: "The texts: .txt, .tsv, .csv or .jsonl.")
    var text: [URL] = []
    @Option(help: "The images: a data set in any layout it is known by.")
    var images: URL?
    @OptionGroup var imageOptions: ImageOptions
    @Option(help: "Column or key that holds the text.")
    var textColumn: String?
    @Option(name: [.short, .customLong("output")], help: "The file to write.")
    var output: URL
    @Option(help: "Tokens a text is cut to: 128, or as many as a CLIP reads.")
    var maxLength: Int?
    @Option(
        help: """
            Folder with a CLIP's tokenizer, where it is not the model's own; also OpenAI's \
            bpe_simple_vocab_16e6.txt.gz.
            """)
    var tokenizer: URL?
    @Flag(help: "Replace the output where it exists.")
    var force = false
    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        try validateLength(maxLength ?? 3)
        guard text.isEmpty != (images == nil) else {
            throw ValidationError("name either texts (--text) or images (--images)")
        }
        if images == nil, let option = imageOptions.given.first {
            throw ValidationError("\(option) goes with --images, which is not given")
        }
        if images != nil, tokenizer != nil {
            throw ValidationError("--tokenizer is about texts, but --images is given")
        }
    }

    func run() throws {
        let device = try compute.prepare()
        if !force, FileManager.default.fileExists(atPath: output.path) {
            throw CheckpointError(output, "already exists", advice: "replace it with --force")
        }
        let placement = Placement(
            device: device, computeType: compute.precision.computeType(on: device))
        let isCLIP = try ModelKind(at: model) == .pairs
        switch (images, isCLIP) {
        case (let images?, true): try writeCLIPImages(images, placement)
        case (let images?, false): try writeImages(images, placement)
        case (nil, true): try writeCLIPTexts(placement)
        case (nil, false): try writeTexts(placement)
        }
    }

    private func writeTexts(_ placement: Placement) throws {
        guard tokenizer == nil else {
            throw ValidationError("--tokenizer goes with a CLIP, which \(model.path) is not")
        }
        let maxLength = maxLength ?? 128
        let folder = try BERTFolder(model)
        try folder.checkLength(maxLength)
        let tokenizer = try folder.tokenizer()
        let corpus = try TextCorpus.read(text, textColumn: textColumn)
        let bert = try folder.load(
            parts: folder.parts.intersection(.pooler), placement: placement)
        let features = try BERTFeatures(
            of: tokenizer.encodeAll(corpus.texts, maximumLength: maxLength), by: bert)
        var tensors = [
            try StoredTensor(name: "cls", features.classification),
            try StoredTensor(name: "mean", features.mean),
        ]
        if let pooled = features.pooled {
            tensors.append(try StoredTensor(name: "pooled", pooled))
        }
        try SafetensorsWriter.write(
            tensors, metadata: ["model": model.lastPathComponent, "max_length": String(maxLength)],
            to: output)
        Console.standard.write("\(output.path): \(corpus.texts.count) texts")
    }

    private func writeImages(_ url: URL, _ placement: Placement) throws {
        let folder = try ImageModelFolder(model)
        let set = try imageOptions.read(url, part: nil, labels: ImageLabels.none)
        let images = try imageOptions.prepare(set, for: folder, seed: Seed(0))
        let features = try features(
            of: images, by: folder.load(placement: placement, head: .none),
            normalization: folder.processor.normalization)
        try write(images, [("features", features)])
    }

    /// The features of images [images, width], in their order, float32.
    func features(
        of images: PreparedImages, by model: some ImageModel, normalization: ImageNormalization
    ) throws -> Tensor {
        let parts = try withInferenceMode {
            try stride(from: 0, to: images.count, by: 64).map { start in
                let batch = images.batch(Array(start..<min(start + 64, images.count)))
                return try model.features(normalization(batch, for: model), in: .evaluation)
                    .cast(to: .float32)
            }
        }
        return try Tensor.concatenated(parts, along: 0)
    }

    /// Writes vectors of images under their names.
    func write(_ images: PreparedImages, _ vectors: [(name: String, values: Tensor)]) throws {
        try SafetensorsWriter.write(
            vectors.map { try StoredTensor(name: $0.name, $0.values) },
            metadata: ["model": model.lastPathComponent, "images": images.name], to: output)
        Console.standard.write(output.path)
    }
}
