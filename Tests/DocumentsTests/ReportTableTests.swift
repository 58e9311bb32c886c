import DataPipeline
import Testing

@testable import Documents

@Suite struct ReportTableTests {
    private func marks(_ best: ReportTable.Best, _ cells: [ReportTable.Cell]) -> [Int] {
        ReportTable([.init("x", kind: .number, best: best)], rows: cells.map { [$0] })
            .bestCells.map(\.row).sorted()
    }

    @Test func marksTheBestOfAColumn() {
        #expect(marks(.max, [.number(1), .number(3), .number(2)]) == [1])
        #expect(marks(.min, [.number(-1), .deviation(mean: -3, deviation: 9), .number(0)]) == [1])
    }

    @Test func marksAllThatShowTheBestValue() {
        #expect(marks(.max, [.number(90.01), .number(90.04), .number(89)]) == [0, 1])
    }

    @Test func marksNothingWithoutAContest() {
        #expect(marks(.max, []) == [])
        #expect(marks(.max, [.number(1)]) == [])
        #expect(marks(.max, [.number(1), .missing, "n/a"]) == [])
        #expect(marks(.min, [.number(5), .number(5.01)]) == [])
    }

    @Test func passesOverWhatIsNotFinite() {
        #expect(marks(.max, [.number(.infinity), .number(.nan), .number(1), .number(2)]) == [3])
    }

    @Test func fillsShortRowsAndDropsNothingShown() {
        let table = ReportTable([.init("a"), .init("b")], rows: [["x"]])
        #expect(table.filledRows == [["x", .missing]])
    }

    @Test(arguments: [
        (-0.04, 1, "0.0"), (-0.06, 1, "-0.1"), (0.125, 2, "0.12"), (3, 0, "3"), (.nan, 1, "NaN"),
        (-.infinity, 1, "−∞"), (1e300, 2, "1e300"), (2.5, -4, "2"), (1, 99, "1.000000000000000"),
    ])
    func writesFixedDecimals(value: Double, decimals: Int, expected: String) {
        #expect(NumberText.fixed(value, decimals: decimals) == expected)
    }

    @Test(arguments: [
        (0.0, "0"), (12345.6, "12346"), (0.000012, "1.2e-5"), (1.5e9, "1.5e9"), (0.5, "0.5"),
        (-3.14159, "-3.142"), (1e10, "1e10"), (.leastNonzeroMagnitude, "4.941e-324"),
    ])
    func writesShortNumbers(value: Double, expected: String) {
        #expect(NumberText.short(value) == expected)
    }

    @Test func samplesLongLinesForTheirTable() {
        let chart = LineChart(
            "t", xTitle: "x", yTitle: "y",
            series: [.init("a", values: (0..<1000).map(Double.init)), .init("b", values: [7])])
        let rows = chart.table.rows
        #expect(rows.count == LineChart.tableRows)
        #expect(rows.first == ["0", "0", "7"])
        #expect(rows.last == ["999", "999", .missing])
    }
}
