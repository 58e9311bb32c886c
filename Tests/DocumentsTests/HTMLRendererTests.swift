import Foundation
import TestDocuments
import Testing

@testable import Documents

@Suite struct HTMLRendererTests {
    private let page = HTMLRenderer().render(SampleReport.document)

    @Test func asksNothingOfTheNetwork() {
        let withoutNames = page.replacing("https://a.b", with: "")
        #expect(!withoutNames.contains("http:") && !withoutNames.contains("https:"))
        for markup in ["<script", "<link", "<img", "<iframe", "src=", "@import", "url(", "onload"] {
            #expect(!page.contains(markup), "\(markup)")
        }
        #expect(
            page.contains(
                #"content="default-src 'none'; style-src 'unsafe-inline'; img-src data:""#))
    }

    @Test func escapesNames() {
        #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;|`*_[x](https://a.b)␛[31m�␀"))
        #expect(!page.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
        let attribute = HTMLText.escape(#"" onclick='x' &"#)
        #expect(attribute == "&quot; onclick=&#39;x&#39; &amp;")
    }

    @Test func marksBestValuesAndAlignment() {
        #expect(page.contains(#"<td class="right best"><strong>88.2</strong></td>"#))
        #expect(page.contains(#"<td class="right">87.5 ± 0.2</td>"#))
        #expect(page.contains(#"<th scope="col" class="center">Note</th>"#))
    }

    @Test func followsTheSchemeAndPrints() {
        #expect(page.contains("prefers-color-scheme: dark") && page.contains("@media print"))
    }

    @Test func linksToEverySection() {
        for number in 1...4 {
            #expect(page.contains("href=\"#section-\(number)\""))
            #expect(page.contains("<section id=\"section-\(number)\">"))
        }
    }

    @Test func closesEveryTag() throws {
        let start = try #require(page.range(of: "<main>"))
        let end = try #require(page.range(of: "</main>"))
        let body = String(page[start.lowerBound..<end.upperBound])
        #expect(try wellFormed(body))
        #expect(try !wellFormed(body + "</p>"))
    }

    @Test func namesEveryDrawingOnce() {
        let names = page.matches(of: #/ id="([^"]+)"/#).map { String($0.output.1) }
        #expect(Set(names).count == names.count)
        let referred = page.matches(of: #/aria-labelledby="([^ "]+) ([^"]+)"/#)
        #expect(referred.count == 3)
        for match in referred {
            #expect(names.contains(String(match.output.1)))
            #expect(names.contains(String(match.output.2)))
        }
    }
}

/// Whether every element of `markup` is closed in order.
func wellFormed(_ markup: String) throws -> Bool {
    var open: [Substring] = []
    for match in markup.matches(of: #/<(\/?)([a-z0-9]+)((?:\s[^<>]*?)?)(\/?)>/#) {
        let (_, closing, name, _, alone) = match.output
        if !closing.isEmpty {
            guard open.popLast() == name else { return false }
        } else if alone.isEmpty {
            open.append(name)
        }
    }
    let tags = markup.matches(of: #/<\/?[a-z0-9]+(?:\s[^<>]*?)?\/?>/#).count
    return open.isEmpty && tags == markup.count { $0 == "<" }
}
