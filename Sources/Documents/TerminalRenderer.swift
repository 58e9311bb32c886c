/// Writes a report for a terminal or a plain text file.
public struct TerminalRenderer: Sendable {
    /// How many columns a line may take; tables narrow their text to fit where they can.
    public var width: Int
    /// Whether escape sequences for bold and colour may be written.
    public var usesColor: Bool
    /// Whether boxes, bars and sparklines may use characters beyond ASCII.
    public var usesUnicode: Bool

    /// Makes a renderer.
    public init(width: Int = 80, usesColor: Bool = false, usesUnicode: Bool = true) {
        self.width = max(width, 20)
        self.usesColor = usesColor
        self.usesUnicode = usesUnicode
    }

    /// The whole report, ending in a line break.
    public func render(_ document: ReportDocument) -> String {
        var parts = [styled(VisibleText.line(document.title), .bold)]
        if let summary = document.summary { parts.append(wrapped(inline(summary))) }
        for section in document.sections {
            parts.append(styled(VisibleText.line(section.title), .heading))
            parts += section.blocks.map(render)
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func render(_ block: ReportBlock) -> String {
        switch block {
        case .heading(let title): styled(VisibleText.line(title), .bold)
        case .paragraph(let text): wrapped(inline(text))
        case .table(let table): render(table)
        case .keyValues(let pairs): render(pairs)
        case .code(let code): indented(VisibleText.lines(code.text))
        case .lineChart(let chart): render(chart)
        case .barChart(let chart): render(chart)
        case .heatMap(let chart): render(chart.table)
        case .callout(let callout):
            styled(callout.kind.rawValue.uppercased(), callout.kind == .note ? .heading : .warning)
                + ": " + wrapped(inline(callout.text), after: callout.kind.rawValue.count + 2)
        }
    }

    private func render(_ pairs: [KeyValue]) -> String {
        let names = pairs.map { VisibleText.line($0.key) }
        let widest = min(names.map(VisibleText.width).max() ?? 0, width / 2)
        return zip(names, pairs).map { (name, pair) in
            styled(VisibleText.padded(name, to: widest), .faint) + "  " + inline(pair.value)
        }.joined(separator: "\n")
    }

    private func indented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : "    \($0)" }.joined(separator: "\n")
    }

    private func inline(_ text: InlineText) -> String { VisibleText.line(text.plain) }

    /// The text broken at spaces so that no line is wider than the terminal; words are kept whole.
    private func wrapped(_ text: String, after used: Int = 0) -> String {
        var lines = [""]
        var column = used
        for word in text.split(separator: " ") {
            let length = VisibleText.width(String(word))
            if !lines[lines.count - 1].isEmpty {
                if column + 1 + length > width {
                    lines.append("")
                    column = 0
                } else {
                    lines[lines.count - 1] += " "
                    column += 1
                }
            }
            lines[lines.count - 1] += word
            column += length
        }
        return lines.joined(separator: "\n")
    }
}

extension TerminalRenderer {
    enum Style: String {
        case bold = "1"
        case faint = "2"
        case heading = "1;36"
        case warning = "1;33"
        case best = "1;32"
    }

    func styled(_ text: String, _ style: Style) -> String {
        usesColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }
}
