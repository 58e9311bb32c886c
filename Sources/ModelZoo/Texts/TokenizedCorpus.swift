import DataPipeline
import TextTokenizers

/// Texts as ids with their special tokens, made once and ahead of training.
public struct TokenizedCorpus: Sendable {
    /// The ids of each text that has any.
    public let texts: [[Int32]]
    /// What became of the texts.
    public let summary: Summary

    /// What became of the texts.
    public struct Summary: Sendable, Codable, Equatable {
        /// Texts with at least one token.
        public var texts: Int
        /// Texts without a token, which were left out.
        public var empty: Int
        /// Texts as long as the limit, which may have been cut.
        public var atLimit: Int
        /// Tokens of all texts, special ones included.
        public var tokens: Int
        /// Tokens that the vocabulary does not have.
        public var unknown = 0
        /// Tokens that were cut off, for texts were longer than the limit.
        public var cut = 0
        /// Texts whose tokens no text before them has.
        public var distinct = 0
        /// Bytes of the longest text.
        public var longest = 0

        /// The share of tokens, special ones left out, that the vocabulary does not have.
        public var unknownShare: Double {
            Double(unknown) / Double(max(1, tokens - 2 * texts))
        }
    }

    /// Texts that are tokens already, special ones included, all of which were read.
    public init(tokens texts: [[Int32]]) {
        self.texts = texts.filter { $0.count > 2 }
        summary = Summary(
            texts: self.texts.count, empty: texts.count - self.texts.count, atLimit: 0,
            tokens: self.texts.reduce(0) { $0 + $1.count },
            distinct: Set(self.texts.map(\.hashValue)).count)
    }

    /// Tokenizes `texts`, each cut to `maximumLength` tokens.
    public init(_ texts: [String], tokenizer: any TextTokenizer, maximumLength: Int) {
        let (encoded, cut) = tokenizer.encodeAllCounting(texts, maximumLength: maximumLength)
        self.texts = encoded.filter { $0.count > 2 }
        summary = Summary(
            texts: self.texts.count, empty: encoded.count - self.texts.count,
            atLimit: self.texts.count { $0.count >= maximumLength },
            tokens: self.texts.reduce(0) { $0 + $1.count },
            unknown: self.texts.reduce(0) { sum, text in
                sum + text.count { $0 == tokenizer.unknownID }
            },
            cut: cut, distinct: Set(self.texts.map(\.hashValue)).count,
            longest: texts.reduce(0) { max($0, $1.utf8.count) })
    }
}
