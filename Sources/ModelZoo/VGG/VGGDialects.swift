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

extension Dialect {
    /// The rule that takes the prefix of `DataParallel` off, where every name has it.
    static func wrapper(of names: [String]) -> [Rule] {
        !names.isEmpty && names.allSatisfy { $0.hasPrefix("module.") }
            ? [.removePrefix("module.")] : []
    }
}
