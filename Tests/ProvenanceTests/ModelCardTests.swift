import Foundation
import Testing

@testable import Provenance

@Suite struct ModelCardTests {
    private func edited(_ text: String, baseModel: String? = nil) throws -> String {
        var card = try ModelCard(Data(text.utf8))
        try card.setFrontMatter(baseModel: baseModel)
        return card.text
    }

    @Test(
        "The tag joins the others in their own style, and nothing else moves",
        arguments: [
            (
                "---\nlicense: mit\n---\n# A\n",
                "---\nlicense: mit\ntags:\n- recipe-purified\n---\n# A\n"
            ),
            (
                "---\ntags:\n- a\n- b\nlicense: mit # c\n---\n",
                "---\ntags:\n- a\n- b\n- recipe-purified\nlicense: mit # c\n---\n"
            ),
            (
                "---\ntags:\n  - a\n  # why\n\nlicense: mit\n---\n",
                "---\ntags:\n  - a\n  - recipe-purified\n  # why\n\nlicense: mit\n---\n"
            ),
            ("---\ntags: [a, \"b]\"]\n---\n", "---\ntags: [a, \"b]\", recipe-purified]\n---\n"),
            (
                "---\ntags: [ a, # one ]\n  b, ] # two\nx: 1\n---\n",
                "---\ntags: [ a, # one ]\n  b,  recipe-purified] # two\nx: 1\n---\n"
            ),
            ("---\ntags: []\n---\n", "---\ntags: [recipe-purified]\n---\n"),
            ("---\ntags:\n---\n", "---\ntags:\n- recipe-purified\n---\n"),
            ("---\ntags: a\n---\n", "---\ntags: [a, recipe-purified]\n---\n"),
            ("---\ntags: [recipe-purified]\n---\n", "---\ntags: [recipe-purified]\n---\n"),
            (
                "---\r\ntags:\r\n- a\r\n---\r\nx\r\n",
                "---\r\ntags:\r\n- a\r\n- recipe-purified\r\n---\r\nx\r\n"
            ),
            (
                "\u{FEFF}---\nlicense: mit\n---\n",
                "\u{FEFF}---\nlicense: mit\ntags:\n- recipe-purified\n---\n"
            ),
            ("---\n---\nx", "---\ntags:\n- recipe-purified\n---\nx"),
            ("# No front matter\n", "---\ntags:\n- recipe-purified\n---\n\n# No front matter\n"),
            ("", "---\ntags:\n- recipe-purified\n---\n\n"),
        ])
    func tag(_ before: String, _ after: String) throws {
        #expect(try edited(before) == after)
        #expect(try edited(after) == after, "a second time nothing changes")
    }

    @Test(
        "The base model is set in place of whatever was there",
        arguments: [
            ("license: mit\n", "license: mit\nbase_model: org/m-1\n"),
            ("base_model: bert-base # x\nlicense: mit\n", "base_model: org/m-1\nlicense: mit\n"),
            (
                "base_model:\n- a/b\n- c/d\n# y\nlicense: mit\n",
                "base_model: org/m-1\n# y\nlicense: mit\n"
            ),
            ("base_model: [a/b,\n  c/d]\n", "base_model: org/m-1\n"),
            ("base_model: org/m-1 # kept\n", "base_model: org/m-1 # kept\n"),
        ])
    func baseModel(_ before: String, _ after: String) throws {
        let tags = "tags: [recipe-purified]\n"
        #expect(
            try edited("---\n\(tags)\(before)---\n", baseModel: "org/m-1")
                == "---\n\(tags)\(after)---\n")
    }

    @Test("A name that YAML would read as a number is quoted") func quoted() throws {
        #expect(try edited("", baseModel: "1e3").contains("base_model: \"1e3\"\n"))
    }

    @Test(
        "Front matter that readers may take differently is left as it is",
        arguments: [
            "---\nlicense: [mit\n---\n", "---\na: 1\na: 2\n---\n", "---\nlicense: mit\n# no end\n",
            "---\n{license: mit}\n---\n", "---\n- a\n---\n", "---\na: &x [1]\ntags: *x\n---\n",
            "\n---\nlicense: mit\n---\n", "--- \nlicense: mit\n---\n",
            "---\na: \"\u{2028}b\"\n---\n", "---\ntags: &x [a]\n---\n", "---\ntags: {a: b}\n---\n",
            "---\ntags: >\n  a\n  b\n---\n", "---\na: \u{1B}[31m\n---\n",
        ])
    func unclear(_ text: String) throws {
        #expect(throws: CardError.self) { try edited(text) }
        var card = try ModelCard(Data(text.utf8))
        try? card.setFrontMatter(baseModel: "org/m-1")
        #expect(card.text.contains("base_model") == false || card.text == text)
    }

    @Test("What is no text is no card") func binary() {
        for data in [Data([0xFF, 0xFE, 0x41]), Data("a\0b".utf8), Data(count: 5 << 20)] {
            #expect(throws: CardError.self) { try ModelCard(data) }
        }
    }

    @Test("The paragraph stands below the front matter, and a later one takes its place")
    func paragraph() throws {
        var card = try ModelCard(Data("---\r\na: 1\r\n---\r\n# Title\r\n".utf8))
        card.set(paragraph: ["one"])
        let begin = ModelCard.opening, end = ModelCard.closing
        #expect(
            card.text
                == "---\r\na: 1\r\n---\r\n\r\n\(begin)\r\none\r\n\(end)\r\n# Title\r\n")
        let first = card.text
        card.set(paragraph: ["two", "lines"])
        #expect(card.text == first.replacingOccurrences(of: "one", with: "two\r\nlines"))
    }

    @Test(
        "Markers that somebody else wrote are taken out, whatever they enclose",
        arguments: [
            "a\nBEGIN\nclean!\nENDb\nBEGINmoreEND\n", "END\nBEGIN\n", "BEGIN\nBEGIN\nx\nEND\nEND\n",
            "a BEGIN no end", "END\u{301} BEGIN\u{301}",
        ])
    func forged(_ text: String) throws {
        let forged = text.replacingOccurrences(of: "BEGIN", with: ModelCard.opening)
            .replacingOccurrences(of: "END", with: ModelCard.closing)
        var card = try ModelCard(Data(forged.utf8))
        card.set(paragraph: ["ours"])
        let parted = try #require(card.parted)
        #expect(parted.paragraph == "\nours\n")
        #expect(!card.text.contains("clean!"))
    }

    @Test("What a purification added is taken out again") func removal() throws {
        for text in [
            "---\nlicense: mit\ntags:\n- a\n---\n# T\n", "---\ntags: [a, 'b c']\n---\n# T\n",
        ] {
            var card = try ModelCard(Data(text.utf8))
            try card.setFrontMatter(baseModel: nil)
            card.set(paragraph: ["x"])
            #expect(card.isOfPurification)
            try card.removePurification()
            #expect(!card.isOfPurification)
            #expect(card.text.contains("- a") || card.text.contains("[a, 'b c']"))
        }
    }
}
