import Foundation

/// A tokenizer of a text encoder: what models, attacks and defenses ask of it, whatever its algorithm.
public protocol TextTokenizer: Sendable {
    /// The number of ids: what a model's embedding must have rows for.
    var vocabularySize: Int { get }
    /// The id before a text, whose state stands for the whole: `[CLS]`.
    var classificationID: Int32 { get }
    /// The id behind a text: `[SEP]`.
    var separatorID: Int32 { get }
    /// The id that fills a batch: `[PAD]`.
    var paddingID: Int32 { get }
    /// The id of what the vocabulary cannot spell: `[UNK]`.
    var unknownID: Int32 { get }
    /// The id in the place of what is to be predicted: `[MASK]`.
    var maskID: Int32 { get }
    /// The ids of all special tokens.
    var specialIDs: Set<Int32> { get }

    /// The id of a token spelled exactly so, or nil.
    func id(of token: String) -> Int32?
    /// The token with that id, or nil.
    func token(of id: Int32) -> String?
    /// Tokens as people read them, pieces of a word joined.
    func text(of ids: [Int32]) -> String
    /// The ids of `text`, without special ones before and behind it.
    func encode(_ text: String) -> [Int32]
    /// Every text between its special ids, its end cut so that at most `maximumLength` ids remain, in
    /// order and on all cores; and how many tokens were cut off.
    func encodeAllCounting(
        _ texts: [String], maximumLength: Int
    ) -> (ids: [[Int32]], cut: Int)
    /// Writes its files into a model's folder.
    func save(to folder: URL) throws
}

extension TextTokenizer {
    /// `encodeAllCounting`, whatever was cut off.
    public func encodeAll(_ texts: [String], maximumLength: Int) -> [[Int32]] {
        encodeAllCounting(texts, maximumLength: maximumLength).ids
    }
}
