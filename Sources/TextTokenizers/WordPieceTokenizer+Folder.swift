import Foundation
import JSON

extension WordPieceTokenizer {
    /// The tokenizer of a model folder in Hugging Face layout.
    ///
    /// Reads `tokenizer.json` where there is one, else `vocab.txt`; and `tokenizer_config.json`,
    /// `special_tokens_map.json` and `added_tokens.json` where they are there. As in Hugging Face,
    /// a flag in `tokenizer_config.json` wins over `tokenizer.json` for the BERT classes.
    ///
    /// Throws `TokenizerError` for a missing or malformed file, and for a normalizer,
    /// pre-tokenizer or model that this type cannot honour.
    public init(folder: URL) throws {
        let files = try TokenizerFiles(
            folder: folder, classes: Self.classes, expected: "BertTokenizer")
        var (vocabulary, configuration) = try files.base()
        try files.applyConfig(to: &configuration)
        configuration.addedTokens = try files.addedTokens(
            configuration.addedTokens,
            keys: ["unk_token", "cls_token", "sep_token", "pad_token", "mask_token"],
            roles: configuration.roleTokens)
        try self.init(
            vocabulary: vocabulary, configuration: configuration, path: files.vocabularyPath)
    }

    private static let classes: Set<String> = [
        "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer",
        "RetriBertTokenizer", "LayoutLMTokenizer", "DPRQuestionEncoderTokenizer",
    ]
}

extension TokenizerFiles {
    /// The file that an error about the vocabulary names.
    fileprivate var vocabularyPath: String {
        path(tokenizer == nil ? "vocab.txt" : "tokenizer.json")
    }

    /// Vocabulary and normalization, before `tokenizer_config.json` is applied.
    fileprivate func base() throws -> ([String], WordPieceTokenizer.Configuration) {
        if let tokenizer {
            return try TokenizerDocument(tokenizer, path: vocabularyPath).wordPieces()
        }
        return (try vocabularyLines(), WordPieceTokenizer.Configuration())
    }

    /// `vocab.txt`, a token a line; whitespace at a line's end is no part of the token.
    private func vocabularyLines() throws -> [String] {
        let url = folder.appendingPathComponent("vocab.txt")
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw TokenizerError(
                path: folder.path,
                "neither tokenizer.json nor vocab.txt is here; expected the tokenizer's files")
        }
        let text = String(decoding: try Self.bytes(of: url), as: UTF8.self)
        // Over scalars: as a `Character`, CR LF is not a line feed.
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true {
            lines.removeLast()
        }
        return lines.map { line in
            var line = line
            while let last = line.last, last.properties.isWhitespace {
                line.removeLast()
            }
            return String(line)
        }
    }

    fileprivate func applyConfig(to configuration: inout WordPieceTokenizer.Configuration) throws {
        if configRules {
            if let flag = try flag("do_lower_case") { configuration.lowercases = flag }
            if let flag = try flag("tokenize_chinese_chars") {
                configuration.spacesChineseCharacters = flag
            }
            // An explicit null restores "as lowercase does".
            if let value = config?["strip_accents"] {
                configuration.stripsAccents = value.isNull ? nil : try flag("strip_accents")
            }
        }
        if let token = try role("unk_token") { configuration.unknownToken = token.content }
        if let token = try role("cls_token") { configuration.classificationToken = token.content }
        if let token = try role("sep_token") { configuration.separatorToken = token.content }
        if let token = try role("pad_token") { configuration.paddingToken = token.content }
        if let token = try role("mask_token") { configuration.maskToken = token.content }
    }
}
