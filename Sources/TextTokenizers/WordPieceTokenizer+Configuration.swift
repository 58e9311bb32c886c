extension WordPieceTokenizer {
    /// How text is normalized and which tokens have a role; the defaults are `bert-base-uncased`'s.
    public struct Configuration: Hashable, Sendable {
        /// Whether control characters are dropped and whitespace becomes spaces.
        public var cleansText = true
        /// Whether text is lowercased (`do_lower_case`).
        public var lowercases = true
        /// Whether accents are dropped (`strip_accents`); nil follows `lowercases`.
        public var stripsAccents: Bool?
        /// Whether each Chinese character is a word (`tokenize_chinese_chars`).
        public var spacesChineseCharacters = true
        /// What continues a word.
        public var continuationPrefix = "##"
        /// A longer word, in Unicode scalars, is the unknown token.
        public var maximumWordLength = 100
        /// Stands for a word that the vocabulary cannot spell.
        public var unknownToken = "[UNK]"
        /// Starts a sequence.
        public var classificationToken = "[CLS]"
        /// Ends a sequence.
        public var separatorToken = "[SEP]"
        /// Fills a batch.
        public var paddingToken = "[PAD]"
        /// Hides a token from the model.
        public var maskToken = "[MASK]"
        /// Tokens matched in the text itself; the five above are always among them.
        public var addedTokens: [AddedToken] = []

        /// The configuration of `bert-base-uncased`.
        public init() {}

        /// The tokens with a role, in the order of BERT's vocabularies.
        var roleTokens: [String] {
            [paddingToken, unknownToken, classificationToken, separatorToken, maskToken]
        }
    }
}
