/// A plan's `report` section: the tables and figures that a run is laid out as, in reading order.
public struct ReportPlan: Sendable, Codable, Equatable {
    /// The tables and figures.
    public var items: [ReportItem]

    /// A report of `items`.
    public init(_ items: [ReportItem]) { self.items = items }

    /// Reads a list of items.
    public init(from decoder: any Decoder) throws {
        items = try decoder.singleValueContainer().decode([ReportItem].self)
    }

    /// Writes a list of items.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(items)
    }
}

/// A table or a figure of a report.
public enum ReportItem: Sendable, Codable, Equatable {
    /// A table of results.
    case table(TablePlan)
    /// A drawing.
    case figure(FigurePlan)

    private enum CodingKeys: String, CodingKey { case table, figure }

    /// Reads an item, which its key `table` or `figure` tells apart.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch (container.contains(.table), container.contains(.figure)) {
        case (true, false): self = .table(try TablePlan(from: decoder))
        case (false, true): self = .figure(try FigurePlan(from: decoder))
        default:
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "expected either the key ‘table’ or the key ‘figure’"))
        }
    }

    /// Writes the keys of the table or figure.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .table(let plan): try plan.encode(to: encoder)
        case .figure(let plan): try plan.encode(to: encoder)
        }
    }
}

/// A number of a result that tables and curves show.
public enum ReportMetric: String, Sendable, Codable, CaseIterable {
    /// Accuracy without triggers.
    case acc
    /// Attack success, the mean over triggers.
    case aasr
    /// Attack success, the largest over triggers.
    case masr
    /// AASR less the floor's.
    case excess
    /// The share of neurons that poisoned samples activate which clean ones activate too, before
    /// purification.
    case overlapBefore = "overlap-before"
    /// The same after purification.
    case overlapAfter = "overlap-after"
    /// The number of neurons that only poisoned samples activate, before purification.
    case onlyPoisonedBefore = "only-poisoned-before"
    /// The same after purification.
    case onlyPoisonedAfter = "only-poisoned-after"

    /// Reads a metric's name.
    public init(from decoder: any Decoder) throws { self = try Self.named(by: decoder) }
}

/// A table of a report: stages laid out by their labels, a mean over all that agree in them.
public struct TablePlan: Sendable, Codable, Equatable {
    /// What the table is called.
    public var table: String
    /// What it shows, in a sentence.
    public var about: String?
    /// Which stages it is about; all without.
    public var `where`: LabelFilter
    /// The labels that rows are told apart by; rows with the same first label form a group, within
    /// which the best value is marked.
    public var rows: [String]
    /// The labels that columns are told apart by.
    public var columns: [String]
    /// What each column shows.
    public var metrics: [ReportMetric]
    /// The stages of the clean model, whose AASR is the floor of the rows that agree with it in
    /// every label that is not named here; by default each evaluation's own reference.
    public var floor: LabelFilter?
    /// What label values are shown as, by value.
    public var names: [String: String]
    /// Where the paper has the same numbers.
    public var paper: PaperReference?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case table, about, `where`, rows, columns, metrics, floor, names, paper
    }

    /// A table called `table`.
    public init(
        _ table: String, about: String? = nil, where filter: LabelFilter = LabelFilter(),
        rows: [String] = ["attack", "defense"], columns: [String] = ["task"],
        metrics: [ReportMetric] = [.acc, .aasr, .masr], floor: LabelFilter? = nil,
        names: [String: String] = [:], paper: PaperReference? = nil
    ) {
        self.table = table
        self.about = about
        self.where = filter
        self.rows = rows
        self.columns = columns
        self.metrics = metrics
        self.floor = floor
        self.names = names
        self.paper = paper
    }

    /// Reads a table; keys that are left out have their defaults, and others are errors.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        self.init(try container.decode(String.self, forKey: .table))
        about = try container.decodeIfPresent(String.self, forKey: .about)
        `where` = try container.decodeIfPresent(LabelFilter.self, forKey: .where) ?? `where`
        rows = try container.decodeIfPresent([String].self, forKey: .rows) ?? rows
        columns = try container.decodeIfPresent([String].self, forKey: .columns) ?? columns
        metrics = try container.decodeIfPresent([ReportMetric].self, forKey: .metrics) ?? metrics
        floor = try container.decodeIfPresent(LabelFilter.self, forKey: .floor)
        names = try container.decodeIfPresent([String: String].self, forKey: .names) ?? names
        paper = try container.decodeIfPresent(PaperReference.self, forKey: .paper)
        for (key, list) in [(CodingKeys.rows, rows.count), (.metrics, metrics.count)]
        where list == 0 {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: container,
                debugDescription: "expected at least one of ‘\(key.stringValue)’")
        }
    }
}
