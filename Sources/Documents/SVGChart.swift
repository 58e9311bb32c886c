/// Draws charts as SVG that takes its colours from CSS variables, so that it follows the light or
/// dark scheme: those of the HTML page that it lies in, or its own.
struct SVGChart {
    /// The width of every drawing in its own units; the page scales it.
    static let width = 720.0
    /// About how wide a letter of a label is.
    static let letter = 6.4
    /// How many distinct colours there are.
    static let colors = 8

    /// Makes the identifiers of a drawing's title and description unique in the page.
    let identifier: String
    /// Whether it is a file of its own, with colours and a background.
    var standsAlone = false

    /// The drawing's frame: its size, and what it tells a reader who cannot see it.
    func drawing(
        height: Double, title: String, description: String, _ content: [SVGElement]
    ) -> String {
        let titleName = "\(identifier)-title", descriptionName = "\(identifier)-description"
        let size = (SVGElement.number(Self.width), SVGElement.number(height))
        let own = [
            ("xmlns", "http://www.w3.org/2000/svg"), ("width", size.0), ("height", size.1),
        ]
        // A viewer's own background may be of the other scheme.
        let ground = SVGElement.box(
            x: 0, y: 0, width: Self.width, height: height, style: "fill:var(--paper)")
        return SVGElement(
            "svg",
            (standsAlone ? own : []) + [
                ("class", "chart"), ("role", "img"), ("viewBox", "0 0 \(size.0) \(size.1)"),
                ("aria-labelledby", "\(titleName) \(descriptionName)"),
            ],
            [
                SVGElement("title", [("id", titleName)], text: title),
                SVGElement("desc", [("id", descriptionName)], text: description),
            ]
                + (standsAlone
                    ? [.style(ReportStyle.colors + "\n" + ReportStyle.drawings), ground] : [])
                + content
        ).markup
    }

    /// What stands in the place of a drawing without data.
    func empty(title: String) -> String {
        drawing(
            height: 60, title: title, description: "There is no data.",
            [.label("no data", at: (Self.width / 2, 34), anchor: "middle", "label muted")])
    }

    /// The colour of the series at `index` of `count`, as a CSS value.
    static func color(_ index: Int, of count: Int, _ palette: LineChart.Palette) -> String {
        switch palette {
        case .categorical: return "var(--series-\(index % colors + 1))"
        case .sequential:
            return mix(count > 1 ? 0.3 + 0.7 * Double(index) / Double(count - 1) : 1)
        }
    }

    /// The colour at `fraction` of the way from the weakest to the strongest.
    static func mix(_ fraction: Double) -> String {
        let percent = Int((min(max(fraction, 0), 1) * 100).rounded())
        return "color-mix(in oklab, var(--strong) \(percent)%, var(--weak))"
    }

    /// A rough width of a label, in the drawing's units.
    static func width(of text: String) -> Double {
        Double(VisibleText.width(text)) * letter
    }

    /// A text cut to about so many units.
    static func fitted(_ text: String, to units: Double) -> String {
        VisibleText.truncated(VisibleText.line(text), to: max(1, Int(units / letter)))
    }

    /// Coloured keys with names, flowing over as many lines as they need; and the height they take.
    static func legend(
        _ entries: [(name: String, color: String)], top: Double
    ) -> (elements: [SVGElement], height: Double) {
        var elements: [SVGElement] = []
        var x = 12.0, y = top
        for entry in entries {
            let name = fitted(entry.name, to: 200)
            let needed = 20 + width(of: name) + 14
            if x > 12, x + needed > width {
                x = 12
                y += 18
            }
            elements.append(
                .box(x: x, y: y, width: 12, height: 12, style: "fill:\(entry.color)"))
            elements.append(.label(name, at: (x + 18, y + 10)))
            x += needed
        }
        return (elements, entries.isEmpty ? 0 : y - top + 22)
    }
}
