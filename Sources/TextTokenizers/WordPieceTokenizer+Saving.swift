import Foundation

extension WordPieceTokenizer {
    /// Writes `vocab.txt` and `tokenizer_config.json`, from which Hugging Face's
    /// `BertTokenizerFast` and `init(folder:)` make an equal tokenizer.
    ///
    /// The folder is made where it is missing. Throws where a file cannot be written, or where
    /// those two files cannot express the tokenizer.
    public func save(to folder: URL) throws {
        let lines = vocabulary.prefix(modelVocabularySize)
        for (id, token) in lines.enumerated() {
            let last = token.unicodeScalars.last
            if token.utf8.contains(UInt8(ascii: "\n")) || last?.properties.isWhitespace == true {
                throw TokenizerError(
                    path: folder.path,
                    "token \(id) ends in whitespace or holds a line feed, which vocab.txt cannot"
                        + " express")
            }
        }
        let standard = Configuration()
        guard configuration.cleansText,
            configuration.continuationPrefix == standard.continuationPrefix,
            configuration.maximumWordLength == standard.maximumWordLength
        else {
            throw TokenizerError(
                path: folder.path,
                "vocab.txt and tokenizer_config.json cannot express unclean text, a continuation"
                    + " prefix other than ## or a word limit other than 100")
        }
        try SavedTokenizer.write(
            [("vocab.txt", lines.map { $0 + "\n" }.joined())], config: config, to: folder)
    }

    private var config: SavedConfig {
        SavedConfig(
            configuration,
            addedTokens: SavedToken.byID(
                configuration.addedTokens, roles: configuration.roleTokens, id: id(of:)))
    }
}

/// `tokenizer_config.json` as Hugging Face spells it.
private struct SavedConfig: Encodable {
    let tokenizerClass = "BertTokenizer"
    let addedTokens: [String: SavedToken]
    let configuration: WordPieceTokenizer.Configuration

    enum CodingKeys: String, CodingKey {
        case tokenizerClass = "tokenizer_class"
        case addedTokens = "added_tokens_decoder"
        case lowercases = "do_lower_case"
        case stripsAccents = "strip_accents"
        case spacesChineseCharacters = "tokenize_chinese_chars"
        case unknown = "unk_token"
        case classification = "cls_token"
        case separator = "sep_token"
        case padding = "pad_token"
        case mask = "mask_token"
    }

    init(
        _ configuration: WordPieceTokenizer.Configuration, addedTokens: [String: SavedToken]
    ) {
        self.configuration = configuration
        self.addedTokens = addedTokens
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tokenizerClass, forKey: .tokenizerClass)
        try container.encode(addedTokens, forKey: .addedTokens)
        try container.encode(configuration.lowercases, forKey: .lowercases)
        try container.encode(configuration.stripsAccents, forKey: .stripsAccents)
        try container.encode(
            configuration.spacesChineseCharacters, forKey: .spacesChineseCharacters)
        try container.encode(configuration.unknownToken, forKey: .unknown)
        try container.encode(configuration.classificationToken, forKey: .classification)
        try container.encode(configuration.separatorToken, forKey: .separator)
        try container.encode(configuration.paddingToken, forKey: .padding)
        try container.encode(configuration.maskToken, forKey: .mask)
    }
}
