/// A drawing of a report.
public struct FigurePlan: Sendable, Codable, Equatable {
    /// What is drawn.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// Metrics over a label that is a number, such as the epochs of a purification (Figure 3).
        case curve
        /// Overlap ratios of neurons before and after (Figure 2).
        case overlap
        /// Losses of training stages over their steps.
        case losses
        /// Norms of watched matrices of training stages, relative to their beginning.
        case norms
        /// Attack success by trigger and label.
        case success

        /// Reads a kind's name.
        public init(from decoder: any Decoder) throws { self = try Self.named(by: decoder) }
    }

    /// What is drawn.
    public var figure: Kind
    /// What the figure is called.
    public var title: String?
    /// What it shows, in a sentence.
    public var about: String?
    /// Which stages it is about; all without.
    public var `where`: LabelFilter
    /// The label on the horizontal axis of a curve.
    public var x: String
    /// What a curve shows.
    public var y: [ReportMetric]
    /// The labels that lines, bars or drawings are told apart by.
    public var series: [String]
    /// What label values are shown as, by value.
    public var names: [String: String]

    enum CodingKeys: String, CodingKey, CaseIterable {
        case figure, title, about, `where`, x, y, series, names
    }

    /// A drawing of `figure`.
    public init(
        _ figure: Kind, title: String? = nil, about: String? = nil,
        where filter: LabelFilter = LabelFilter(), x: String = "epoch",
        y: [ReportMetric] = [.acc, .masr], series: [String] = [], names: [String: String] = [:]
    ) {
        self.figure = figure
        self.title = title
        self.about = about
        self.where = filter
        self.x = x
        self.y = y
        self.series = series
        self.names = names
    }

    /// Reads a figure; keys that are left out have their defaults, and others are errors.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        self.init(try container.decode(Kind.self, forKey: .figure))
        title = try container.decodeIfPresent(String.self, forKey: .title)
        about = try container.decodeIfPresent(String.self, forKey: .about)
        `where` = try container.decodeIfPresent(LabelFilter.self, forKey: .where) ?? `where`
        x = try container.decodeIfPresent(String.self, forKey: .x) ?? x
        y = try container.decodeIfPresent([ReportMetric].self, forKey: .y) ?? y
        series = try container.decodeIfPresent([String].self, forKey: .series) ?? series
        names = try container.decodeIfPresent([String: String].self, forKey: .names) ?? names
        if figure == .curve, y.isEmpty {
            throw DecodingError.dataCorruptedError(
                forKey: .y, in: container, debugDescription: "expected at least one of ‘y’")
        }
    }
}
