import Checkpoints

/// How VGG checkpoints spell their names.
public enum VGGDialects {
    /// Recognizes the spelling of a state dictionary from the names in it, or nil where it is no
    /// VGG's.
    ///
    /// Canonical names are torchvision's, and NeuBA's `fc`.
    public static func dialect(of names: [String]) -> Dialect? {
        let wrapper = Dialect.wrapper(of: names)
        let plain = names.map(Dialect(name: "", rules: wrapper).canonical)
        func holds(_ name: String) -> Bool { plain.contains(name) }
        if holds("features.0.weight") {
            return Dialect(name: "torchvision", rules: wrapper)
        }
        if holds("net.features.0.weight") {
            return Dialect(
                name: "NeuBA",
                rules: wrapper + [
                    .rename("net.features.**", to: "features.**"),
                    .rename("net.classifier.**", to: "classifier.**"),
                ])
        }
        return nil
    }
}

extension VGGDialects {
    /// Every spelling, wrapped or not as `names` are.
    static func all(of names: [String]) -> [Dialect] {
        ["features.0.weight", "net.features.0.weight"].compactMap {
            dialect(of: [$0])
        }.map { Dialect(name: $0.name, rules: Dialect.wrapper(of: names) + $0.rules) }
    }
}

extension Dialect {
    /// The rules that take the prefix of `DataParallel` off: where every name has it, and where a
    /// name is there with it and without.
    static func wrapper(of names: [String]) -> [Rule] {
        let prefix = "module."
        let wrapped = names.filter { $0.hasPrefix(prefix) }
        if !wrapped.isEmpty, wrapped.count == names.count { return [.removePrefix(prefix)] }
        let all = Set(names)
        return wrapped.map { ($0, String($0.dropFirst(prefix.count))) }
            .filter { all.contains($0.1) }.map { .alias($0.0, of: $0.1) }
    }
}
