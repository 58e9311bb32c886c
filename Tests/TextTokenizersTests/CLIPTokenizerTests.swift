import Foundation
import TestFiles
import Testing

@testable import TextTokenizers

@Suite struct CLIPTokenizerTests {
    private func plain() throws -> CLIPTokenizer {
        try CLIPTokenizer(folder: Fixtures.url("clip-text/plain"))
    }

    @Test func knowsItsTokens() throws {
        let tokenizer = try plain()
        #expect(tokenizer.vocabularySize == 841)
        #expect(tokenizer.tokens(of: "A Photo's") == ["a</w>", "photo</w>", "'s</w>"])
        #expect(tokenizer.id(of: "photo</w>").flatMap(tokenizer.token) == "photo</w>")
        #expect(tokenizer.id(of: "") == nil && tokenizer.id(of: "Photo</w>") == nil)
        #expect(tokenizer.token(of: -1) == nil && tokenizer.token(of: 841) == nil)
        #expect(tokenizer.startID == 839 && tokenizer.endID == 840)
        #expect(tokenizer.paddingID == 840 && tokenizer.unknownID == 840)
        #expect(tokenizer.specialIDs == [839, 840])
    }

    @Test func keepsTheEndWhereItCuts() throws {
        let tokenizer = try plain()
        let photo = try #require(tokenizer.id(of: "photo</w>"))
        #expect(tokenizer.encodeWithSpecials("") == [839, 840])
        #expect(tokenizer.encodeWithSpecials("photo photo", maximumLength: 3) == [839, photo, 840])
        #expect(tokenizer.encodeWithSpecials("photo", maximumLength: -7) == [839, 840])
        let long = String(repeating: "photo ", count: 10_000)
        #expect(tokenizer.encodeWithSpecials(long).count == 77)
        #expect(tokenizer.encodeWithSpecials(long).last == 840)
        let batch = tokenizer.encodePadded(["photo", long, ""])
        #expect(batch.lengths == [3, 77, 2] && batch.truncated == 1 && batch.length == 77)
        #expect(Array(batch.ids[0..<5]) == [839, photo, 840, 840, 840])
        #expect(batch.mask.reduce(0, +) == 82)
        #expect(tokenizer.encodePadded([]).ids.isEmpty)
    }

    @Test func encodesManyTextsInOrder() throws {
        let tokenizer = try plain()
        let texts = (0..<1000).map { "photo \($0) of the cat\($0 % 7 == 0 ? " sat" : "")" }
        let expected = texts.map { tokenizer.encodeWithSpecials($0, maximumLength: 6) }
        #expect(tokenizer.encodeAll(texts, maximumLength: 6) == expected)
        #expect(tokenizer.encodeAll([]) == [])
    }

