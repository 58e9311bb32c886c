/// Which stages are meant: those whose labels have one of the values listed for each name.
///
/// Written as `{attack: [por, badpre], task: sst2}`.
public struct LabelFilter: Sendable, Codable, Equatable {
    /// The values that a label may have, by its name.
    public var values: [String: [String]]

    /// Stages whose labels have one of `values` each; all stages of none.
    public init(_ values: [String: [String]] = [:]) { self.values = values }

    /// Whether a stage with `labels` is meant; one without a label that is asked for is not.
    public func matches(_ labels: [String: String]) -> Bool {
        values.allSatisfy { name, allowed in labels[name].map(allowed.contains) ?? false }
    }

    private struct Values: Codable {
        var list: [String]

        init(_ list: [String]) { self.list = list }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let one = try? container.decode(String.self) {
                list = [one]
            } else {
                list = try container.decode([String].self)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            if list.count == 1 { try container.encode(list[0]) } else { try container.encode(list) }
        }
    }

    /// Reads a value or a list of values a label.
    public init(from decoder: any Decoder) throws {
        values = try decoder.singleValueContainer().decode([String: Values].self)
            .mapValues(\.list)
    }

    /// Writes a value or a list of values a label.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(values.mapValues(Values.init))
    }
}
