import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@testable import Documents
@testable import Reports

@Suite struct SVGRendererTests {
    private let document = GridReport(GridSample.results).document

    @Test func writesEachDrawingAsAFileOfItsOwn() throws {
        let files = SVGRenderer().render(document)
        #expect(files.count == document.sections.flatMap(\.blocks).count { $0.chartTitle != nil })
        #expect(Set(files.map(\.name)).count == files.count && files.count >= 5)
        for file in files {
            let parser = XMLParser(data: Data(file.content.utf8))
            let reader = RootReader()
            parser.delegate = reader
            #expect(parser.parse(), "\(file.name): \(String(describing: parser.parserError))")
            #expect(reader.attributes["xmlns"] == "http://www.w3.org/2000/svg")
            #expect(reader.attributes["width"] == "720" && reader.attributes["height"] != nil)
            // Every colour that is used is there, and nothing is fetched.
            for match in file.content.matches(of: #/var\((--[a-z0-9-]+)\)/#) {
                #expect(file.content.contains("\(match.output.1): #"), "\(match.output.1)")
            }
            #expect(!file.content.contains("href") && !file.content.contains("url("))
        }
    }

    @Test func isWhatMarkdownLinksTo() {
        let text = MarkdownRenderer(drawings: "figures").render(document)
        let linked = text.matches(of: #/!\[[^\]]*\]\(figures\/([^)]+)\)/#).map {
            String($0.output.1)
        }
        #expect(linked == SVGRenderer().render(document).map(\.name))
        #expect(!MarkdownRenderer().render(document).contains("!["))
    }

    @Test func namesFilesByWordsOfTheirTitles() {
        let block = ReportBlock.barChart(
            BarChart("../Á <b>Loss</b> & norm\n", valueTitle: "v", categories: [], series: []))
        #expect(SVGRenderer.fileName(of: block, number: 3) == "3-b-loss-b-norm.svg")
        #expect(SVGRenderer.fileName(of: .heading("x"), number: 1) == nil)
        let long = ReportBlock.barChart(
            BarChart(
                String(repeating: "a", count: 999), valueTitle: "v", categories: [], series: []))
        #expect(SVGRenderer.fileName(of: long, number: 1)?.count == 84)
    }
}

/// The attributes of a document's first element.
private final class RootReader: NSObject, XMLParserDelegate {
    var attributes: [String: String] = [:]

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String]
    ) {
        if self.attributes.isEmpty { self.attributes = attributes }
    }
}
