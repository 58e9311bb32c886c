/// The spelling of parameter names in one file, as rules between it and the canonical names.
///
/// Several names on disk may stand for one canonical parameter: a tied decoder and the embeddings.
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

    /// The canonical name of a name on disk.
    public func canonical(_ name: String) -> String { rules.reduce(name) { $1.apply(to: $0) } }

    /// The name on disk of a canonical name: the inverse of `canonical` but for aliases, which
    /// come out under the name they are a copy of.
    public func onDisk(_ name: String) -> String {
        rules.reversed().reduce(name) { $1.undo(on: $0) }
    }
}

extension Dialect.Rule {
    func apply(to name: String) -> String {
        switch self {
        case .removePrefix(let prefix):
            return name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
        case .addPrefix(let prefix, let parts):
            return parts.contains { name.hasPrefix($0 + ".") } ? prefix + name : name
        case .renameLast(let old, let new, let parent):
            return Self.rename(old, to: new, after: parent, in: name)
        case .alias(let copy, let original):
            return name == copy ? original : name
        }
    }

    func undo(on name: String) -> String {
        switch self {
        case .removePrefix(let prefix):
            return prefix + name
        case .addPrefix(let prefix, let parts):
            guard name.hasPrefix(prefix) else { return name }
            let rest = String(name.dropFirst(prefix.count))
            return parts.contains { rest.hasPrefix($0 + ".") } ? rest : name
        case .renameLast(let old, let new, let parent):
            return Self.rename(new, to: old, after: parent, in: name)
        case .alias:
            return name
        }
    }

    private static func rename(
        _ old: String, to new: String, after parent: String, in name: String
    ) -> String {
        let suffix = parent + "." + old
        guard name == suffix || name.hasSuffix("." + suffix) else { return name }
        return String(name.dropLast(old.count)) + new
    }
}
