import Foundation
import RecipeKit

/// Texts of made-up words, for machines without the real ones.
///
/// Speed depends on lengths and not on meaning: lengths here are spread like those of sentences in
/// novels, exponentially, with some beyond the limit.
enum GeneratedTexts {
    /// Special tokens, then made-up words, `size` tokens in all.
    static func vocabulary(_ size: Int) -> [String] {
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
            + (0..<max(0, size - 5)).map { "w\($0)" }
    }

    /// Writes `count` texts over the words of a vocabulary of `size`, a text a line.
    static func write(_ count: Int, vocabulary size: Int, to url: URL, seed: Seed) throws {
        var stream = seed.stream("benchmark.texts")
        let lines = (0..<count).map { _ in
            let length = 3 + Int(-meanLength * log(1 - stream.uniform()))
            return (0..<min(length, 200))
                .map { _ in "w\(Int.random(in: 0..<max(1, size - 5), using: &stream))" }
                .joined(separator: " ") + "\n"
        }
        try Data(lines.joined().utf8).write(to: url, options: .atomic)
    }

    /// Words beyond the first three, before long texts are cut.
    private static let meanLength = 14.0
}
