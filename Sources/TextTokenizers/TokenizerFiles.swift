import Files
import Foundation
import JSON

/// The tokenizer files of a folder in Hugging Face layout, parsed.
struct TokenizerFiles {
    private static let anyClasses: Set<String> = ["PreTrainedTokenizer", "TokenizersBackend"]
    /// Far above any real file: what is larger is not parsed.
    static let maximumBytes = 64 << 20

    let folder: URL
    /// `tokenizer.json`, where there is one.
    let tokenizer: JSONValue?
    let config: JSONValue?
    /// Whether the tokenizer class is one of those asked for, or none is named: such a class
    /// builds itself from `tokenizer_config.json`, whatever `tokenizer.json` says.
    let configRules: Bool
    private let specials: JSONValue?
    private let added: JSONValue?

    /// Reads the files; `classes` are those that the tokenizer may have, without "Fast".
    init(folder: URL, classes: Set<String>, expected: String) throws {
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
        configRules = name.map(classes.contains) ?? true
        if let name, tokenizer == nil, !classes.contains(name), !Self.anyClasses.contains(name) {
            throw problem(
                "tokenizer_class is \(name); expected \(expected) or a tokenizer equal to it")
        }
        if config?["split_special_tokens"]?.bool == true {
            throw problem("split_special_tokens is true, which is not supported; set it to false")
        }
    }

    /// The path of one of the folder's files.
    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// An error about `tokenizer_config.json`.
    func problem(_ message: String) -> TokenizerError {
        TokenizerError(path: path("tokenizer_config.json"), message)
    }

    /// The object in a JSON file; nil where there is no such file.
    static func json(_ name: String, in folder: URL) throws -> JSONValue? {
        let url = folder.appendingPathComponent(name)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let value: JSONValue
        do {
            // Tokens that Unicode takes for equivalent are tokens of their own.
            value = try JSONValue(parsing: try bytes(of: url), keys: .exact)
        } catch let error as JSONError {
            throw TokenizerError(path: url.path, "is not valid JSON: \(error)")
        }
        guard value.object != nil else {
            throw TokenizerError(path: url.path, "expected a JSON object")
        }
        return value
    }

    /// What a text file holds; throws where it is too large, unreadable or not UTF-8.
    static func bytes(of url: URL) throws -> [UInt8] {
        let data: Data
        do {
            data = try BoundedRead.data(of: url, atMost: maximumBytes)
        } catch let error as FileError {
            throw TokenizerError(path: url.path, error.problem)
        }
        guard String(validating: data, as: UTF8.self) != nil else {
            throw TokenizerError(path: url.path, "is not UTF-8; expected a text file")
        }
        return Array(data)
    }
}

// MARK: - tokenizer_config.json and the older files

extension TokenizerFiles {
    /// All added tokens, the best source of each first; `base` are those of `tokenizer.json`, and
    /// `roles` the tokens with a role, which the configuration names under `keys`.
    func addedTokens(
        _ base: [AddedToken], keys: [String], roles: [String]
    ) throws -> [AddedToken] {
        var tokens = base
        for (key, value) in config?["added_tokens_decoder"]?.object?.members ?? [] {
            guard let id = Int32(key) else {
                throw problem("added_tokens_decoder has the key \(key); expected an id")
            }
            tokens.append(try AddedToken(value, id: id, path: path("tokenizer_config.json")))
        }
        for key in keys {
            if let token = try role(key) { tokens.append(token) }
        }
        let extras =
            (config?["additional_special_tokens"]?.array ?? [])
            + (config?["extra_special_tokens"]?.array ?? [])
            + (specials?["additional_special_tokens"]?.array ?? [])
        for value in extras {
            tokens.append(try AddedToken(value, id: nil, path: path("tokenizer_config.json")))
        }
        for (content, value) in added?.object?.members ?? [] {
            guard let number = value.integer, let id = Int32(exactly: number) else {
                throw TokenizerError(
                    path: path("added_tokens.json"),
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

    /// What the configuration says under `key`, true or false.
    func flag(_ key: String) throws -> Bool? {
        guard let value = config?[key], !value.isNull else { return nil }
        guard let flag = value.bool else {
            throw problem("\(key) is not true or false")
        }
        return flag
    }

    /// The token that the configuration names under `key`.
    func role(_ key: String) throws -> AddedToken? {
        try roleValue(key).map {
            try AddedToken($0, id: nil, path: path("tokenizer_config.json"))
        }
    }

    /// What the configuration says under `key`: a token's text, or an object with it.
    func roleValue(_ key: String) -> JSONValue? {
        for source in [specials, config] {
            if let value = source?[key], !value.isNull { return value }
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
        func flag(_ key: String, _ fallback: Bool) -> Bool { value[key]?.bool ?? fallback }
        let isSpecial = flag("special", true)
        self.init(
            content, id: id, isSingleWord: flag("single_word", false),
            stripsLeft: flag("lstrip", false), stripsRight: flag("rstrip", false),
            isNormalized: flag("normalized", !isSpecial), isSpecial: isSpecial)
    }
}
