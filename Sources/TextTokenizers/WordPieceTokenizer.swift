import Foundation

/// BERT's tokenizer, equal to Hugging Face's `BertTokenizerFast`.
///
/// Text is split at added tokens, normalized, split into words, and each word is spelled by the
/// longest pieces of the vocabulary, left to right.
public struct WordPieceTokenizer: TextTokenizer {
    /// Every token by its id, added tokens included; an id without a token holds an empty string.
    public let vocabulary: [String]
    /// How text is normalized and which tokens have a role.
    public let configuration: Configuration
    /// The id of `[CLS]`.
    public let classificationID: Int32
    /// The id of `[SEP]`.
    public let separatorID: Int32
    /// The id of `[PAD]`.
    public let paddingID: Int32
    /// The id of `[UNK]`.
    public let unknownID: Int32
    /// The id of `[MASK]`.
    public let maskID: Int32
    /// The ids of all special tokens.
    public let specialIDs: Set<Int32>

    /// How many of the tokens are the model's own; the rest was added later.
    let modelVocabularySize: Int
    let normalizer: BertNormalizer
    let words = BertWords()
    let trie: TokenTrie
    /// Where a walk starts that continues a word; nil if no token does.
    let continuation: UInt32?
    let rawMatcher: AddedTokenMatcher
    let normalizedMatcher: AddedTokenMatcher
    private let lookup: TokenTrie

    /// The number of ids: what a model's embedding must have rows for.
    public var vocabularySize: Int { vocabulary.count }

    /// A tokenizer over `vocabulary`, whose indices are the ids.
    ///
    /// Throws where a token with a role is not in the vocabulary, or an added token's id is taken.
    public init(vocabulary: [String], configuration: Configuration = Configuration()) throws {
        try self.init(vocabulary: vocabulary, configuration: configuration, path: nil)
    }

    init(vocabulary: [String], configuration: Configuration, path: String?) throws {
        guard !vocabulary.isEmpty else {
            throw TokenizerError(
                path: path, "the vocabulary is empty; expected a token on each line")
        }
        let trie = try TokenTrie(vocabulary: vocabulary, path: path)
        var placement = AddedTokenPlacement(vocabulary: vocabulary, trie: trie, path: path)
        for token in configuration.addedTokens {
            try placement.add(token)
        }
        for token in configuration.roleTokens {
            try placement.addRole(token)
        }
        let tokens = placement.vocabulary
        let lookup = try TokenTrie(vocabulary: tokens, path: path)

        self.vocabulary = tokens
        self.configuration = configuration
        self.trie = trie
        self.lookup = lookup
        modelVocabularySize = vocabulary.count
        continuation = trie.node(configuration.continuationPrefix.utf8)
        normalizer = BertNormalizer(configuration)
        rawMatcher = placement.matcher(normalizer: nil)
        normalizedMatcher = placement.matcher(normalizer: normalizer)
        specialIDs = placement.specialIDs
        func roleID(_ token: String) throws -> Int32 { try placement.roleID(of: token) }
        classificationID = try roleID(configuration.classificationToken)
        separatorID = try roleID(configuration.separatorToken)
        paddingID = try roleID(configuration.paddingToken)
        unknownID = try roleID(configuration.unknownToken)
        maskID = try roleID(configuration.maskToken)
    }

    /// The id of a token spelled exactly so (`##ing` included), or nil.
    public func id(of token: String) -> Int32? {
        guard !token.isEmpty, let node = lookup.node(token.utf8) else { return nil }
        let id = lookup.token(at: node)
        return id < 0 ? nil : id
    }

    /// The token with that id, or nil.
    public func token(of id: Int32) -> String? {
        guard vocabulary.indices.contains(Int(id)), !vocabulary[Int(id)].isEmpty else { return nil }
        return vocabulary[Int(id)]
    }

    /// Tokens as people read them, pieces of a word joined; `?` for an id without a token.
    public func text(of ids: [Int32]) -> String {
        let prefix = configuration.continuationPrefix
        return ids.enumerated().reduce(into: "") { text, next in
            let token = token(of: next.element) ?? "?"
            if next.offset > 0, token.hasPrefix(prefix) {
                text += token.dropFirst(prefix.count)
            } else {
                text += (text.isEmpty ? "" : " ") + token
            }
        }
    }
}

extension BertNormalizer {
    init(_ configuration: WordPieceTokenizer.Configuration) {
        self.init(
            cleansText: configuration.cleansText,
            spacesChineseCharacters: configuration.spacesChineseCharacters,
            stripsAccents: configuration.stripsAccents ?? configuration.lowercases,
            lowercases: configuration.lowercases)
    }
}
