import Foundation
import Randomness
import Testing

import DataPipeline

@Suite struct TextCorpusTests {
    let folder: ReaderFolder

    init() throws { folder = try ReaderFolder() }

    private func texts(_ name: String, _ text: String, column: String? = nil) throws -> [String] {
        try TextCorpus.read([folder.write(name, text)], textColumn: column).texts
    }

    @Test func readsLines() throws {
        let file = try folder.write("a.txt", "\u{FEFF}one\r\n\r\n two \n   \nthree\u{0}x")
        let corpus = try TextCorpus.read([file])
        #expect(corpus.texts == ["one", " two ", "three\u{0}x"])
        let source = try #require(corpus.sources.first)
        #expect(source.format == .lines && source.rows == 3 && source.skippedEmpty == 2)
        #expect(source.invalidSequences == 0 && source.file == file.path)
    }

    @Test func drawsTextsByTheSeed() throws {
        let file = try folder.write("a.txt", (0..<50).map { "text \($0)" }.joined(separator: "\n"))
        let corpus = try TextCorpus.read([file])
        let drawn = corpus.randomSubset(of: 20, seed: Seed(1))
        #expect(drawn.texts.count == 20 && Set(drawn.texts).isSubset(of: corpus.texts))
        #expect(drawn.texts != Array(corpus.texts.prefix(20)))
        #expect(drawn.texts == corpus.texts.filter(Set(drawn.texts).contains))
        #expect(drawn == corpus.randomSubset(of: 20, seed: Seed(1)))
        #expect(drawn != corpus.randomSubset(of: 20, seed: Seed(2)))
        #expect(drawn.sources == corpus.sources)
        #expect(corpus.randomSubset(of: 50, seed: Seed(1)) == corpus)
        #expect(corpus.randomSubset(of: 0, seed: Seed(1)).texts.isEmpty)
    }

    @Test func replacesAndCountsInvalidUTF8() throws {
        let file = try folder.write(
            "a.txt", [0x61, 0xFF, 0x62, 10, 0xEF, 0xBF, 0xBD, 0xE4, 0xB8, 10, 0x63, 10])
        let corpus = try TextCorpus.read([file])
        #expect(corpus.texts == ["a\u{FFFD}b", "\u{FFFD}\u{FFFD}", "c"])
        #expect(corpus.sources.first?.invalidSequences == 2)
    }

    @Test func readsTabSeparatedTables() throws {
        let quoted = "label\tSentence\r\n1\tone\r\n0\ttwo, \"2\"\r\n"
        #expect(try texts("a.tsv", quoted) == ["one", "two, \"2\""])
        let spaced = "sentence \t label\none  one \t 1\n\ntwo \t 0\n"
        #expect(try texts("b.tsv", spaced) == ["one  one", "two"])
        #expect(try texts("c.tsv", "TEXT\tx\na\tb\n") == ["a"])
        #expect(try texts("d.tsv", "title\ttext\tsentence\na\tb\tc\n") == ["c"])
        #expect(try texts("e.tsv", "title\ttext\na\tb\n", column: "title") == ["a"])
        #expect(try texts("f.tsv", "sentence\none\n") == ["one"])
    }

    @Test(arguments: [
        ("\"say \"\"hi\"\" now\"", "say \"hi\" now"),
        ("\"a\tb\"", "a\tb"),
        ("\"quoted\" start", "\"quoted\" start"),
        ("\"never closed", "\"never closed"),
        ("ends with \"quote\"", "ends with \"quote\""),
        ("\"one\" and \"two\"", "\"one\" and \"two\""),
        ("\"\"", ""),
        ("\"\"\"all\"\"\"", "\"all\""),
        ("it 's \"\"odd\"\"", "it 's \"\"odd\"\""),
    ])
    func unquotesOnlyWholeFields(_ field: String, _ text: String) throws {
        let found = try texts("q.tsv", "sentence\tlabel\n\(field)\t1\nlast\t0\n")
        #expect(found == (text.isEmpty ? ["last"] : [text, "last"]))
    }

    @Test func aStrayQuoteDoesNotSwallowTheNextField() throws {
        let rows = "sentence\tnote\tlabel\n\"stray\tb\"\t1\n\"a\tb\t0\n"
        #expect(try texts("q.tsv", rows) == ["\"stray", "\"a"])
    }

    @Test func readsCommaSeparatedTables() throws {
        let text = "text,label\r\n\"a, \"\"b\"\"\r\nc\",1\r\nplain,0\r\n\"open,1\r\nlast,0\r\n"
        #expect(try texts("a.csv", text) == ["a, \"b\"\nc", "plain", "\"open", "last"])
    }

    @Test func readsJSONLines() throws {
        let text = "{\"Text\": \"a \\u00e9\\n\", \"n\": 1}\n\n{\"n\": [2], \"Text\": \"b\"}\n"
        let corpus = try TextCorpus.read([folder.write("a.jsonl", text)])
        #expect(corpus.texts == ["a é\n", "b"])
        #expect(corpus.sources.first?.skippedEmpty == 1)
        #expect(try texts("b.jsonl", "{\"x\": \"a\", \"text\": \"b\"}\n", column: "x") == ["a"])
    }

