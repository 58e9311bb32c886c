import TestDocuments
import Testing

@testable import Documents

@Suite struct TerminalRendererTests {
    private let table = ReportTable(
        [.init("Model"), .init("ACC", kind: .number, best: .max)],
        rows: [["日本", .number(9)], ["clean", .number(88.25)]], caption: "SST-2")

    @Test func drawsABox() {
        #expect(
            TerminalRenderer().render(table) == """
                SST-2
                ┌───────┬───────┐
                │ Model │   ACC │
                ├───────┼───────┤
                │ 日本  │  9.0  │
                │ clean │ 88.2* │
                └───────┴───────┘
                """)
    }

    @Test func drawsWithASCIIOnly() {
        let text = TerminalRenderer(usesUnicode: false).render(table)
        #expect(
            text == """
                SST-2
                Model    ACC
                -----  -----
                日本    9.0
                clean  88.2*
                """)
    }

    @Test func coloursOnlyWhenAsked() {
        let plain = TerminalRenderer(usesColor: false).render(SampleReport.document)
        #expect(!plain.contains("\u{1B}"))
        let colored = TerminalRenderer(usesColor: true).render(table)
        #expect(colored.contains("\u{1B}[1;32m88.2\u{1B}[0m"))
        #expect(!colored.contains("*"))
    }

    @Test func lettersOfANameSteerNothing() {
        let text = TerminalRenderer(usesColor: true).render(SampleReport.document)
        #expect(!text.contains("\u{1B}[31m"))
        #expect(!text.unicodeScalars.contains("\u{202E}"))
    }

    @Test func narrowsTextToTheWidth() {
        let wide = ReportTable(
            [.init("Model"), .init("Path"), .init("ACC", kind: .number)],
            rows: [[.text(InlineText(String(repeating: "m", count: 90))), "short", .number(88.25)]])
        let lines = TerminalRenderer(width: 40).render(wide).split(separator: "\n")
        #expect(lines.allSatisfy { VisibleText.width(String($0)) == 40 })
        #expect(lines[3].contains("mmm… │ short │ 88.2 │"))
    }

    @Test func wrapsProse() {
        let document = ReportDocument(
            title: "t",
            sections: [.init("s", [.paragraph(InlineText(String(repeating: "word ", count: 30)))])])
        let lines = TerminalRenderer(width: 24).render(document).split(separator: "\n")
        #expect(lines.contains("word word word word word"))
        #expect(lines.allSatisfy { $0.count <= 24 })
    }

    @Test func sketchesCharts() {
        let text = TerminalRenderer().render(SampleReport.norms)
        #expect(text.contains("│ █▇ ▅▁ ") && text.contains("│ ██▇▆▅ "))
        let bars = TerminalRenderer(width: 60).render(SampleReport.rates)
        #expect(bars.contains("99.5 │ ████████████████████ │"))
        #expect(bars.contains("12.0 │ ██ "))
    }

    @Test func emptyChartsAndTablesAreDrawn() {
        let renderer = TerminalRenderer()
        #expect(renderer.render(ReportTable([])).isEmpty == false)
        #expect(
            renderer.render(LineChart("t", xTitle: "x", yTitle: "y", series: [.init("a", [])]))
                .contains("│ a "))
        #expect(
            renderer.render(BarChart("t", valueTitle: "v", categories: [], series: []))
                .contains("v"))
    }
}
