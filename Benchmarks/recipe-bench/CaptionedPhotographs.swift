import Foundation
import RecipeKit

/// Images with a caption each in a folder of their own, and a tokenizer: what both sides train a CLIP
/// on.
struct CaptionedPhotographs {
    /// A table of the columns image and caption; the images lie beside it.
    let table: URL
    /// The tokenizer of the captions.
    let tokenizer: CLIPTokenizer
    /// What the pairs are.
    let description: String

    /// Copies `count` of Flickr8k's pairs, or as many whole batches as there are, or makes as many
    /// where there are none.
    init(gathering count: Int, batchSize: Int, places: PlaceOptions, in output: URL) throws {
        let folder = output.appendingPathComponent("pairs")
        table = folder.appendingPathComponent("captions.csv")
        if FileManager.default.fileExists(atPath: folder.path) {
            try FileManager.default.removeItem(at: folder)
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let data = BenchmarkMaterial.data("flickr8k", near: places.packageFolder)
        let vocabulary = BenchmarkMaterial.data(
            "vocab/bpe_simple_vocab_16e6.txt.gz", near: places.packageFolder)
        // Captions whose images were not unpacked are no matter.
        let found = try? data.map { try CaptionedImages.read($0, maximumSkipped: 1) }
        let usable = (found?.count ?? 0) / batchSize * batchSize
        var captions: [String] = []
        if let found, let vocabulary, usable > 0 {
            tokenizer = try CLIPTokenizer(openAIMerges: vocabulary)
            for sample in found.randomSubset(of: min(count, usable), seed: Seed(42)).samples {
                try FileManager.default.copyItem(
                    atPath: "\(found.folder)/\(sample.path)",
                    toPath: folder.appendingPathComponent(Self.name(captions.count)).path)
                captions.append(sample.captions[0])
            }
            description = "\(captions.count) of Flickr8k"
        } else {
            tokenizer = try Self.letters()
            try Photographs.make(count, places: places, at: folder)
            captions = Self.captions(count)
            description = "\(count) generated (no Flickr8k found)"
        }
        let rows = captions.enumerated().map { index, caption in
            "\(Self.name(index)),\"\(caption.replacingOccurrences(of: "\"", with: "\"\""))\"\n"
        }
        try Data(("image,caption\n" + rows.joined()).utf8).write(to: table)
    }

    /// The name of a row's file, counted from 0; names sort as numbers do.
    private static func name(_ index: Int) -> String { String(format: "%05d.jpg", index) }

    /// A tokenizer of letters alone.
    private static func letters() throws -> CLIPTokenizer {
        let letters = "abcdefghijklmnopqrstuvwxyz".map(String.init)
        return try CLIPTokenizer(
            vocabulary: letters + letters.map { $0 + "</w>" }
                + ["<|startoftext|>", "<|endoftext|>"], merges: [])
    }

    /// Captions of as many tokens as Flickr8k's, whose words are letters.
    private static func captions(_ count: Int) -> [String] {
        var stream = Seed(42).stream("benchmark.captions")
        return (0..<count).map { _ in
            (0..<Int.random(in: 6...18, using: &stream)).map { _ in
                String("abcdefghijklmnopqrstuvwxyz".randomElement(using: &stream) ?? "a")
            }.joined(separator: " ")
        }
    }

    /// Writes a CLIP of random weights with the tokenizer; what a former one left is replaced.
    func makeModel(_ size: ModelSize, at folder: URL) throws {
        var configuration = CLIPConfiguration()
        if size == .tiny {
            configuration.text.tower = .init(hiddenSize: 64, layerCount: 2, headCount: 2)
            configuration.vision.tower = .init(hiddenSize: 64, layerCount: 2, headCount: 2)
            configuration.vision.imageSize = PixelSize(64, 64)
            configuration.projectionSize = 32
        }
        configuration.text.pooling = .firstEnd(Int(tokenizer.endID))
        let model = try CLIP(
            configuration,
            in: ParameterStore(source: FreshSource(seed: Seed(50).key("parameters"))))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try CLIPFolder.create(
            model, processor: .clip(side: configuration.vision.imageSize.height),
            tokenizer: tokenizer, at: folder)
    }
}