    @Test func readsWikiextractorFiles() throws {
        let page = "<doc id=\"1\" title=\"T\">\nT\n\nFirst paragraph.\nSecond.\n</doc>\n"
        let other = "<doc id=\"2\" title=\"U\">\n\nU\nThird.\n\n</doc>\n"
        _ = try folder.write("w/AB/wiki_00", other)
        _ = try folder.write("w/AA/wiki_01", other + page)
        _ = try folder.write("w/AA/wiki_00", page)
        _ = try folder.write("w/AA/wiki_02", "")
        _ = try folder.write("w/notes.bin", "no text")
        let corpus = try TextCorpus.read([folder.url.appendingPathComponent("w")])
        let first = ["First paragraph.", "Second."]
        #expect(corpus.texts == first + ["Third."] + first + ["Third."])
        #expect(corpus.sources.map(\.format) == [.wikiextractor, .wikiextractor, .wikiextractor])
        #expect(corpus.sources.map(\.rows) == [2, 3, 1])
        #expect(try texts("extracted.txt", page) == ["First paragraph.", "Second."])
    }

    @Test func stopsAtTheLimitAndSkipsShortTexts() throws {
        let one = try folder.write("1.txt", "a b c\na\nd e\n")
        let two = try folder.write("2.txt", "f g\nh i j\n")
        #expect(try TextCorpus.read([one, two], limit: 4).texts == ["a b c", "a", "d e", "f g"])
        let first = try TextCorpus.read([one, two], limit: 3)
        #expect(first.texts.count == 3 && first.sources.count == 1)
        let long = try TextCorpus.read([one, two], minimumWords: 2)
        #expect(long.texts == ["a b c", "d e", "f g", "h i j"])
        #expect(long.sources.map(\.skippedShort) == [1, 0])
        let error = #expect(throws: DataError.self) {
            try TextCorpus.read([one], minimumWords: 9)
        }
        #expect(error?.description.contains("fewer than 9 words") == true)
        #expect(throws: DataError.self) { try TextCorpus.read([one], limit: 0) }
        #expect(throws: DataError.self) { try TextCorpus.read([]) }
    }

    @Test func readsLinesLongerThanAPiece() throws {
        let long = String(repeating: "word ", count: 100_000) + "é"
        let huge = String(repeating: "x", count: 3_000_000)
        #expect(try texts("a.txt", "a\n\(long)\n\(huge)\nb") == ["a", long, huge, "b"])
    }

    @Test func namesWhatIsWrongWithAFile() throws {
        let missing = folder.url.appendingPathComponent("none.txt")
        let error = #expect(throws: DataError.self) { try TextCorpus.read([missing]) }
        #expect(error?.description == "\(missing.path): no such file; check the path")
        #expect(try folder.corpusError("a.txt", "").contains("is empty"))
        #expect(try folder.corpusError("a.txt", "\n \n").contains("no usable text"))
        #expect(try folder.corpusError("a.tsv", "sentence\tlabel\n").contains("no usable text"))
        #expect(try folder.corpusError("a.tsv", "\n\n").contains("is blank"))
        #expect(try folder.corpusError("a.parquet", "PAR1").contains("unknown kind"))
        let wide = try folder.write("u.txt", [0xFF, 0xFE, 0x61, 0])
        #expect(throws: DataError.self) { try TextCorpus.read([wide]) }
        let empty = folder.url.appendingPathComponent("e")
        try FileManager.default.createDirectory(at: empty, withIntermediateDirectories: true)
        let none = #expect(throws: DataError.self) { try TextCorpus.read([empty]) }
        #expect(none?.description.contains("holds no text files") == true)
    }

    @Test func namesTheColumnsOfATable() throws {
        let wrong = try folder.corpusError("a.tsv", "sentence\tlabel\na\t1\n", column: "sentense")
        #expect(wrong.contains("row 1: no text column \"sentense\""))
        #expect(wrong.contains("columns found: sentence | label"))
        #expect(wrong.contains("did you mean \"sentence\"?"))
        let none = try folder.corpusError("b.tsv", "q\tr\na\t1\n")
        #expect(none.contains("no text column sentence, text, caption; columns found: q | r"))
        let story = "\"3\",\"Fears for T N pension\",\"\(String(repeating: "word ", count: 30))\"\n"
        let headless = try folder.corpusError("c.csv", story)
        #expect(headless.contains("Fears for T N pension") && headless.contains("no header"))
    }

    @Test func namesTheRowThatDoesNotFit() throws {
        let wide = try folder.corpusError("a.tsv", "sentence\tlabel\na\t1\n\nb\tc\t0\n")
        #expect(wide.contains("row 4: has 3 tab-separated fields; the header has 2"))
        let narrow = try folder.corpusError("a.csv", "text,label\nonly\n")
        #expect(narrow.contains("row 2: has 1 comma-separated fields; the header has 2"))
        let broken = try folder.corpusError("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \n")
        #expect(broken.contains("row 2: is not a JSON object"))
        let nested = try folder.corpusError("a.jsonl", "{\"text\": [1]}\n")
        #expect(nested.contains("row 1: \"text\" is neither a string"))
        let other = try folder.corpusError("a.jsonl", "{\"text\": \"a\"}\n{\"txt\": \"a\"}\n")
        #expect(other.contains("row 2: no text column") && other.contains("columns found: txt"))
    }
}
