import Foundation
import TestFiles
import Testing

import TextTokenizers

/// Folders that are malformed, or say what this package cannot honour.
@Suite struct TokenizerFolderTests {
    private func failure(_ files: [String: String]) throws -> String {
        try withTemporaryFolder { folder in
            for (name, text) in files {
                try Data(text.utf8).write(to: folder.appendingPathComponent(name))
            }
            let error = #expect(throws: TokenizerError.self) {
                try WordPieceTokenizer(folder: folder)
            }
            return error?.description ?? ""
        }
    }

    /// The fixture's `tokenizer.json` with a piece of text replaced.
    private func document(_ target: String, _ replacement: String) throws -> String {
        let text = try String(
            contentsOf: Fixtures.url("wordpiece/added/tokenizer.json"), encoding: .utf8)
        #expect(text.contains(target))
        return text.replacingOccurrences(of: target, with: replacement)
    }

    static let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n"

    @Test func namesWhatIsMissing() throws {
        #expect(try failure([:]).contains("neither tokenizer.json nor vocab.txt"))
        #expect(try failure(["vocab.txt": ""]).contains("vocab.txt: the vocabulary is empty"))
        #expect(try failure(["vocab.txt": "a\nb\n"]).contains("has no [PAD]"))
        #expect(throws: TokenizerError.self) {
            try WordPieceTokenizer(folder: URL(fileURLWithPath: "/nonexistent/folder"))
        }
    }

    @Test(arguments: [
        "", "{", "[1]", "{\"a\":}", "{\"a\":1} x", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\x\"}", "nul",
        "{\"a\":\"", String(repeating: "[", count: 100_000),
    ])
    func refusesMalformedJSON(_ text: String) throws {
        let found = try failure([
            "vocab.txt": Self.vocabulary, "tokenizer_config.json": text,
        ])
        #expect(found.contains("tokenizer_config.json") && found.contains("JSON"))
    }

    @Test(arguments: [
        ("\"BertNormalizer\"", "\"Lowercase\"", "the normalizer is Lowercase"),
        ("\"BertPreTokenizer\"", "\"ByteLevel\"", "the pre_tokenizer is ByteLevel"),
        ("\"type\": \"WordPiece\",\n    \"unk", "\"type\": \"BPE\",\n    \"unk", "model is BPE"),
        ("\"TemplateProcessing\"", "\"RobertaProcessing\"", "RobertaProcessing"),
        ("\"a\": ", "\"a\": 1", "in model.vocab is not a free number"),
        ("\"[SEP]\": 3", "\"[SEP]\": 4000000000000", "[SEP]"),
        ("\"[SEP]\": 3", "\"[SEP]\": -3", "[SEP]"),
        ("\"[SEP]\": 3", "\"[SEP]\": 2", "[SEP]"),
        ("\"id\": 3,", "\"id\": 2,", "added token [SEP] has id 2"),
    ])
    func namesWhatItCannotHonour(_ target: String, _ replacement: String, _ named: String) throws {
        let found = try failure(["tokenizer.json": document(target, replacement)])
        #expect(found.contains("tokenizer.json") && found.contains(named), "\(found)")
    }

    @Test func namesAClassItDoesNotKnow() throws {
        let found = try failure([
            "vocab.txt": Self.vocabulary,
            "tokenizer_config.json": "{\"tokenizer_class\": \"BertJapaneseTokenizer\"}",
        ])
        #expect(found.contains("tokenizer_class is BertJapaneseTokenizer"))
    }

    @Test func readsCarriageReturnsAndRepeatedTokens() throws {
        try withTemporaryFolder { folder in
            let text = Self.vocabulary.replacingOccurrences(of: "\n", with: "\r\n") + "a\r\n"
            try Data(text.utf8).write(to: folder.appendingPathComponent("vocab.txt"))
            let tokenizer = try WordPieceTokenizer(folder: folder)
            #expect(tokenizer.vocabularySize == 7)
            #expect(tokenizer.encode("A") == [6])
        }
    }

    @Test func theConfigurationWinsOverTokenizerJSON() throws {
        try withTemporaryFolder { folder in
            let source = Fixtures.url("wordpiece/added/tokenizer.json")
            try FileManager.default.copyItem(
                at: source, to: folder.appendingPathComponent("tokenizer.json"))
            #expect(try WordPieceTokenizer(folder: folder).configuration.lowercases)
            let config = folder.appendingPathComponent("tokenizer_config.json")
            try Data("{\"do_lower_case\": false}".utf8).write(to: config)
            #expect(try !WordPieceTokenizer(folder: folder).configuration.lowercases)
            let verbatim = "{\"do_lower_case\":false,\"tokenizer_class\":\"TokenizersBackend\"}"
            try Data(verbatim.utf8).write(to: config)
            #expect(try WordPieceTokenizer(folder: folder).configuration.lowercases)
        }
    }
}