    @Test func aLongWordTakesNoQuadraticTime() throws {
        let tokenizer = try plain()
        let start = ContinuousClock.now
        for letters in ["a", "ab", "photograph", "\u{301}", "日", "!"] {
            let word = String(repeating: letters, count: 100_000 / letters.utf8.count)
            let tokens = tokenizer.tokens(of: word)
            #expect(tokens.last?.hasSuffix("</w>") == true && tokens.count > 1000)
        }
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    /// More words than the cache holds, twice, and each time the same.
    @Test func forgetsNothingThatMatters() throws {
        let tokenizer = try plain()
        let letters = "abcdefghijklmnop".map(String.init)
        let words = (0..<WordCache.maximumWords + 3000).map { number in
            (0..<4).map { letters[number >> ($0 * 4) & 15] }.joined()
        }
        let text = words.joined(separator: " ")
        let ids = tokenizer.encode(text)
        #expect(ids == tokenizer.encode(text))
        let alone = words.suffix(50).flatMap { tokenizer.encode($0) }
        #expect(Array(ids.suffix(alone.count)) == alone)
    }

    /// As Hugging Face does with a token that the vocabulary does not have.
    @Test func addsAPaddingTokenBehindTheOthers() throws {
        try withTemporaryFolder { folder in
            let source = Fixtures.url("clip-text/plain")
            for name in ["vocab.json", "merges.txt"] {
                try FileManager.default.copyItem(
                    at: source.appendingPathComponent(name),
                    to: folder.appendingPathComponent(name))
            }
            try Data("{\"pad_token\": \"[PAD]\"}".utf8).write(
                to: folder.appendingPathComponent("tokenizer_config.json"))
            let tokenizer = try CLIPTokenizer(folder: folder)
            #expect(tokenizer.paddingID == 841 && tokenizer.vocabularySize == 842)
        }
    }

    @Test func mergesByRankThenFromTheLeft() throws {
        let letters = ["a", "b", "a</w>", "b</w>", "<|startoftext|>", "<|endoftext|>"]
        let tokenizer = try CLIPTokenizer(
            vocabulary: letters + ["aa", "ab</w>", "aaa"],
            merges: [BytePair("a", "a"), BytePair("a", "b</w>"), BytePair("aa", "a")])
        #expect(tokenizer.tokens(of: "aaaaab") == ["aa", "aa", "ab</w>"])
        #expect(tokenizer.tokens(of: "aaaab") == ["aa", "aa", "b</w>"])
        #expect(tokenizer.tokens(of: "ac") == ["a", "<|endoftext|>"])
    }

    @Test(arguments: ["plain", "openai", "padded", "added"])
    func roundTripsThroughAFolder(_ name: String) throws {
        let tokenizer = try CLIPTokenizer(folder: Fixtures.url("clip-text/\(name)"))
        let texts = try CLIPReferenceTests.cases.get().texts
        try withTemporaryFolder { folder in
            try tokenizer.save(to: folder.appendingPathComponent("new"))
            let read = try CLIPTokenizer(folder: folder.appendingPathComponent("new"))
            #expect(read.vocabulary == tokenizer.vocabulary && read.merges == tokenizer.merges)
            #expect(read.specialIDs == tokenizer.specialIDs)
            #expect(read.configuration.maximumLength == tokenizer.configuration.maximumLength)
            #expect(read.encodePadded(texts) == tokenizer.encodePadded(texts))
        }
    }
}

/// Folders that are malformed, or say what this package cannot honour.
@Suite struct CLIPFolderTests {
    private func failure(_ files: [String: [UInt8]]) throws -> String {
        try withTemporaryFolder { folder in
            for (name, bytes) in files {
                try Data(bytes).write(to: folder.appendingPathComponent(name))
            }
            let error = #expect(throws: TokenizerError.self) { try CLIPTokenizer(folder: folder) }
            return error?.description ?? ""
        }
    }

    private func failure(_ files: [String: String]) throws -> String {
        try failure(files.mapValues { Array($0.utf8) })
    }

    private static let vocabulary =
        #"{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab</w>":4,"<|startoftext|>":5,"<|endoftext|>":6}"#
    private static let merges = "#version: 0.2\na b</w>\n"

    private func vocabulary(_ target: String, _ replacement: String) -> String {
        Self.vocabulary.replacingOccurrences(of: target, with: replacement)
    }

    @Test func readsTheSmallestFolder() throws {
        try withTemporaryFolder { folder in
            for (name, text) in [("vocab.json", Self.vocabulary), ("merges.txt", "a b</w>\r\n\n")] {
                try Data(text.utf8).write(to: folder.appendingPathComponent(name))
            }
            #expect(try CLIPTokenizer(folder: folder).encode("AB a") == [4, 2])
        }
    }

    @Test func namesWhatIsMissing() throws {
        #expect(try failure([String: String]()).contains("neither tokenizer.json nor vocab.json"))
        #expect(try failure(["vocab.json": Self.vocabulary]).contains("not merges.txt"))
        #expect(try failure(["vocab.json": "{}", "merges.txt": ""]).contains("is empty"))
        #expect(throws: TokenizerError.self) {
            try CLIPTokenizer(folder: URL(fileURLWithPath: "/nonexistent/folder"))
        }
        let found = try failure([
            "vocab.json": vocabulary(#","<|endoftext|>":6"#, ""), "merges.txt": Self.merges,
        ])
        #expect(found.contains("vocab.json") && found.contains("has no <|endoftext|>"))
    }

    @Test(arguments: [
        ("\"b\":1", "\"b\":100", "no token has the id 1"),
        ("\"b\":1", "\"b\":0", "the id of b is not a free number"),
        ("\"b\":1", "\"b\":-1", "the id of b is not a free number"),
        ("\"b\":1", "\"b\":1.5", "the id of b is not a free number"),
        ("\"b\":1", "\"b\":9e18", "the id of b is not a free number"),
        ("\"b\":1", "\"b\":\"1\"", "the id of b is not a free number"),
        ("\"b\":1", "\"b\":null", "the id of b is not a free number"),
        ("\"a\":0", "\"c\":0", "merge 1, ‘a b</w>’, names a token"),
        ("ab</w>", "ac</w>", "merge 1, ‘a b</w>’, makes a token"),
        ("}", "", "is not valid JSON"),
    ])
    func refusesABadVocabulary(_ target: String, _ replacement: String, _ named: String) throws {
        let found = try failure([
            "vocab.json": vocabulary(target, replacement), "merges.txt": Self.merges,
        ])
        #expect(found.contains(named), "\(found)")
    }

