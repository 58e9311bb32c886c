import ArgumentParser
import Checkpoints
import DataPipeline
import Documents
import Files
import Foundation
import ModelZoo
import Randomness
import TensorFormats
import TextTokenizers
import Torch
import TorchNN
import Training

struct FeaturesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "Write a model's vectors of texts or images as safetensors, in their order.",
        discussion: """
            For texts the output holds `cls` (last hidden state of the first token), `mean` (over \
            all tokens) and, where the model has a pooler, `pooled`, each [texts, hidden]; for \
            images `features` [images, width], what attacks bind and a head reads. A CLIP's holds, \
            for texts and for images, `features` (a tower's, before projection) and `embeddings` \
            [texts or images, projection], of length 1, whose products are the cosines. Float32, \
            computed so unless --precision says otherwise; the file's metadata says which \
            (`precision`).
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

    /// The files and folders that are read.
    var inputs: [URL] { [model] + text + [images, tokenizer].compactMap { $0 } }

    /// The entry of the output's metadata that says that `recipe features` wrote it.
    static let mark = (key: "written_by", value: "recipe features")

    /// Keeps other processes away from the output, and refuses one that touches an input or may not
    /// be replaced.
    private func claim(reading inputs: Inputs) throws -> FileLock {
        try inputs.refuse(output: output)
        if let stamp = FileStamp(output.path, followingLinks: false) {
            guard force else { throw OutputError.destinationExists(path: output.path) }
            let isOurs =
                stamp.kind == .file
                && (try? TensorArchive.open(output))?.metadata[Self.mark.key] == Self.mark.value
            guard isOurs else {
                throw OutputError.notOurs(
                    path: output.path, reason: "was not written by `recipe features`")
            }
        }
        return try FileLock(of: output.standardizedFileURL)
    }

    /// Writes vectors under their names, if what they were made from is as it was.
    func write(
        _ tensors: [StoredTensor], metadata: [String: String], reading inputs: Inputs
    ) throws {
        try inputs.check()
        try SafetensorsWriter.write(
            tensors, metadata: metadata.merging([Self.mark.key: Self.mark.value]) { $1 }, to: output
        )
    }

    func run() throws {
        let device = try compute.prepare()
        let inputs = Inputs(self.inputs)
        let lock = try claim(reading: inputs)
        defer { lock.release() }
        let placement = Placement(
            device: device, computeType: (compute.givenPrecision ?? .fp32).computeType(on: device))
        let isCLIP = try ModelKind(at: model) == .pairs
        switch (images, isCLIP) {
        case (let images?, true): try writeCLIPImages(images, placement, inputs)
        case (let images?, false): try writeImages(images, placement, inputs)
        case (nil, true): try writeCLIPTexts(placement, inputs)
        case (nil, false): try writeTexts(placement, inputs)
        }
    }

    private func writeTexts(_ placement: Placement, _ inputs: Inputs) throws {
        guard tokenizer == nil else {
            throw ValidationError("--tokenizer goes with a CLIP, which \(model.path) is not")
        }
        let maxLength = maxLength ?? 128
        let folder = try TextModelFolder(model)
        try folder.checkLength(maxLength)
        let tokenizer = try folder.tokenizer()
        let corpus = try TextCorpus.read(text, textColumn: textColumn)
        let ids = tokenizer.encodeAll(corpus.texts, maximumLength: maxLength)
        let caveat = try UnreadableTexts.caveat(
            of: ids, unknownID: tokenizer.unknownID, tokenizer: model)
        if let caveat { Console.standard.tell(caveat) }
        let bert = try folder.load(
            parts: folder.parts.intersection(.pooler), placement: placement)
        let features = try TextFeatures(of: ids, by: bert)
        var tensors = [
            try StoredTensor(name: "cls", features.classification),
            try StoredTensor(name: "mean", features.mean),
        ]
        if let pooled = features.pooled {
            tensors.append(try StoredTensor(name: "pooled", pooled))
        }
        try write(
            tensors, metadata: metadata(placement, ["max_length": String(maxLength)]),
            reading: inputs)
        Console.standard.write("\(output.path): \(corpus.texts.count) texts")
    }

    private func writeImages(
        _ url: URL, _ placement: Placement, _ inputs: Inputs
    ) throws {
        let folder = try ImageModelFolder(model)
        let images = try prepared(url, for: folder.configuration, folder.processor)
        let features = try features(
            of: images, by: folder.load(placement: placement, head: .none),
            normalization: folder.processor.normalization)
        try write(images, [("features", features)], placement, inputs)
    }

    /// The images at `url` as a model takes them.
    func prepared(
        _ url: URL, for configuration: ImageConfiguration, _ processor: ImageProcessor
    ) throws -> PreparedImages {
        let data = imageOptions.data(at: url, labels: ImageLabels.none)
        let whole = try data.set()
        let set = imageOptions.limit.map { whole.randomSubset(of: $0, seed: Seed(0)) } ?? whole
        return try data.prepare(
            set, data.preparation(for: configuration, processor), observe: ReadingReporter().show)
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
    func write(
        _ images: PreparedImages, _ vectors: [(name: String, values: Tensor)],
        _ placement: Placement, _ inputs: Inputs
    ) throws {
        try write(
            vectors.map { try StoredTensor(name: $0.name, $0.values) },
            metadata: metadata(placement, ["images": images.name]), reading: inputs)
        Console.standard.write(output.path)
    }

    /// What the file says of itself: the model, and the type that the vectors were computed in, for
    /// they are float32 whichever that was.
    func metadata(_ placement: Placement, _ others: [String: String]) -> [String: String] {
        others.merging([
            "model": model.lastPathComponent, "precision": placement.computeType.rawValue,
        ]) { $1 }
    }
}
