import Foundation
import RecipeKit

/// The texts that both sides are measured on: a random sample, for a purification's epoch is too
/// long, and its first batches may be shorter or longer than the rest.
struct TextSample {
    /// All usable texts as ids.
    let corpus: [[Int32]]
    /// The sampled ones in random order.
    let texts: [[Int32]]

    /// `count` of the texts in `file`, cut to `maximumLength` tokens; a smaller sample is the
    /// beginning of a larger one.
    init(
        _ count: Int, of file: URL, tokenizer: any TextTokenizer, maximumLength: Int, seed: Seed
    ) throws {
        corpus =
            TokenizedCorpus(
                try TextCorpus.read([file]).texts, tokenizer: tokenizer,
                maximumLength: maximumLength
            ).texts
        guard count <= corpus.count else {
            throw BenchmarkError(
                "\(file.path): \(corpus.count) usable texts, \(count) are wanted; "
                    + "give a larger file or fewer steps")
        }
        var order = Array(corpus.indices)
        var stream = seed.stream("benchmark.sample")
        order.shuffle(using: &stream)
        texts = order.prefix(count).map { [corpus] in corpus[$0] }
    }
}
