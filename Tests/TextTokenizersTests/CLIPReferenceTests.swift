import Foundation
import Testing

@testable import TextTokenizers

/// Equality with Hugging Face's `CLIPTokenizer` on fixtures of `Oracle/clip_text.py`.
@Suite struct CLIPReferenceTests {
    struct Cases: Decodable {
        let texts: [String]
        let answers: [String: Answer]
    }

    struct Answer: Decodable {
        /// The ids; [-1, count, digest] of a long row; nil where they are those of `plain`.
        let ids: [[Int]?]
        /// A digest of the ids and the mask, padded to 77.
        let padded: [String]
        let padID: Int32
        let size: Int
    }

    static let cases = Result { try Fixtures.decode(Cases.self, from: "clip-text/cases.json") }

    @Test(arguments: ["plain", "openai", "padded", "added", "older", "gzip"])
    func encodesAsHuggingFace(_ name: String) throws {
        let cases = try Self.cases.get()
        let tokenizer = try CLIPTokenizer(folder: Fixtures.url("clip-text/\(name)"))
        let plain = try #require(cases.answers["plain"])
        let answer = try #require(cases.answers[name] ?? cases.answers["plain"])
        #expect(answer.ids.count == cases.texts.count && cases.texts.count > 300)
        #expect(tokenizer.vocabularySize == answer.size && tokenizer.paddingID == answer.padID)
        for (text, ids) in zip(cases.texts, zip(answer.ids, plain.ids)) {
            let expected = try #require(ids.0 ?? ids.1)
            #expect(shortened(tokenizer.encode(text)) == expected, "\(text.debugDescription)")
            #expect(shortened(tokenizer.encode(utf8: Array(text.utf8))) == expected)
        }
    }

    @Test(arguments: ["plain", "openai", "padded", "added", "older"])
    func padsAndTruncatesAsHuggingFace(_ name: String) throws {
        let cases = try Self.cases.get()
        let tokenizer = try CLIPTokenizer(folder: Fixtures.url("clip-text/\(name)"))
        let expected = try #require(cases.answers[name]?.padded)
        let batch = tokenizer.encodePadded(cases.texts, length: 77)
        #expect(batch.rows == cases.texts.count && batch.ids.count == batch.rows * 77)
        let mask = batch.mask
        for row in 0..<batch.rows {
            let range = row * 77..<(row + 1) * 77
            #expect(
                digest([Array(batch.ids[range]), Array(mask[range])]) == expected[row],
                "\(cases.texts[row].debugDescription)")
        }
        let long = cases.texts.count { tokenizer.encode($0).count > 75 }
        #expect(batch.truncated == long && long > 5)
    }

    /// Every code point of planes 0 to 3 in a word, before a mark, and twice.
    @Test func normalizesEveryCodePoint() throws {
        let expected = try Fixtures.decode([String].self, from: "clip-text/unicode.json")
        let tokenizer = try CLIPTokenizer(folder: Fixtures.url("clip-text/plain"))
        let found = stride(from: 0, to: 0x340 as UInt32, by: 16).map { start in
            digest((start..<start + 16).map { tokenizer.encode(utf8: text(of: $0)) })
        }
        let different = zip(found, expected).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
        #expect(found.count == expected.count)
        #expect(different.isEmpty, "stretches of 16 blocks that differ: \(different)")
    }

    private func text(of block: UInt32) -> [UInt8] {
        var text: [UInt8] = []
        for value in block << 8..<(block + 1) << 8 where !(0xD800..<0xE000).contains(value) {
            text.append(UInt8(ascii: "x"))
            UTF8Scalar.append(value, to: &text)
            text.append(contentsOf: "\u{301}y ".utf8)
            UTF8Scalar.append(value, to: &text)
            UTF8Scalar.append(value, to: &text)
            text.append(UInt8(ascii: "\n"))
        }
        return text
    }

    private func shortened(_ ids: [Int32]) -> [Int] {
        guard ids.count > 120 else { return ids.map(Int.init) }
        return [-1, ids.count, Int(fold([ids]).value & 0x7FFF_FFFF)]
    }

    private func digest(_ rows: [[Int32]]) -> String { fold(rows).text }

    private func fold(_ rows: [[Int32]]) -> Digest {
        var digest = Digest()
        for row in rows {
            for id in row { digest.add(UInt64(id)) }
            digest.add(0xFFFF_FFFF)
        }
        return digest
    }
}

/// Equality on the captions of Flickr8k and COCO; the fixture holds digests only.
@Suite(.enabled(if: RealData.folder != nil, "no real data: set RECIPE_DATA, or unpack to .data"))
struct CLIPRealDataTests {
    struct File: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let captions, tokens, truncated: Int
        let digest: String

        var testDescription: String { name }
    }

    static let files =
        (try? Fixtures.decode([File].self, from: "clip-text-data/digests.json")) ?? []

    static let vocabulary = RealData.folder?.appendingPathComponent(
        "vocab/bpe_simple_vocab_16e6.txt.gz")

    /// Those of the files that are there, where the vocabulary is.
    static let present = files.filter { file in
        [vocabulary, RealData.folder?.appendingPathComponent(file.name)].allSatisfy {
            $0.map { FileManager.default.fileExists(atPath: $0.path) } ?? false
        }
    }

    @Test func theFixtureNamesBothFiles() {
        #expect(Self.files.map(\.captions) == [40_455, 25_014])
    }

    @Test(arguments: present)
    func everyCaptionEqualsHuggingFace(_ file: File) throws {
        let root = try #require(RealData.folder)
        let tokenizer = try CLIPTokenizer(openAIMerges: #require(Self.vocabulary))
        #expect(tokenizer.vocabularySize == 49_408 && tokenizer.endID == 49_407)
        let url = root.appendingPathComponent(file.name)
        let captions = url.pathExtension == "json" ? try cocoCaptions(url) : try csvCaptions(url)
        #expect(captions.count == file.captions)
        let (rows, truncated) = tokenizer.encodeAllCounting(captions)
        var digest = Digest()
        for row in rows {
            for id in row { digest.add(UInt64(id)) }
            digest.add(0xFFFF_FFFF)
        }
        #expect(digest.text == file.digest)
        #expect(rows.reduce(0) { $0 + $1.count } == file.tokens && truncated == file.truncated)
    }

    private func cocoCaptions(_ url: URL) throws -> [String] {
        struct Document: Decodable {
            struct Annotation: Decodable { let caption: String }
            let annotations: [Annotation]
        }
        return try JSONDecoder().decode(Document.self, from: Data(contentsOf: url))
            .annotations.map(\.caption)
    }

    /// The second of two columns; a field may be quoted, and then hold commas and line feeds.
    private func csvCaptions(_ url: URL) throws -> [String] {
        var captions: [String] = []
        var (field, fields) = ([UInt8](), [String]())
        var (isQuoted, endedQuote) = (false, false)
        for byte in [UInt8](try Data(contentsOf: url)) + [10] {
            let isQuote = byte == UInt8(ascii: "\"")
            // A quote right behind the end of a quoted stretch is one that was doubled.
            if isQuote, endedQuote { field.append(byte) }
            endedQuote = isQuote && isQuoted
            if isQuote {
                isQuoted.toggle()
            } else if !isQuoted, byte == UInt8(ascii: ",") || byte == 10 {
                fields.append(String(decoding: field, as: UTF8.self))
                field = []
                guard byte == 10 else { continue }
                if fields.count == 2 { captions.append(fields[1]) }
                fields = []
            } else if isQuoted || byte != 13 {
                field.append(byte)
            }
        }
        return Array(captions.dropFirst())
    }
}
