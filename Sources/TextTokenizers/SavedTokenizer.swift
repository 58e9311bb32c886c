import Foundation

/// Writes the files of a tokenizer's folder.
enum SavedTokenizer {
    /// Writes texts by file name, and `config` as `tokenizer_config.json`; the folder is made where
    /// it is missing. Throws `TokenizerError` where a file cannot be written.
    static func write(
        _ files: [(name: String, text: String)], config: some Encodable, to folder: URL
    ) throws {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for file in files {
                try Data(file.text.utf8).write(
                    to: folder.appendingPathComponent(file.name), options: .atomic)
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(config).write(
                to: folder.appendingPathComponent("tokenizer_config.json"), options: .atomic)
        } catch {
            throw TokenizerError(
                path: folder.path, "cannot be written: \(error.localizedDescription)")
        }
    }
}

/// An added token as `added_tokens_decoder` spells it.
struct SavedToken: Encodable {
    let content: String
    let lstrip, normalized, rstrip, special: Bool
    let singleWord: Bool

    enum CodingKeys: String, CodingKey {
        case content, lstrip, normalized, rstrip, special
        case singleWord = "single_word"
    }

    init(_ token: AddedToken) {
        content = token.content
        lstrip = token.stripsLeft
        normalized = token.isNormalized
        rstrip = token.stripsRight
        special = token.isSpecial
        singleWord = token.isSingleWord
    }
    /// The added tokens and those with a role, each by its id; the first of several counts.
    static func byID(
        _ added: [AddedToken], roles: [String], id: (String) -> Int32?
    ) -> [String: SavedToken] {
        var tokens: [String: SavedToken] = [:]
        for token in added + roles.map({ AddedToken($0) }) {
            if let id = id(token.content), tokens[String(id)] == nil {
                tokens[String(id)] = SavedToken(token)
            }
        }
        return tokens
    }
}
