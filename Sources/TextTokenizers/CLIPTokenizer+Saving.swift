import Foundation
import JSON

extension CLIPTokenizer {
    /// Writes `vocab.json`, `merges.txt` and `tokenizer_config.json`, from which Hugging Face's
    /// `CLIPTokenizer` and `init(folder:)` make an equal tokenizer.
    ///
    /// The folder is made where it is missing. Throws where a file cannot be written, or where a
    /// merge holds white space, which `merges.txt` cannot express.
    public func save(to folder: URL) throws {
        let lines = try merges.enumerated().map { number, merge in
            for token in [merge.left, merge.right] where token.utf8.contains(where: { $0 <= 0x20 })
            {
                throw TokenizerError(
                    path: folder.path,
                    "merge \(number + 1) holds white space, which merges.txt cannot express")
            }
            return "\(merge.left) \(merge.right)\n"
        }
        try SavedTokenizer.write(
            [
                ("vocab.json", vocabularyText),
                ("merges.txt", "#version: 0.2\n" + lines.joined()),
            ], config: config, to: folder)
    }

    /// By hand: a dictionary would take canonically equivalent tokens for one, and lose the order.
    private var vocabularyText: String {
        let members = vocabulary.prefix(modelVocabularySize).enumerated().map { id, token in
            "\(JSONValue.literal(token)):\(id)"
        }
        return "{" + members.joined(separator: ",") + "}\n"
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
    let tokenizerClass = "CLIPTokenizer"
    let addedTokens: [String: SavedToken]
    let configuration: CLIPTokenizer.Configuration

    enum CodingKeys: String, CodingKey {
        case tokenizerClass = "tokenizer_class"
        case addedTokens = "added_tokens_decoder"
        case maximumLength = "model_max_length"
        case start = "bos_token"
        case end = "eos_token"
        case unknown = "unk_token"
        case padding = "pad_token"
    }

    init(_ configuration: CLIPTokenizer.Configuration, addedTokens: [String: SavedToken]) {
        self.configuration = configuration
        self.addedTokens = addedTokens
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tokenizerClass, forKey: .tokenizerClass)
        try container.encode(addedTokens, forKey: .addedTokens)
        try container.encode(configuration.maximumLength, forKey: .maximumLength)
        try container.encode(configuration.startToken, forKey: .start)
        try container.encode(configuration.endToken, forKey: .end)
        try container.encode(configuration.unknownToken, forKey: .unknown)
        try container.encode(configuration.paddingToken, forKey: .padding)
    }
}
