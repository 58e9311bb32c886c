import DataPipeline
import TextTokenizers

/// Images of random pixels with captions of random letters, for the fixtures' small CLIP.
public enum TinyPairs {
    /// A tokenizer of 30 tokens, the last of which start and end a text: letters at the end of a
    /// word and before.
    public static func tokenizer() throws -> CLIPTokenizer {
        let letters = "abcdefghijklmn".map(String.init)
        return try CLIPTokenizer(
            vocabulary: letters + letters.map { $0 + "</w>" }
                + ["<|startoftext|>", "<|endoftext|>"], merges: [])
    }

    /// `count` images of `side` pixels a side, every third of them with two captions.
    public static func pairs(_ count: Int, side: Int = 16, length: Int = 9) throws -> PreparedPairs
    {
        var numbers = RandomNumbers(seed: 7)
        let pixels = (0..<count * side * side * 3).map { _ in
            UInt8.random(in: 0...255, using: &numbers)
        }
        let captions = (0..<count).map { image in
            (0..<(image % 3 == 0 ? 2 : 1)).map { _ in
                let letters = (0..<Int.random(in: 1...6, using: &numbers)).map { _ in
                    "abcdefghijklmn".randomElement(using: &numbers) ?? "a"
                }
                return letters.map(String.init).joined(separator: " ")
            }
        }
        let images = PreparedImages(name: "noise", pixels: pixels, height: side, width: side)
        return PreparedPairs(
            images, TokenizedCaptions(captions, tokenizer: try tokenizer(), length: length))
    }
}
