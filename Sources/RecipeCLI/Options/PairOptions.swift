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
}