    @Test(arguments: ["a b c", "ab", " b", "a ", "a  b", "a b</w>\n\na b</w>", "a\tb"])
    func refusesBadMerges(_ lines: String) throws {
        let text = Self.merges + lines + "\na b</w>\n"
        let found = try failure(["vocab.json": Self.vocabulary, "merges.txt": text])
        #expect(found.contains("merges.txt") && found.contains("is no merge"), "\(found)")
    }

    @Test func refusesWhatIsNoText() throws {
        let bad: [UInt8] = [0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x30, 0x7D]
        var found = try failure(["vocab.json": bad, "merges.txt": Array(Self.merges.utf8)])
        #expect(found.contains("vocab.json") && found.contains("not UTF-8"))
        found = try failure([
            "vocab.json": Array(Self.vocabulary.utf8), "merges.txt": [0xC3, 0x28],
        ])
        #expect(found.contains("merges.txt") && found.contains("not UTF-8"))
    }

    @Test(arguments: [
        ("\"model_max_length\": 1", "model_max_length is 1"),
        ("\"padding_side\": \"left\"", "padding_side is left"),
        ("\"tokenizer_class\": \"GPT2Tokenizer\"", "tokenizer_class is GPT2Tokenizer"),
        ("\"added_tokens_decoder\": {\"9\": {\"content\": \"<x>\"}}", "<x> has id 9"),
    ])
    func refusesAConfiguration(_ member: String, _ named: String) throws {
        let found = try failure([
            "vocab.json": Self.vocabulary, "merges.txt": Self.merges,
            "tokenizer_config.json": "{\(member)}",
        ])
        #expect(found.contains(named), "\(found)")
    }

    @Test(arguments: [
        ("\"type\":\"BPE\"", "\"type\":\"WordLevel\"", "the model is WordLevel"),
        ("\"end_of_word_suffix\":\"</w>\"", "\"end_of_word_suffix\":null", "end_of_word_suffix"),
        ("\"fuse_unk\":false", "\"fuse_unk\":true", "fuse_unk"),
        ("\"dropout\":null", "\"dropout\":0.1", "dropout"),
        ("\"type\":\"NFC\"", "\"type\":\"NFKC\"", "the normalizer is NFKC, Replace, Lowercase"),
        ("'ll|", "", "the pre_tokenizer"),
        ("\"type\":\"RobertaProcessing\"", "\"type\":\"BertProcessing\"", "post_processor"),
        ("\"merges\":[[", "\"merges\":[[\"a\",", "entry 1 of model.merges"),
        ("\"vocab\":{\"!\":0", "\"vocab\":{\"!\":1", "in model.vocab is not a free number"),
    ])
    func namesWhatItCannotHonour(_ target: String, _ replacement: String, _ named: String) throws {
        let text = try String(
            contentsOf: Fixtures.url("clip-text/added/tokenizer.json"), encoding: .utf8)
        #expect(text.contains(target))
        let found = try failure([
            "tokenizer.json": text.replacingOccurrences(of: target, with: replacement)
        ])
        #expect(found.contains("tokenizer.json") && found.contains(named), "\(found)")
    }

    @Test func refusesADamagedGzipFile() throws {
        let name = "bpe_simple_vocab_16e6.txt.gz"
        let packed = [UInt8](try Data(contentsOf: Fixtures.url("clip-text/gzip/\(name)")))
        for count in stride(from: 0, to: packed.count, by: 7) {
            let found = try failure([name: Array(packed.prefix(count))])
            #expect(found.contains(name), "first \(count) bytes: \(found)")
        }
        // Zeros take a thousandth of their room.
        let found = try failure([name: Self.gzipOfZeros])
        #expect(found.contains("above 64 MB"), "\(found)")
    }

