import Foundation
import JSON

extension CLIPTokenizer {
    private static let classes: Set<String> = ["CLIPTokenizer"]
    /// OpenAI's file, as its package calls it.
    static let openAIName = "bpe_simple_vocab_16e6.txt.gz"

    /// The tokenizer of a model folder in Hugging Face layout.
    ///
    /// Reads `tokenizer.json` where there is one, else `vocab.json` with `merges.txt`, else
    /// `bpe_simple_vocab_16e6.txt.gz`; and `tokenizer_config.json`, `special_tokens_map.json` and
    /// `added_tokens.json` where they are there. The padding token and the length are those of
    /// `tokenizer_config.json`, else `<|endoftext|>` and 77.
    ///
    /// Throws `TokenizerError` for a missing or malformed file, for files that do not belong
    /// together, and for a normalizer, pre-tokenizer or model that this type cannot honour.
    public init(folder: URL) throws {
        let files = try TokenizerFiles(
            folder: folder, classes: Self.classes, expected: "CLIPTokenizer")
        var (vocabulary, configuration) = try files.bytePairs()
        try files.applyConfig(to: &configuration)
        let keys = ["bos_token", "eos_token", "unk_token", "pad_token"]
        let tokens = try files.addedTokens(
            configuration.addedTokens, keys: keys, roles: configuration.roleTokens)
        configuration.addedTokens = try files.asLastNamed(
            tokens, keys, roles: configuration.roleTokens)
        try self.init(vocabulary, configuration: configuration)
    }

    /// The tokenizer of OpenAI's merges, `bpe_simple_vocab_16e6.txt.gz`, or the same unpacked.
    ///
    /// Text is treated as Hugging Face does; OpenAI's own code also repairs text (ftfy) and
    /// resolves HTML entities first. Throws `TokenizerError` for a missing or malformed file.
    public init(openAIMerges file: URL, configuration: Configuration = Configuration()) throws {
        try self.init(BytePairVocabulary(openAIMerges: file), configuration: configuration)
    }
}

extension TokenizerFiles {
    /// Vocabulary and roles, before `tokenizer_config.json` is applied.
    fileprivate func bytePairs() throws -> (BytePairVocabulary, CLIPTokenizer.Configuration) {
        if let tokenizer {
            var (vocabulary, configuration) = try TokenizerDocument(
                tokenizer, path: path("tokenizer.json")
            ).bytePairs()
            configuration.findsNames = configuration.findsNames || configRules
            vocabulary.path = path("tokenizer.json")
            return (vocabulary, configuration)
        }
        let configuration = CLIPTokenizer.Configuration()
        if let members = try Self.json("vocab.json", in: folder)?.object?.members {
            return (try vocabulary(members), configuration)
        }
        let packed = folder.appendingPathComponent(CLIPTokenizer.openAIName)
        guard FileManager.default.fileExists(atPath: packed.path) else {
            throw TokenizerError(
                path: folder.path,
                "neither tokenizer.json nor vocab.json nor \(CLIPTokenizer.openAIName) is here;"
                    + " expected the tokenizer's files")
        }
        return (try BytePairVocabulary(openAIMerges: packed), configuration)
    }

