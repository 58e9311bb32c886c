/// Writes a report's drawings as SVG files of their own, which need nothing else: they have their
/// style, and follow the light or dark scheme.
public struct SVGRenderer: Sendable {
    /// A drawing as a file.
    public struct File: Sendable, Equatable {
        /// Its name, of the drawing's number and title.
        public var name: String
        /// The file's content.
        public var content: String
    }

    /// Makes a renderer.
    public init() {}

    /// The drawings in reading order.
    public func render(_ document: ReportDocument) -> [File] {
        let chart = SVGChart(identifier: "chart", standsAlone: true)
        var files: [File] = []
        for block in document.sections.flatMap(\.blocks) {
            guard let name = Self.fileName(of: block, number: files.count + 1),
                let content = chart.render(block)
            else { continue }
            files.append(File(name: name, content: content))
        }
        return files
    }

    /// The name of the file that the drawing of a number in its report is written to, nil for what
    /// is no drawing.
    static func fileName(of block: ReportBlock, number: Int) -> String? {
        guard let title = block.chartTitle else { return nil }
        let words = title.lowercased().split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
        // File systems take 255 bytes, and a plan may have a longer title.
        let name = (["\(number)"] + words.prefix(8).map(String.init)).joined(separator: "-")
        return name.prefix(80) + ".svg"
    }
}

extension SVGChart {
    /// The drawing of a block, nil for what is none.
    fileprivate func render(_ block: ReportBlock) -> String? {
        switch block {
        case .lineChart(let chart): render(chart)
        case .barChart(let chart): render(chart)
        case .heatMap(let chart): render(chart)
        case .heading, .paragraph, .table, .keyValues, .code, .callout: nil
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
