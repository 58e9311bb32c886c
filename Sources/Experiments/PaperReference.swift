/// Where the paper has a table's numbers: which of its tables, and which of its row and column a
/// result stands in.
///
/// What is not fixed here is the stage's label of the same name, or of the name that `from` gives.
public struct PaperReference: Sendable, Codable, Equatable {
    /// What tells the paper's numbers apart within a table.
    public enum Key: String, Sendable, Codable, CaseIterable {
        /// `vgg`, `vit`, `clip` or `bert`.
        case model
        /// `neuba`, `por`, `badpre`, or `clean` for no attack.
        case attack
        /// `none`, `fp`, `fp-gm`, `fp-ga`, `recipe`, `only-pretrain` or `only-regularization`.
        case defense
        /// `waste`, `catdog`, `gtsrb`, `cifar10`, `sst2`, `hsol` or `agnews`.
        case task
        /// What else there is: λ in Table 8, after which attack in Table 9.
        case variant
    }

    /// The table's number, from 1 to 10.
    public var table: Int
    /// Values that are the same in all of the table.
    public var fixed: [Key: String]
    /// The stages' labels whose values the others are, by key.
    public var from: [Key: String]

    /// The numbers of the paper's table `table`.
    public init(table: Int, fixed: [Key: String] = [:], from: [Key: String] = [:]) {
        self.table = table
        self.fixed = fixed
        self.from = from
    }

    /// What tells the paper's number for a stage with `labels` apart.
    public func keys(for labels: [String: String]) -> [Key: String] {
        var keys: [Key: String] = [:]
        for key in Key.allCases {
            keys[key] = fixed[key] ?? labels[from[key] ?? key.rawValue]
        }
        return keys
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case table, model, attack, defense, task, variant, from
    }

    /// Reads `table`, the fixed values by their keys, and `from`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        table = try container.decode(Int.self, forKey: .table)
        guard (1...10).contains(table) else {
            throw DecodingError.dataCorruptedError(
                forKey: .table, in: container,
                debugDescription: "the paper has no table \(table): expected 1 to 10")
        }
        fixed = [:]
        for key in Key.allCases {
            guard let name = CodingKeys(rawValue: key.rawValue) else { continue }
            fixed[key] = try container.decodeIfPresent(String.self, forKey: name)
        }
        from = [:]
        guard container.contains(.from) else { return }
        let labels = try container.superDecoder(forKey: .from).strictContainer(keyedBy: Key.self)
        for key in labels.allKeys { from[key] = try labels.decode(String.self, forKey: key) }
    }

    /// Writes what is read.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(table, forKey: .table)
        for (key, value) in fixed {
            guard let name = CodingKeys(rawValue: key.rawValue) else { continue }
            try container.encode(value, forKey: name)
        }
        guard !from.isEmpty else { return }
        var labels = container.nestedContainer(keyedBy: Key.self, forKey: .from)
        for (key, value) in from { try labels.encode(value, forKey: key) }
    }
}

extension PaperReference.Key: CodingKey {}
