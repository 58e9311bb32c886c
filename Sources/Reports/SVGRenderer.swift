/// Writes a report's drawings as SVG files of their own, which need nothing else: they have their
/// style, and follow the light or dark scheme.
public struct SVGRenderer: Sendable {
    /// A drawing as a file.
    public struct File: Sendable, Equatable {
        /// Its name, of the drawing's number and title.
        public var name: String
        /// What the drawing shows.
        public var title: String
        /// The file's content.
        public var content: String
    }

    /// Makes a renderer.
    public init() {}

    /// The drawings in reading order.
    public func render(_ document: ReportDocument) -> [File] {
        document.sections.flatMap(\.blocks).filter { $0.chartTitle != nil }.enumerated().map {
            let name = Self.fileName(of: $1, number: $0 + 1) ?? ""
            return File(
                name: name, title: $1.chartTitle ?? "",
                content: Self.drawing(of: $1, in: SVGChart(identifier: "chart", standsAlone: true)))
        }
    }

    /// The name of the file that the drawing of a number in its report is written to, nil for what
    /// is no drawing.
    static func fileName(of block: ReportBlock, number: Int) -> String? {
        guard let title = block.chartTitle else { return nil }
        let words = title.lowercased().split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
        return (["\(number)"] + words.prefix(8).map(String.init)).joined(separator: "-") + ".svg"
    }

    private static func drawing(of block: ReportBlock, in chart: SVGChart) -> String {
        switch block {
        case .lineChart(let lines): chart.render(lines)
        case .barChart(let bars): chart.render(bars)
        case .heatMap(let map): chart.render(map)
        case .heading, .paragraph, .table, .keyValues, .code, .callout: ""
        }
    }
}

extension ReportBlock {
    /// The title of a drawing, nil for what is none.
    var chartTitle: String? {
        switch self {
        case .lineChart(let chart): chart.title
        case .barChart(let chart): chart.title
        case .heatMap(let chart): chart.title
        case .heading, .paragraph, .table, .keyValues, .code, .callout: nil
        }
    }
}
