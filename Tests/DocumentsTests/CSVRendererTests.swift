import Testing

@testable import Documents

@Suite struct CSVRendererTests {
    @Test func writesFullPrecisionAndSplitsRanges() {
        let table = ReportTable(
            [.init("Model"), .init("ACC", kind: .number), .init("ASR", kind: .number)],
            rows: [
                ["a,\"b\"", .deviation(mean: 1.0 / 3, deviation: 0.25), .number(5)],
                ["c", .number(100), .interval(13.8, low: 12.5, high: 15.25)],
                ["d", .missing, .number(.nan)],
            ])
        #expect(
            CSVRenderer().render(table) == """
                Model,ACC,ACC deviation,ASR,ASR low,ASR high
                "a,""b""\",0.3333333333333333,0.25,5,,
                c,100,,13.8,12.5,15.25
                d,,,nan,,

                """)
    }

    @Test func leavesNoFormulas() {
        let table = ReportTable(
            [.init("=x")], rows: [["=HYPERLINK(1)"], ["-1+2"], ["a\nb\u{1B}"], [.number(-1)]])
        #expect(
            CSVRenderer().render(table) == "'=x\n'=HYPERLINK(1)\n'-1+2\n\"a\nb␛\"\n-1\n")
    }
}
