import DataPipeline

/// A node of a drawing, escaped when it is written.
struct SVGElement {
    var name: String
    var attributes: [(String, String)]
    var text: String
    var children: [SVGElement]
    /// Whether the text is a style sheet of ours, which keeps its lines and quotes.
    private var isStyle = false

    init(
        _ name: String, _ attributes: [(String, String)] = [], text: String = "",
        _ children: [SVGElement] = []
    ) {
        self.name = name
        self.attributes = attributes
        self.text = text
        self.children = children
    }

    /// A straight line of class `style`.
    static func line(_ start: (Double, Double), _ end: (Double, Double), _ style: String) -> Self {
        Self(
            "line",
            [
                ("class", style), ("x1", number(start.0)), ("y1", number(start.1)),
                ("x2", number(end.0)), ("y2", number(end.1)),
            ])
    }

    /// A line of text whose `anchor` (start, middle, end) stands at a point.
    static func label(
        _ text: String, at point: (Double, Double), anchor: String = "start",
        _ style: String = "label"
    ) -> Self {
        Self(
            "text",
            [
                ("class", style), ("x", number(point.0)), ("y", number(point.1)),
                ("text-anchor", anchor),
            ], text: text)
    }

    /// A filled box with a tooltip.
    static func box(
        x: Double, y: Double, width: Double, height: Double, style: String, tooltip: String? = nil
    ) -> Self {
        Self(
            "rect",
            [
                ("x", number(x)), ("y", number(y)), ("width", number(width)),
                ("height", number(height)), ("style", style),
            ], tooltip.map { [Self("title", text: $0)] } ?? [])
    }

    /// A style sheet.
    static func style(_ sheet: String) -> Self {
        var element = Self("style", text: sheet)
        element.isStyle = true
        return element
    }

    init(_ name: String, _ attributes: [(String, String)], _ children: [SVGElement]) {
        self.init(name, attributes, text: "", children)
    }

    /// The element as markup.
    var markup: String {
        let opening = attributes.reduce(into: "<\(name)") { result, attribute in
            result += " \(attribute.0)=\"\(HTMLText.escape(attribute.1))\""
        }
        let content = (isStyle ? text : HTMLText.escape(text)) + children.map(\.markup).joined()
        return content.isEmpty ? "\(opening)/>" : "\(opening)>\(content)</\(name)>"
    }

    /// A coordinate to a tenth of a unit.
    static func number(_ value: Double) -> String {
        NumberText.exact((value * 10).rounded() / 10)
    }
}

/// Text put into HTML and SVG.
enum HTMLText {
    /// The text as one line that cannot open a tag, an entity or an attribute.
    static func escape(_ text: String) -> String { entities(VisibleText.line(text)) }

    /// As ``escape(_:)``, but lines stay.
    static func escapeLines(_ text: String) -> String { entities(VisibleText.lines(text)) }

    private static func entities(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
