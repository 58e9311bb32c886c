/// The spelling of a family of names: dot-separated components, where a trailing `*` stands for any
/// text within one component and a last component `**` for the rest of the name, at least one.
///
/// `blocks.*.norm1.**` spells `blocks.3.norm1.weight` with `3` and `weight` in its places.
struct NamePattern {
    private let components: [Substring]
    private let hasRest: Bool

    init(_ text: String) {
        var components = text.split(separator: ".", omittingEmptySubsequences: false)
        hasRest = components.last == "**"
        if hasRest { components.removeLast() }
        self.components = components
    }

    /// What stands in the places of `name`, or nil where it is spelled otherwise.
    func places(in name: String) -> [Substring]? {
        let found = name.split(separator: ".", omittingEmptySubsequences: false)
        guard hasRest ? found.count > components.count : found.count == components.count else {
            return nil
        }
        var places: [Substring] = []
        for (component, part) in zip(components, found) {
            if component.last == "*" {
                guard part.hasPrefix(component.dropLast()) else { return nil }
                places.append(part.dropFirst(component.count - 1))
            } else if component != part {
                return nil
            }
        }
        if hasRest { places.append(found[components.count...].joined(separator: ".")[...]) }
        return places
    }

    /// The name with these in its places.
    func name(with places: [Substring]) -> String {
        var rest = places[...]
        var parts = components.map { component in
            guard component.last == "*", let place = rest.popFirst() else {
                return String(component)
            }
            return component.dropLast() + String(place)
        }
        if hasRest, let place = rest.popFirst() { parts.append(String(place)) }
        return parts.joined(separator: ".")
    }
}
