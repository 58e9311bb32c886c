import TestDocuments
import Testing

@testable import Documents

@Suite struct MarkdownRendererTests {
    @Test func writesATable() {
        #expect(
            MarkdownRenderer().render(SampleReport.accuracy) == #"""
                **SST-2**

                | Model | ACC | AASR | Note |
                | :--- | ---: | ---: | :---: |
                | clean | **88.2** | **13.8 [12.5, 15.2]** | – |
                | no defense | 87.5 ± 0.2 | 70.0 [68.0, 72.0] | backdoored |
                | <code>a\|b\`c</code> | NaN | **13.8** | &lt;script&gt;alert(1)&lt;/script&gt;\|\`\*\_\[x\](https&#58;//a.b)␛\[31m�␀ |
                """#)
    }

    @Test func opensNoTagCellOrLinkForAName() {
        let text = MarkdownRenderer().render(SampleReport.document)
        #expect(!text.contains("<script"))
        let outsideCode = text.replacing("\\`", with: "").replacing(#/(`+)[^\n]*?\1/#, with: "")
        #expect(!outsideCode.contains("https://"))
        #expect(!outsideCode.replacing(#/\\./#, with: "").contains("]("))
        #expect(!text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
        #expect(!text.unicodeScalars.contains("\u{202E}"))
    }

    @Test func keepsEveryTableRowToItsColumns() {
        for table in [SampleReport.accuracy, SampleReport.rates.table, SampleReport.grid.table] {
            let lines = MarkdownRenderer().render(table).split(separator: "\n").dropFirst()
            for line in lines {
                let bars = line.replacing(#"\|"#, with: "").count { $0 == "|" }
                #expect(bars == table.columns.count + 1, "\(line)")
            }
        }
    }

    @Test func fencesCodeThatHoldsAFence() {
        let document = ReportDocument(
            title: "t", sections: [.init("s", [.code(.init("```\nx\n````", language: "sh\nrm"))])])
        #expect(
            MarkdownRenderer().render(document)
                == "# t\n\n## s\n\n`````shrm\n```\nx\n````\n`````\n")
    }

    @Test func writesCalloutsAndInlineStyles() {
        let document = ReportDocument(
            title: "#1",
            sections: [
                .init("s", [.callout(.note, "a \(code: "`x`") \(emphasis: "b*") \(strong: "c")")])
            ])
        #expect(
            MarkdownRenderer().render(document)
                == "# \\#1\n\n## s\n\n> [!NOTE]\n> a `` `x` `` *b\\** **c**\n")
    }
}
