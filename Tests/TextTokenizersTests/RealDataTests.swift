import Foundation
import Testing

import TextTokenizers

/// Equality with Hugging Face on real files; the fixture holds digests only.
@Suite(.enabled(if: RealData.folder != nil, "no real data: set RECIPE_DATA, or unpack to .data"))
struct RealDataTests {
    struct File: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let lines: Int
        let uncased, cased: [String]
        let uncasedTokens, casedTokens: Int

        var testDescription: String { name }
    }

    static let files =
        (try? Fixtures.decode([File].self, from: "wordpiece-data/digests.json")) ?? []

    @Test func theFixtureNamesEveryFile() {
        #expect(Self.files.count == 12)
        #expect(Self.files.map(\.lines).reduce(0, +) > 96_000)
    }

    /// Those of the files that are there: an archive may not be unpacked.
    static let present = files.filter { file in
        RealData.folder.map {
            FileManager.default.fileExists(atPath: $0.appendingPathComponent(file.name).path)
        } ?? false
    }

    @Test(arguments: present)
    func everyLineEqualsHuggingFace(_ file: File) throws {
        let root = try #require(RealData.folder)
        let vocabulary = try String(
            contentsOf: root.appendingPathComponent("vocab/bert-base-uncased_vocab.txt"),
            encoding: .utf8
        ).split(separator: "\n").map(String.init)
        let lines = try lines(of: root.appendingPathComponent(file.name), limit: file.lines)
        #expect(lines.count == file.lines)
        for lowercases in [true, false] {
            var configuration = WordPieceTokenizer.Configuration()
            configuration.lowercases = lowercases
            let tokenizer = try WordPieceTokenizer(
                vocabulary: vocabulary, configuration: configuration)
            var tokens = 0
            let digests = stride(from: 0, to: lines.count, by: 100).map { start in
                var digest = Digest()
                for line in lines[start..<min(start + 100, lines.count)] {
                    let ids = tokenizer.encode(utf8: Array(line))
                    tokens += ids.count
                    for id in ids { digest.add(UInt64(id)) }
                    digest.add(0xFFFF_FFFF)
                }
                return digest.text
            }
            #expect(digests == (lowercases ? file.uncased : file.cased))
            #expect(tokens == (lowercases ? file.uncasedTokens : file.casedTokens))
        }
    }

    /// The first lines of a file, or of a folder's Wikipedia files in order.
    private func lines(of url: URL, limit: Int) throws -> [ArraySlice<UInt8>] {
        var files = [url]
        if url.lastPathComponent == "text" {
            let names = try FileManager.default.subpathsOfDirectory(atPath: url.path)
            files = names.filter { $0.contains("wiki_") }.sorted().map(url.appendingPathComponent)
        }
        var lines: [ArraySlice<UInt8>] = []
        for file in files where lines.count < limit {
            let bytes = [UInt8](try Data(contentsOf: file))
            lines += bytes.split(separator: 10, omittingEmptySubsequences: false)
        }
        return Array(lines.prefix(limit))
    }
}
