import Foundation
import TestDocuments
import Testing

@testable import Documents

@Suite struct SVGChartTests {
    private let drawing = SVGChart(identifier: "c")

    private func line(_ series: [LineChart.Series], logarithmic: Bool = false) -> String {
        drawing.render(
            LineChart("t", xTitle: "x", yTitle: "y", series: series, logarithmic: logarithmic))
    }

    private func coordinates(_ svg: String) -> [Double] {
        svg.matches(of: #/ (?:x|y|x1|x2|y1|y2|cx|cy|width|height)="([^"]+)"/#)
            .compactMap { Double($0.output.1) }
            + svg.matches(of: #/points="([^"]+)"/#).flatMap { match in
                match.output.1.split(whereSeparator: { $0 == " " || $0 == "," })
                    .compactMap { Double($0) }
            }
    }

    @Test func drawsWellFormedDrawingsWithinTheirFrame() throws {
        for svg in [
            drawing.render(SampleReport.norms), drawing.render(SampleReport.rates),
            drawing.render(SampleReport.grid),
        ] {
            #expect(try wellFormed(svg))
            #expect(svg.contains("<title id=\"c-title\">") && svg.contains("<desc id="))
            #expect(coordinates(svg).allSatisfy { $0.isFinite && $0 >= 0 && $0 <= 720 })
        }
    }

    @Test func breaksALineAtAGap() {
        let svg = line([.init("a", values: [1, 2, .nan, 4, 5, .infinity, 3])])
        #expect(svg.components(separatedBy: "<polyline").count == 3)
        #expect(svg.components(separatedBy: "<circle").count == 2)
    }

    @Test(arguments: [[], [Double.nan, .infinity]])
    func saysWhenThereIsNothingToDraw(values: [Double]) {
        #expect(line([.init("a", values: values)]).contains("no data"))
        #expect(line([]).contains("no data"))
        let bars = BarChart(
            "t", valueTitle: "v", categories: ["a"], series: [.init("s", values: values)])
        #expect(drawing.render(bars).contains("no data"))
        let grid = HeatMap(
            "t", rowTitle: "r", columnTitle: "c", rows: [], columns: [], values: [])
        #expect(drawing.render(grid).contains("no data"))
    }

    @Test(arguments: [
        [-1.7e308, 1.7e308], [.leastNonzeroMagnitude, 1e300], [0, 0], [1e15, 1e15 + 1],
    ])
    func keepsHugeRangesInTheFrame(values: [Double]) {
        for svg in [
            line([.init("a", values: values)]),
            line([.init("a", zip(values, values).map { .init($0, $1) })]),
            drawing.render(
                BarChart(
                    "t", valueTitle: "v", categories: ["a", "b"],
                    series: [.init("s", values: values)])),
        ] {
            #expect(!svg.contains("nan") && !svg.contains("inf"))
            #expect(coordinates(svg).allSatisfy { $0 >= 0 && $0 <= 720 })
        }
    }

    @Test func thinsLongLinesWithoutLosingAPeak() {
        var values = [Double](repeating: 0, count: 100_000)
        values[54_321] = 1
        let svg = line([.init("a", values: values)])
        #expect(svg.utf8.count < 60_000)
        let heights = svg.matches(of: #/,([0-9.]+)/#).compactMap { Double($0.output.1) }
        #expect(heights.min() == 30)
    }

    @Test func namesLinesAtTheirEndsOrInALegend() {
        let few = (0..<12).map { LineChart.Series("layer \($0)", values: [1, 0.5]) }
        let ends = line(few)
        #expect(ends.contains("class=\"key\"") && !ends.contains("<rect"))
        let places = ends.matches(of: #/<text class="label" x="[0-9.]+" y="([0-9.]+)"[^>]*>layer/#)
            .compactMap { Double($0.output.1) }.sorted()
        #expect(places.count == 12)
        #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 >= 13.9 })
        let many = (0..<24).map { LineChart.Series("layer \($0)", values: [1, 0.5]) }
        #expect(line(many).components(separatedBy: "<rect").count == 25)
    }

    @Test func leavesOutWhatALogarithmCannotShow() {
        let svg = line([.init("a", values: [0, -1, 10, 100])], logarithmic: true)
        #expect(svg.components(separatedBy: "<polyline").count == 2)
        #expect(line([.init("a", values: [0, -1])], logarithmic: true).contains("no data"))
    }

    @Test func labelsEveryCellOfAGrid() {
        let svg = drawing.render(SampleReport.grid)
        #expect(svg.contains(">100.0</text>") && svg.contains(">0.0</text>"))
        #expect(svg.contains("on-strong") && svg.contains("on-weak"))
        #expect(svg.components(separatedBy: ">–</text>").count == 3)
        #expect(svg.contains("The largest is 100.0, at cf, positive."))
    }

    @Test func escapesNames() {
        #expect(!drawing.render(SampleReport.grid).contains("<script"))
        #expect(!drawing.render(SampleReport.rates).contains("<script"))
    }

    @Test func drawsWhiskersOfPoints() {
        let chart = LineChart(
            "t", xTitle: "x", yTitle: "y",
            series: [.init("a", [.init(0, 5, interval: 2...30), .init(1, 6)])])
        let drawing = SVGChart(identifier: "c").render(chart)
        #expect(drawing.components(separatedBy: #"class="spread""#).count == 4)
        #expect(drawing.contains("a: 5 [2, 30]"))
        // The axis makes room for the whisker.
        #expect(drawing.contains(">30<"))
    }
}
