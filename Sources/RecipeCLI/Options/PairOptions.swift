import ArgumentParser
import DataPipeline
import Foundation
import ModelZoo
import TextTokenizers

/// Options of every command that reads images with captions.
struct PairOptions: ParsableArguments {
    @Option(
        help: """
            Images with captions to train a CLIP with: COCO's .json, a table of image and caption, \
            metadata.jsonl, or a folder with one of them; --images then names the images' folder.
            """)
    var pairs: URL?

    @Option(help: "Pairs in memory at once; the gradient is that of the whole batch.")
    var chunkSize: Int?

    @Option(
        help: "Folder with the tokenizer; for a CLIP also OpenAI's bpe_simple_vocab_16e6.txt.gz.")
    var tokenizer: URL?

    func validate() throws { try validatePositive(("--chunk-size", chunkSize ?? 1)) }

    /// The options that were given beside the pairs, by their names.
    var given: [String?] {
        [chunkSize.map { _ in "--chunk-size" }, tokenizer.map { _ in "--tokenizer" }]
    }

    /// The files and folders that are read.
    var inputs: [URL] { [pairs, tokenizer].compactMap { $0 } }

    /// The images and captions, ready to train on, and what was read.
    struct Reading {
        let prepared: PreparedPairs
        let source: CaptionSource
        /// Where the images are.
        let imageFolder: URL

        /// How much there is, as reports say it.
        var amounts: [(name: String, amount: String)] {
            let images = HumanFormat.count(prepared.count)
            let captions = HumanFormat.count(prepared.captions.captionCount)
            return [(source.file, "\(images) images with \(captions) captions")]
        }
    }

    /// Reads the captions at `url`, decodes their images, which lie in the folder `images` or near
    /// by, and says what was left out or cut.
    func read(
        _ url: URL, images: URL?, _ options: ImageOptions, for configuration: CLIPConfiguration,
        _ processor: ImageProcessor, _ tokenizer: CLIPTokenizer, seed: Seed
    ) throws -> Reading {
        let console = Console.standard
        let preparation = try options.preparation(for: .clip(configuration.vision), processor)
        let maximumSkipped = options.maxSkipped ?? 0.01
        let found = try CaptionedImages.read(
            url, images: images, maximumSkipped: maximumSkipped)
        for remark in found.source.remarks { console.warn("\(url.path): \(remark)") }
        let prepared = try options.preparing(found.imageSet) { progress in
            try PreparedPairs.prepare(
                found, preparation, tokenizer: tokenizer,
                length: configuration.text.maximumPositions, limit: options.limit, seed: seed,
                cache: options.cache,
                maximumSkipped: maximumSkipped, progress: progress)
        }
        options.warn(of: prepared.images.skipped)
        let captions = prepared.captions
        if captions.truncated > 0 {
            console.warn(
                "\(captions.truncated) of \(captions.captionCount) captions are longer than the "
                    + "\(captions.length) tokens the model reads, and are cut")
        }
        return Reading(
            prepared: prepared, source: found.source,
            imageFolder: URL(fileURLWithPath: found.imageSet.folder))
    }
}
