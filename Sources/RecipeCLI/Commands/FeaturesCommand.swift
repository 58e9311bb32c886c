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
            images `features` [images, width], what attacks bind and a head reads. Float32.
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
    @Option(help: "Tokens a text is cut to.")
    var maxLength = 128
    @Flag(help: "Replace the output where it exists.")
    var force = false
    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        try validateLength(maxLength)
        guard text.isEmpty != (images == nil) else {
            throw ValidationError("name either texts (--text) or images (--images)")
        }
        if images == nil, let option = imageOptions.given.first {
            throw ValidationError("\(option) goes with --images, which is not given")
        }
    }

    func run() throws {
        let device = try compute.prepare()
        if !force, FileManager.default.fileExists(atPath: output.path) {
            throw CheckpointError(output, "already exists", advice: "replace it with --force")
        }
        if let images { return try write(featuresOf: images, on: device) }
        let folder = try BERTFolder(model)
        try folder.checkLength(maxLength)
        let tokenizer = try folder.tokenizer()
        let corpus = try TextCorpus.read(text, textColumn: textColumn)
        let bert = try folder.load(
            parts: folder.parts.intersection(.pooler),
            placement: Placement(
                device: device, computeType: compute.precision.computeType(on: device)))
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

    private func write(featuresOf url: URL, on device: Device) throws {
        let folder = try ImageModelFolder(model)
        let set = try imageOptions.read(url, part: nil, labels: ImageLabels.none)
        let images = try imageOptions.prepare(set, for: folder, seed: Seed(0))
        let model = try folder.load(
            placement: Placement(
                device: device, computeType: compute.precision.computeType(on: device)),
            head: .none)
        let normalization = folder.processor.normalization
        let parts = try withInferenceMode {
            try stride(from: 0, to: images.count, by: 64).map { start in
                let batch = images.batch(Array(start..<min(start + 64, images.count)))
                return try model.features(normalization(batch, for: model), in: .evaluation)
                    .cast(to: .float32)
            }
        }
        try SafetensorsWriter.write(
            [StoredTensor(name: "features", Tensor.concatenated(parts, along: 0))],
            metadata: ["model": self.model.lastPathComponent, "images": images.name], to: output)
        Console.standard.write(output.path)
    }
}
