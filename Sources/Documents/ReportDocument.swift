/// A report as data: a title and sections, rendered by ``MarkdownRenderer``, ``HTMLRenderer`` and
/// ``TerminalRenderer``.
public struct ReportDocument: Sendable, Equatable {
    /// What the report is about.
    public var title: String
    /// One line under the title.
    public var summary: InlineText?
    /// The sections in reading order.
    public var sections: [ReportSection]

    /// Makes a report.
    public init(title: String, summary: InlineText? = nil, sections: [ReportSection] = []) {
        self.title = title
        self.summary = summary
        self.sections = sections
    }

    /// Every table of the report in reading order, those of its charts not included.
    public var tables: [ReportTable] {
        sections.flatMap(\.blocks).compactMap { block in
            if case .table(let table) = block { table } else { nil }
        }
    }
}

/// A titled part of a report.
public struct ReportSection: Sendable, Equatable {
    /// The heading of the section.
    public var title: String
    /// What the section holds, in reading order.
    public var blocks: [ReportBlock]

    /// Makes a section.
    public init(_ title: String, _ blocks: [ReportBlock] = []) {
        self.title = title
        self.blocks = blocks
    }
}

/// One piece of a section.
public enum ReportBlock: Sendable, Equatable {
    /// A heading below the section's own.
    case heading(String)
    /// A paragraph of prose.
    case paragraph(InlineText)
    /// A table.
    case table(ReportTable)
    /// Names with a value each, such as a run's settings.
    case keyValues([KeyValue])
    /// Commands or other text that must keep its lines.
    case code(CodeBlock)
    /// Lines over a common axis.
    case lineChart(LineChart)
    /// Bars in groups.
    case barChart(BarChart)
    /// A grid of values shown as colours.
    case heatMap(HeatMap)
    /// A note or warning set apart from the text.
    case callout(Callout)
}

/// A name and its value.
public struct KeyValue: Sendable, Equatable {
    /// The name.
    public var key: String
    /// The value.
    public var value: InlineText

    /// Makes a pair.
    public init(_ key: String, _ value: InlineText) {
        self.key = key
        self.value = value
    }
}

/// Text that keeps its lines and spaces.
public struct CodeBlock: Sendable, Equatable {
    /// The text.
    public var text: String
    /// The language that Markdown viewers may colour it by, such as `sh`.
    public var language: String

    /// Makes a block.
    public init(_ text: String, language: String = "sh") {
        self.text = text
        self.language = language
    }
}

/// A note or warning set apart from the text.
public struct Callout: Sendable, Equatable {
    /// How urgent a callout is.
    public enum Kind: String, Sendable {
        /// Worth knowing.
        case note
        /// Changes how the results must be read.
        case warning
    }

    /// How urgent it is.
    public var kind: Kind
    /// What it says.
    public var text: InlineText

    /// Makes a callout.
    public init(_ kind: Kind, _ text: InlineText) {
        self.kind = kind
        self.text = text
    }
}