    private func vocabulary(
        _ members: [JSONObject.Member]
    ) throws -> BytePairVocabulary {
        let file = folder.appendingPathComponent("merges.txt")
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw TokenizerError(
                path: folder.path, "vocab.json is here, but not merges.txt; expected both")
        }
        let lines = BytePairVocabulary.lines(of: try Self.bytes(of: file))
        return BytePairVocabulary(
            tokens: try TokenizerDocument.vocabulary(members, path: path("vocab.json")),
            merges: try BytePairVocabulary.merges(lines, from: 1, path: file.path),
            path: path("vocab.json"), mergesPath: file.path)
    }

    fileprivate func applyConfig(to configuration: inout CLIPTokenizer.Configuration) throws {
        for key in ["padding_side", "truncation_side"] {
            if let side = config?[key]?.string, side != "right" {
                throw problem("\(key) is \(side); expected right, as CLIP's text tower needs it")
            }
        }
        // What has no limit is written as 10^30, which no `Int` holds.
        if let length = config?["model_max_length"]?.number.flatMap({ Int(exactly: $0) }) {
            guard length >= 2 else {
                throw problem("model_max_length is \(length); expected 2 or more")
            }
            if length < 1 << 20 { configuration.maximumLength = length }
        }
        if let token = try role("bos_token") { configuration.startToken = token.content }
        if let token = try role("eos_token") { configuration.endToken = token.content }
        if let token = try role("unk_token") { configuration.unknownToken = token.content }
        if let token = try role("pad_token") { configuration.paddingToken = token.content }
    }
}

extension TokenizerFiles {
    /// `tokens` as Hugging Face leaves them: it adds the tokens with a role again, one after the
    /// other, and one named without its settings is matched as it is written.
    fileprivate func asLastNamed(
        _ tokens: [AddedToken], _ keys: [String], roles: [String]
    ) throws -> [AddedToken] {
        var tokens = tokens
        for (key, role) in zip(keys, roles) {
            let value = roleValue(key)
            var last = AddedToken(role)
            if let value, value.string == nil {
                last = try AddedToken(value, id: nil, path: path("tokenizer_config.json"))
            } else if let known = tokens.first(where: { $0.content == role && $0.id != nil }) {
                last = known
            }
            last.isSpecial = true
            for index in tokens.indices where tokens[index].content == role {
                last.id = tokens[index].id
                tokens[index] = last
            }
        }
        return tokens
    }
}

extension BytePairVocabulary {
    /// What OpenAI's vocabulary has room for: 49,152 tokens but for the bytes and two more.
    private static let maximumMerges = 49_152 - 256 - 2

    /// The vocabulary that OpenAI's code makes of its file: bytes, bytes at a word's end, merges,
    /// start and end. The first line is a header.
    init(openAIMerges file: URL) throws {
        let lines = Self.lines(of: try GzipFile.contents(of: file))
        merges = try Self.merges(
            lines.dropFirst().prefix(Self.maximumMerges), from: 2, path: file.path)
        guard !merges.isEmpty else {
            throw TokenizerError(
                path: file.path, "holds no merges; expected a header and two tokens on each line")
        }
        let known = [0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF].joined()
        let letters =
            (known.map { $0 } + (0...255).filter { !known.contains($0) })
            .map { String(Self.byteCharacters[$0]) }
        tokens = letters + letters.map { $0 + Self.wordEnd } + merges.map { $0.left + $0.right }
        tokens += ["<|startoftext|>", "<|endoftext|>"]
        path = file.path
    }

    /// The lines of a text, without the last one's end.
    static func lines(of bytes: [UInt8]) -> ArraySlice<ArraySlice<UInt8>> {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[
            ...]
        while lines.last?.allSatisfy({ $0 == 0x0D || $0 == 0x20 }) == true { lines.removeLast() }
        return lines
    }

    /// Two tokens a line; `first` is the number of the first line. A line of the version is none.
    static func merges(
        _ lines: ArraySlice<ArraySlice<UInt8>>, from first: Int, path: String
    ) throws -> [BytePair] {
        var merges: [BytePair] = []
        merges.reserveCapacity(lines.count)
        for (number, line) in lines.enumerated() {
            if line.starts(with: "#version".utf8) { continue }
            let line = line.last == 0x0D ? line.dropLast() : line
            let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw TokenizerError(
                    path: path,
                    "line \(first + number) is no merge; expected two tokens with a"
                        + " space between them")
            }
            merges.append(
                BytePair(
                    String(decoding: parts[0], as: UTF8.self),
                    String(decoding: parts[1], as: UTF8.self)))
        }
        return merges
    }
}
