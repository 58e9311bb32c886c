import Foundation

/// CLIP's byte-pair tokenizer, equal to Hugging Face's `CLIPTokenizer` of transformers 5 (before,
/// `CLIPTokenizerFast`).
///
/// Text is split at added tokens, composed (NFC), lowercased and split into words; each word's bytes
/// are merged pair by pair, in the order in which the vocabulary learned the pairs.
///
/// transformers 4 differs where text spells the names of the start and the end in capitals, which it
/// takes for the tokens. Its slow `CLIPTokenizer` also repairs text first where ftfy is installed,
/// and drops control characters and sets Chinese characters apart where it is not.
public struct CLIPTokenizer: Sendable {
    /// Every token by its id, added tokens included, as `vocab.json` spells them: a character for
    /// each byte, `</w>` at a word's end.
    public let vocabulary: [String]
    /// The pairs that are merged, the first first, as `merges.txt` spells them.
    public let merges: [BytePair]
    /// Which tokens have a role, and how long a sequence is.
    public let configuration: Configuration
    /// The id of `<|startoftext|>`.
    public let startID: Int32
    /// The id of `<|endoftext|>`.
    public let endID: Int32
    /// The id that fills a batch; often that of `<|endoftext|>`.
    public let paddingID: Int32
    /// The id of what stands for a byte that the vocabulary does not have.
    public let unknownID: Int32
    /// The ids of all special tokens.
    public let specialIDs: Set<Int32>

    /// How many of the tokens are the model's own; the rest was added later.
    let modelVocabularySize: Int
    let normalizer = CLIPNormalizer()
    let words: CLIPWords
    let table: BytePairMerges
    /// The token of each byte within a word, and at its end.
    let bytes: ByteTokens
    let rawMatcher: AddedTokenMatcher
    let normalizedMatcher: AddedTokenMatcher
    let memories = MemoryPool()
    private let lookup: TokenTrie

    /// The number of ids: what a model's embedding must have rows for.
    public var vocabularySize: Int { vocabulary.count }

    /// A tokenizer over `vocabulary`, whose indices are the ids.
    ///
    /// Throws where an id has no token, a merge names or makes a token that is not in the
    /// vocabulary, a token with a role is missing, or an added token's id is taken.
    public init(
        vocabulary: [String], merges: [BytePair], configuration: Configuration = Configuration()
    ) throws {
        try self.init(
            BytePairVocabulary(tokens: vocabulary, merges: merges), configuration: configuration)
    }

    init(_ source: BytePairVocabulary, configuration: Configuration) throws {
        let trie = try source.trie()
        var placement = AddedTokenPlacement(
            vocabulary: source.tokens, trie: trie, path: source.path)
        for token in configuration.addedTokens { try placement.add(token) }
        for token in configuration.roleTokens { try placement.addRole(token) }
        let tokens = placement.vocabulary
        try source.checkComplete(tokens)
        unknownID = try placement.roleID(of: configuration.unknownToken)
        table = BytePairMerges(try source.mergedIDs(trie))
        bytes = ByteTokens(trie, unknown: unknownID)
        words = CLIPWords(findsNames: configuration.findsNames)
        vocabulary = tokens
        merges = source.merges
        self.configuration = configuration
        lookup = try TokenTrie(vocabulary: tokens, path: source.path)
        modelVocabularySize = source.tokens.count
        rawMatcher = placement.matcher(normalizer: nil)
        normalizedMatcher = placement.matcher(normalizer: normalizer)
        specialIDs = placement.specialIDs
        startID = try placement.roleID(of: configuration.startToken)
        endID = try placement.roleID(of: configuration.endToken)
        paddingID = try placement.roleID(of: configuration.paddingToken)
    }

    /// The id of a token spelled exactly so (`photo</w>`), or nil.
    public func id(of token: String) -> Int32? {
        guard !token.isEmpty, let node = lookup.node(token.utf8) else { return nil }
        let id = lookup.token(at: node)
        return id < 0 ? nil : id
    }

    /// The token with that id, or nil.
    public func token(of id: Int32) -> String? {
        vocabulary.indices.contains(Int(id)) ? vocabulary[Int(id)] : nil
    }
}

/// Two tokens that are merged where they stand side by side.
public struct BytePair: Hashable, Sendable {
    /// The one on the left.
    public let left: String
    /// The one on the right.
    public let right: String

    /// Two tokens.
    public init(_ left: String, _ right: String) {
        self.left = left
        self.right = right
    }
}

extension CLIPTokenizer {
    /// Which tokens have a role and how long a sequence is; the defaults are those of
    /// `openai/clip-vit-base-patch32`.
    public struct Configuration: Hashable, Sendable {
        /// Starts a sequence.
        public var startToken = "<|startoftext|>"
        /// Ends a sequence.
        public var endToken = "<|endoftext|>"
        /// Fills a batch.
        public var paddingToken = "<|endoftext|>"
        /// Stands for a byte that the vocabulary does not have.
        public var unknownToken = "<|endoftext|>"
        /// Ids of a sequence, at most, those of the start and the end included.
        public var maximumLength = 77
        /// Tokens matched in the text itself; the four above are always among them.
        public var addedTokens: [AddedToken] = []
        /// Whether the names of the start and the end are words where they are no tokens.
        var findsNames = true

        /// The configuration of `openai/clip-vit-base-patch32`.
        public init() {}

        /// The tokens with a role, in the order in which Hugging Face adds them.
        var roleTokens: [String] { [startToken, endToken, unknownToken, paddingToken] }
    }
}
