import Foundation

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
        let files = try TokenizerFiles(folder: folder)
        var (vocabulary, configuration) = try files.base()
        try files.applyConfig(to: &configuration)
        configuration.addedTokens = try files.addedTokens(
            configuration.addedTokens, roles: configuration.roleTokens)
        try self.init(
            vocabulary: vocabulary, configuration: configuration, path: files.vocabularyPath)
    }
}

/// The tokenizer files of a folder, parsed.
struct TokenizerFiles {
    private static let classes: Set<String> = [
        "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer",
        "RetriBertTokenizer", "LayoutLMTokenizer", "DPRQuestionEncoderTokenizer",
    ]
    private static let anyClasses: Set<String> = ["PreTrainedTokenizer", "TokenizersBackend"]

    private let folder: URL
    private let tokenizer: JSONValue?
    private let config: JSONValue?
    private let specials: JSONValue?
    private let added: JSONValue?
    /// Whether the tokenizer class rebuilds the normalizer from `tokenizer_config.json`.
    private let configRules: Bool

    init(folder: URL) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isDirectory),
            isDirectory.boolValue
        else {
            throw TokenizerError(path: folder.path, "no such folder; expected a model folder")
        }
        self.folder = folder
        tokenizer = try Self.json("tokenizer.json", in: folder)
        config = try Self.json("tokenizer_config.json", in: folder)
        // Hugging Face ignores the older files where the newer ones say the same.
        let isComplete = config?["added_tokens_decoder"] != nil
        specials = isComplete ? nil : try Self.json("special_tokens_map.json", in: folder)
        added = isComplete ? nil : try Self.json("added_tokens.json", in: folder)

        let name = config?["tokenizer_class"]?.string.map {
            $0.hasSuffix("Fast") ? String($0.dropLast(4)) : $0
        }
        configRules = name.map(Self.classes.contains) ?? true
        if let name, tokenizer == nil, !Self.classes.contains(name),
            !Self.anyClasses.contains(name)
        {
            throw TokenizerError(
                path: folder.appendingPathComponent("tokenizer_config.json").path,
                "tokenizer_class is \(name); expected BertTokenizer or a tokenizer equal to it")
        }
        if config?["split_special_tokens"]?.boolean == true {
            throw TokenizerError(
                path: folder.appendingPathComponent("tokenizer_config.json").path,
                "split_special_tokens is true, which is not supported; set it to false")
        }
    }

    /// The file that an error about the vocabulary names.
    var vocabularyPath: String {
        folder.appendingPathComponent(tokenizer == nil ? "vocab.txt" : "tokenizer.json").path
    }

    /// Vocabulary and normalization, before `tokenizer_config.json` is applied.
    func base() throws -> ([String], WordPieceTokenizer.Configuration) {
        if let tokenizer {
            return try TokenizerDocument(tokenizer, path: vocabularyPath).base()
        }
        return (try vocabularyLines(), WordPieceTokenizer.Configuration())
    }

    /// `vocab.txt`, a token a line; whitespace at a line's end is no part of the token.
    private func vocabularyLines() throws -> [String] {
        let url = folder.appendingPathComponent("vocab.txt")
        guard let data = FileManager.default.contents(atPath: url.path) else {
            throw TokenizerError(
                path: folder.path,
                "neither tokenizer.json nor vocab.txt is here; expected the tokenizer's files")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw TokenizerError(path: url.path, "is not UTF-8; expected a token on each line")
        }
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

    private static func json(_ name: String, in folder: URL) throws -> JSONValue? {
        let url = folder.appendingPathComponent(name)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let value: JSONValue
        do {
            value = try JSONParser.parse(Array(try Data(contentsOf: url)))
        } catch let failure as JSONParser.Failure {
            throw TokenizerError(
                path: url.path, "is not valid JSON: \(failure.problem) at byte \(failure.offset)")
        } catch {
            throw TokenizerError(path: url.path, "cannot be read: \(error.localizedDescription)")
        }
        guard value.members != nil else {
            throw TokenizerError(path: url.path, "expected a JSON object")
        }
        return value
    }
}

// MARK: - tokenizer_config.json and the older files

extension TokenizerFiles {
    func applyConfig(to configuration: inout WordPieceTokenizer.Configuration) throws {
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

    /// All added tokens, the best source of each first; `base` are those of `tokenizer.json`.
    func addedTokens(_ base: [AddedToken], roles: [String]) throws -> [AddedToken] {
        var tokens = base
        for (key, value) in config?["added_tokens_decoder"]?.members ?? [] {
            guard let id = Int32(key) else {
                throw problem("added_tokens_decoder has the key \(key); expected an id")
            }
            tokens.append(try AddedToken(value, id: id, path: configPath))
        }
        for key in ["unk_token", "cls_token", "sep_token", "pad_token", "mask_token"] {
            if let token = try role(key) { tokens.append(token) }
        }
        let extras =
            (config?["additional_special_tokens"]?.array ?? [])
            + (config?["extra_special_tokens"]?.array ?? [])
            + (specials?["additional_special_tokens"]?.array ?? [])
        for value in extras {
            tokens.append(try AddedToken(value, id: nil, path: configPath))
        }
        for (content, value) in added?.members ?? [] {
            guard let number = value.integer, let id = Int32(exactly: number) else {
                throw TokenizerError(
                    path: folder.appendingPathComponent("added_tokens.json").path,
                    "the id of \(content) is not an integer")
            }
            tokens.append(AddedToken(content, id: id, isNormalized: true, isSpecial: false))
        }
        // New tokens get ids one after the other, so those that say theirs come in that order.
        let numbered = tokens.filter { $0.id != nil }.sorted { ($0.id ?? 0) < ($1.id ?? 0) }
        return (numbered + tokens.filter { $0.id == nil }).map { token in
            var token = token
            token.isSpecial = token.isSpecial || roles.contains(token.content)
            return token
        }
    }

    private var configPath: String {
        folder.appendingPathComponent("tokenizer_config.json").path
    }

    private func problem(_ message: String) -> TokenizerError {
        TokenizerError(path: configPath, message)
    }

    private func flag(_ key: String) throws -> Bool? {
        guard let value = config?[key], !value.isNull else { return nil }
        guard let flag = value.boolean else {
            throw problem("\(key) is not true or false")
        }
        return flag
    }

    private func role(_ key: String) throws -> AddedToken? {
        for source in [specials, config] {
            if let value = source?[key], !value.isNull {
                return try AddedToken(value, id: nil, path: configPath)
            }
        }
        return nil
    }
}

extension AddedToken {
    /// A token as the configuration files spell it: a string, or an object with `content`.
    init(_ value: JSONValue, id: Int32?, path: String) throws {
        guard let content = value.string ?? value["content"]?.string else {
            throw TokenizerError(
                path: path, "an added token has no content; expected a string or an object with it")
        }
        func flag(_ key: String, _ fallback: Bool) -> Bool { value[key]?.boolean ?? fallback }
        let isSpecial = flag("special", true)
        self.init(
            content, id: id, isSingleWord: flag("single_word", false),
            stripsLeft: flag("lstrip", false), stripsRight: flag("rstrip", false),
            isNormalized: flag("normalized", !isSpecial), isSpecial: isSpecial)
    }
}
