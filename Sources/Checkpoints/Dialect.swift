/// The spelling of parameter names in one file, as rules between it and the canonical names.
///
/// Several names on disk may stand for one canonical parameter: a tied decoder and the embeddings.
/// One tensor on disk may hold several parameters, one below the other: a fused `qkv`.
public struct Dialect: Sendable, Equatable {
    /// One rule, applied in the order of the dialect's list from disk to canonical.
    public enum Rule: Sendable, Equatable {
        /// Every name begins with a prefix that is taken off.
        case removePrefix(String)
        /// Names that begin with one of `parts` get a prefix.
        case addPrefix(String, toParts: [String])
        /// A last component spelled otherwise, where it follows a component, as in
        /// `LayerNorm.gamma` for `LayerNorm.weight`.
        case renameLast(String, to: String, after: String)
        /// A whole name that is another name's copy.
        case alias(String, of: String)
        /// Names of one spelling in another: `blocks.*.norm1.**`, `layer.*.layernorm_before.**`.
        /// A `*` at the end of a component is any text within it, a last `**` the rest of the name;
        /// both spellings have the same of them, in the same order.
        case rename(String, to: String)
        /// Tensors of one spelling that hold several parameters, in equal shares of the rows (the
        /// first dimension), in this order.
        case split(String, into: [String])
        /// Matrices of one spelling that lie transposed under another: rows there are columns here.
        case transpose(String, to: String)
    }

    /// Where a parameter lies on disk: in which tensor, and which of how many equal shares of it.
    public struct Place: Sendable, Hashable {
        /// The tensor's name on disk.
        public let name: String
        /// The share, counted from 0.
        public let share: Int
        /// Into how many shares the tensor's rows are divided; 1 where it is one parameter.
        public let shares: Int
    }

    /// What the dialect is called in messages.
    public let name: String
    /// The rules from disk to canonical.
    public let rules: [Rule]

    /// A dialect of these rules.
    public init(name: String, rules: [Rule]) {
        self.name = name
        self.rules = rules
    }

    /// The canonical names of the parameters that a tensor holds, in the order of its rows: one,
    /// but for tensors that a rule splits.
    public func parameters(in name: String) -> [String] {
        rules.reduce([name]) { names, rule in names.flatMap(rule.apply) }
    }

    /// Whether the tensor called `name` on disk is a matrix whose columns are its parameter's rows.
    public func isTransposed(_ name: String) -> Bool {
        var name = name
        for rule in rules {
            if rule.transposes(name) { return true }
            name = rule.apply(to: name).first ?? name
        }
        return false
    }

    /// The canonical name of a name on disk; of several parameters in one tensor, the first's.
    public func canonical(_ name: String) -> String { parameters(in: name).first ?? name }

    /// Where on disk a canonical name's parameter is: the inverse of `parameters(in:)` but for
    /// aliases, which come out under the name they are a copy of.
    public func place(of name: String) -> Place {
        rules.reversed().reduce(Place(name: name, share: 0, shares: 1)) { place, rule in
            let outer = rule.undo(on: place.name)
            return Place(
                name: outer.name, share: outer.share * place.shares + place.share,
                shares: outer.shares * place.shares)
        }
    }

    /// The name on disk of the tensor that holds a canonical name's parameter.
    public func onDisk(_ name: String) -> String { place(of: name).name }
}

extension Dialect.Rule {
    func apply(to name: String) -> [String] {
        switch self {
        case .removePrefix(let prefix):
            return [name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name]
        case .addPrefix(let prefix, let parts):
            return [parts.contains { name.hasPrefix($0 + ".") } ? prefix + name : name]
        case .renameLast(let old, let new, let parent):
            return [Self.rename(old, to: new, after: parent, in: name)]
        case .alias(let copy, let original):
            return [name == copy ? original : name]
        case .rename(let old, let new):
            return [Self.respell(name, from: old, to: new) ?? name]
        case .split(let fused, let parts):
            let names = parts.compactMap { Self.respell(name, from: fused, to: $0) }
            return names.isEmpty ? [name] : names
        case .transpose(let old, let new):
            return [Self.respell(name, from: old, to: new) ?? name]
        }
    }

    /// Whether the rule takes the tensor of this name for a transposed matrix.
    func transposes(_ name: String) -> Bool {
        guard case .transpose(let old, _) = self else { return false }
        return NamePattern(old).places(in: name) != nil
    }

    func undo(on name: String) -> Dialect.Place {
        func whole(_ name: String) -> Dialect.Place {
            Dialect.Place(name: name, share: 0, shares: 1)
        }
        switch self {
        case .removePrefix(let prefix):
            return whole(prefix + name)
        case .addPrefix(let prefix, let parts):
            guard name.hasPrefix(prefix) else { return whole(name) }
            let rest = String(name.dropFirst(prefix.count))
            return whole(parts.contains { rest.hasPrefix($0 + ".") } ? rest : name)
        case .renameLast(let old, let new, let parent):
            return whole(Self.rename(new, to: old, after: parent, in: name))
        case .alias:
            return whole(name)
        case .rename(let old, let new), .transpose(let old, let new):
            return whole(Self.respell(name, from: new, to: old) ?? name)
        case .split(let fused, let parts):
            for (share, part) in parts.enumerated() {
                guard let found = Self.respell(name, from: part, to: fused) else { continue }
                return Dialect.Place(name: found, share: share, shares: parts.count)
            }
            return whole(name)
        }
    }

    private static func rename(
        _ old: String, to new: String, after parent: String, in name: String
    ) -> String {
        let suffix = parent + "." + old
        guard name == suffix || name.hasSuffix("." + suffix) else { return name }
        return String(name.dropLast(old.count)) + new
    }

    /// `name` in another spelling, or nil where it has not the one.
    private static func respell(_ name: String, from old: String, to new: String) -> String? {
        NamePattern(old).places(in: name).map(NamePattern(new).name)
    }
}
