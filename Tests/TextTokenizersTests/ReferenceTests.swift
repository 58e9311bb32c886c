import Foundation
import Testing

@testable import TextTokenizers

/// Equality with Hugging Face's `BertTokenizerFast` on fixtures of `Oracle/wordpiece.py`.
@Suite struct ReferenceTests {
    struct Cases: Decodable {
        let texts: [String]
        let ids: [String: [[Int32]]]
    }

    struct Invalid: Decodable {
        let bytes: [UInt8]
        let words: [String]
    }

    static let cases = Result { try Fixtures.decode(Cases.self, from: "wordpiece/cases.json") }

    @Test(arguments: ["uncased", "cased", "keepsAccents", "stripsOnly", "legacy", "added"])
    func encodesAsHuggingFace(_ name: String) throws {
        let cases = try Self.cases.get()
        let tokenizer = try WordPieceTokenizer(folder: Fixtures.url("wordpiece/\(name)"))
        let expected = try #require(cases.ids[name])
        #expect(expected.count == cases.texts.count && expected.count > 200)
        for (text, ids) in zip(cases.texts, expected) {
            #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
            #expect(tokenizer.encode(utf8: Array(text.utf8)) == ids)
        }
    }

    @Test func truncatesAsHuggingFace() throws {
        let cases = try Self.cases.get()
        let tokenizer = try WordPieceTokenizer(folder: Fixtures.url("wordpiece/uncased"))
        let expected = try #require(cases.ids["truncated"])
        for (text, ids) in zip(cases.texts, expected) {
            #expect(tokenizer.encodeWithSpecials(text, maximumLength: 8) == ids)
        }
        #expect(tokenizer.encodeAll(cases.texts, maximumLength: 8) == expected)
    }

    @Test func replacesInvalidUTF8AsPython() throws {
        let normalizer = BertNormalizer(
            cleansText: false, spacesChineseCharacters: false, stripsAccents: true,
            lowercases: true)
        let cases = try Fixtures.decode([Invalid].self, from: "wordpiece/invalid.json")
        #expect(cases.count == 200)
        for item in cases {
            #expect(words(of: item.bytes, normalizer).map(Array.init) == item.words.map(utf8))
        }
    }

    static let normalizers: [String: BertNormalizer] = [
        "uncased": BertNormalizer(
            cleansText: true, spacesChineseCharacters: true, stripsAccents: true,
            lowercases: true),
        "cased": BertNormalizer(
            cleansText: true, spacesChineseCharacters: true, stripsAccents: false,
            lowercases: false),
        "keepsAccents": BertNormalizer(
            cleansText: true, spacesChineseCharacters: true, stripsAccents: false,
            lowercases: true),
        "stripsOnly": BertNormalizer(
            cleansText: true, spacesChineseCharacters: false, stripsAccents: true,
            lowercases: false),
        "raw": BertNormalizer(
            cleansText: false, spacesChineseCharacters: false, stripsAccents: true,
            lowercases: true),
    ]

    /// Every code point, inside a word and alone: `uncased` in all planes, the others where
    /// characters are assigned.
    @Test(arguments: ["uncased", "cased", "keepsAccents", "stripsOnly", "raw"])
    func normalizesEveryCodePoint(_ name: String) throws {
        let digests = try Fixtures.decode(
            [String: [String]].self, from: "wordpiece-unicode/digests.json")
        let expected = try #require(digests[name])
        let normalizer = try #require(Self.normalizers[name])
        var blocks = Array(0..<(name == "uncased" ? 0x1100 : 0x200) as Range<UInt32>)
        if name != "uncased" { blocks += [0x2F8, 0x2F9, 0x2FA, 0xE00, 0xE01] }
        let found = stride(from: 0, to: blocks.count, by: 16).map { start in
            var digest = Digest()
            for block in blocks[start..<min(start + 16, blocks.count)] {
                digest.add(wordsDigest(of: block, normalizer))
            }
            return digest.text
        }
        let different = zip(found, expected).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
        #expect(found.count == expected.count)
        #expect(different.isEmpty, "stretches of 16 blocks that differ: \(different)")
    }

    private func wordsDigest(of block: UInt32, _ normalizer: BertNormalizer) -> UInt64 {
        var text: [UInt8] = []
        for value in block << 8..<(block + 1) << 8 where !(0xD800..<0xE000).contains(value) {
            text.append(UInt8(ascii: "x"))
            UTF8Scalar.append(value, to: &text)
            text.append(contentsOf: "y ".utf8)
            UTF8Scalar.append(value, to: &text)
            text.append(UInt8(ascii: "\n"))
        }
        var digest = Digest()
        for word in words(of: text, normalizer) {
            for byte in word { digest.add(UInt64(byte)) }
            digest.add(10)
        }
        return digest.value
    }

    private func words(of text: [UInt8], _ normalizer: BertNormalizer) -> [ArraySlice<UInt8>] {
        var normalized: [UInt8] = []
        text.withUnsafeBufferPointer { normalizer.normalize($0, into: &normalized) }
        var words: [ArraySlice<UInt8>] = []
        normalized.withUnsafeBufferPointer { bytes in
            BertWords().forEach(in: bytes) { words.append(normalized[$0..<$1]) }
        }
        return words
    }

    private func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }
}
