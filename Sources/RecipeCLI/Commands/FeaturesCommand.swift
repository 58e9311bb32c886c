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
        abstract: "Write a model's vectors of texts as safetensors, in the file's order.",
        discussion: """
            The output holds `cls` (last hidden state of the first token), `mean` (over all tokens) \
            and, where the model has a pooler, `pooled`, each [texts, hidden], float32.
            """)

    @Argument(help: "The model's folder.")
    var model: URL
    @Option(parsing: .upToNextOption, help: "The texts: .txt, .tsv, .csv or .jsonl.")
    var text: [URL]
    @Option(help: "Column or key that holds the text.")
    var textColumn: String?
    @Option(name: [.short, .customLong("output")], help: "The file to write.")
    var output: URL
    @Option(help: "Tokens a text is cut to.")
    var maxLength = 128
    @Flag(help: "Replace the output where it exists.")
    var force = false
    @OptionGroup var compute: ComputeOptions

    func validate() throws { try validateLength(maxLength) }

    func run() throws {
        let device = try compute.prepare()
        if !force, FileManager.default.fileExists(atPath: output.path) {
            throw CheckpointError(output, "already exists", advice: "replace it with --force")
        }
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
}