    /// gzip of 65 MB of zeros.
    private static let gzipOfZeros: [UInt8] = {
        var bits = BitWriter()
        bits.write(1, 1)
        bits.write(1, 2)
        // A zero byte, then copies of 258 of it at distance 1, then the end.
        bits.writeCode(0x30, 8)
        for _ in 0..<(65 << 20) / 258 {
            bits.writeCode(0xC5, 8)
            bits.writeCode(0, 5)
        }
        bits.writeCode(0, 7)
        return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + bits.bytes + [UInt8](repeating: 0, count: 8)
    }()

    private struct BitWriter {
        var bytes: [UInt8] = []
        private var count = 0

        mutating func write(_ value: Int, _ bits: Int) {
            for bit in 0..<bits {
                if count % 8 == 0 { bytes.append(0) }
                if value >> bit & 1 == 1 { bytes[bytes.count - 1] |= 1 << UInt8(count % 8) }
                count += 1
            }
        }

        /// Huffman codes are written from their highest bit.
        mutating func writeCode(_ value: Int, _ bits: Int) {
            for bit in (0..<bits).reversed() { write(value >> bit & 1, 1) }
        }
    }
}

/// Damaged files, and texts of any bytes: any outcome but a crash will do.
@Suite struct CLIPFuzzTests {
    /// SplitMix64: small, and the same everywhere, so that a failure can be repeated.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    #if DEBUG
        private static let usual = 150
    #else
        private static let usual = 2_000
    #endif
    static let iterations =
        ProcessInfo.processInfo.environment["RECIPE_FUZZ_ITERATIONS"].flatMap(Int.init) ?? usual

    @Test(arguments: [
        ("added", "tokenizer.json"), ("plain", "vocab.json"), ("plain", "merges.txt"),
        ("openai", "tokenizer_config.json"), ("gzip", "bpe_simple_vocab_16e6.txt.gz"),
    ])
    func mutationsOnlyThrow(_ folder: String, _ file: String) throws {
        let source = Fixtures.url("clip-text/\(folder)")
        var generator = Generator(state: file.utf8.reduce(1) { $0 &* 31 &+ UInt64($1) })
        try withTemporaryFolder { target in
            for name in try FileManager.default.contentsOfDirectory(atPath: source.path) {
                try FileManager.default.copyItem(
                    at: source.appendingPathComponent(name),
                    to: target.appendingPathComponent(name))
            }
            let original = [UInt8](try Data(contentsOf: source.appendingPathComponent(file)))
            for _ in 0..<Self.iterations {
                let mutated = mutate(original, &generator)
                try Data(mutated).write(to: target.appendingPathComponent(file))
                do {
                    let tokenizer = try CLIPTokenizer(folder: target)
                    let ids = tokenizer.encode("a photo of the <|endoftext|> CAFE\u{301} 日本")
                    #expect(ids.allSatisfy { tokenizer.token(of: $0) != nil })
                } catch is TokenizerError {
                    continue
                }
            }
        }
    }

    private func mutate(_ original: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let position = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[position] = UInt8.random(in: 0x20...0x7E, using: &generator)
            case 2: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &generator), at: position)
            case 3: bytes.removeSubrange(position..<min(position + 12, bytes.count))
            default:
                let source = Int.random(in: 0..<bytes.count, using: &generator)
                let count = min(16, bytes.count - max(position, source))
                bytes.replaceSubrange(
                    position..<(position + count), with: bytes[source..<(source + count)])
            }
            if bytes.isEmpty { return original }
        }
        return bytes
    }

    /// Any bytes, whole or cut, give ids of the vocabulary, and the same ones each time.
    @Test func encodesAnyBytes() throws {
        let tokenizer = try CLIPTokenizer(folder: Fixtures.url("clip-text/openai"))
        var generator = Generator(state: 5)
        let pieces = [
            "<|", "|>", "endoftext", "'s", " ", "a", "\u{301}", "\u{1161}", "\u{AC00}", "\u{11A8}",
            "İ", "\u{3000}", "1", "日",
        ].map { Array($0.utf8) }
        for _ in 0..<Self.iterations * 20 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                if Bool.random(using: &generator) {
                    bytes.append(UInt8.random(in: 0...255, using: &generator))
                } else {
                    bytes += pieces.randomElement(using: &generator) ?? []
                }
            }
            let ids = tokenizer.encode(utf8: bytes)
            #expect(ids.allSatisfy { (0..<841).contains($0) })
            #expect(ids == tokenizer.encode(String(decoding: bytes, as: UTF8.self)))
        }
    }
}
