import Foundation

/// A plan of stages that belong together: its text, understood but not yet expanded.
public struct ExperimentPlan: Sendable {
    /// A set of values that stages are made for.
    public struct Axis: Sendable {
        /// Its name.
        public var name: String
        /// Its values, in order.
        public var values: [Value]
    }

    /// A value of an axis, with the settings that it gives to stages, by their command.
    public struct Value: Sendable {
        /// Its name, which stages' names and labels have.
        public var name: String
        /// Settings by command.
        public var settings: [String: [PlanNode.Entry]]
    }

    /// A pattern of stages: one for each combination of the axes that its name mentions.
    public struct Pattern: Sendable {
        /// Its name, with `$axis` in it.
        public var name: String
        /// Its line.
        public var line: Int?
        /// The command.
        public var command: String
        /// The command's options.
        public var settings: [PlanNode.Entry]
        /// Values of axes that it is not made for, by axis, with the stage that stands in for it.
        public var sameAs: [(axis: String, value: String, stage: PlanNode)]
        /// Values of axes that it is made for alone, by axis.
        public var only: [String: [String]]
        /// How many seconds a stage takes, as the plan's author expects.
        public var expected: Double?
    }

    /// What it is called.
    public var title: String
    /// What it shows.
    public var about: String?
    /// Files and folders, by the names that `$name` refers to.
    public var data: [PlanNode.Entry]
    /// Models that are taken in place of what stages would make, by the stages' names.
    public var given: [PlanNode.Entry]
    /// The axes.
    public var axes: [Axis]
    /// The stages.
    public var patterns: [Pattern]

    static let keys = ["title", "about", "data", "given", "axes", "stages", "report"]

    /// Understands the text of a plan.
    ///
    /// - Throws: ``PlanError``.
    public init(_ root: PlanNode) throws {
        guard case .map = root.content else {
            throw PlanError("expected a plan: the keys title, data, axes and stages", line: 1)
        }
        try Self.check(root, keys: Self.keys, of: "a plan")
        guard let title = root["title"]?.text else {
            throw PlanError("expected a title", line: root["title"]?.line ?? root.line)
        }
        self.title = title
        patterns = []
        about = root["about"]?.text
        data = try Self.entries(root["data"], of: "data")
        for entry in data {
            try Self.check(name: entry.key, line: entry.line)
            guard entry.value.text != nil else {
                throw PlanError(
                    "data ‘\(entry.key)’: expected the path of a file or folder", line: entry.line)
            }
        }
        given = try Self.entries(root["given"], of: "given")
        if let wrong = given.first(where: { $0.value.text == nil }) {
            throw PlanError("given ‘\(wrong.key)’: expected a model’s path", line: wrong.line)
        }
        axes = try Self.entries(root["axes"], of: "axes").map(Self.axis)
        if let both = axes.first(where: { axis in data.contains { $0.key == axis.name } }) {
            throw PlanError("‘\(both.name)’ is the name of data and of an axis: rename one")
        }
        patterns = try Self.entries(root["stages"], of: "stages").map(pattern)
        guard !patterns.isEmpty else {
            throw PlanError("expected at least one stage", line: root["stages"]?.line ?? root.line)
        }
    }

    /// Leaves only some values of an axis.
    ///
    /// - Throws: ``PlanError`` where there is no such axis or value.
    public mutating func narrow(_ axis: String, to values: [String]) throws {
        guard let index = axes.firstIndex(where: { $0.name == axis }) else {
            throw PlanError(
                "--axis: "
                    + Self.unknown("axis", axis, among: axes.map(\.name)))
        }
        let known = axes[index].values.map(\.name)
        if let wrong = values.first(where: { !known.contains($0) }) {
            throw PlanError("--axis \(axis): " + Self.unknown("value", wrong, among: known))
        }
        axes[index].values.removeAll { !values.contains($0.name) }
    }

    // MARK: Reading

    private static func axis(_ entry: PlanNode.Entry) throws -> Axis {
        try check(name: entry.key, line: entry.line)
        let values: [Value]
        switch entry.value.content {
        case .list(let nodes):
            values = try nodes.map { node in
                guard let name = node.text else {
                    throw PlanError("axis ‘\(entry.key)’: expected names", line: node.line)
                }
                try check(value: name, line: node.line)
                return Value(name: name, settings: [:])
            }
        case .map(let entries):
            values = try entries.map { value in
                try check(value: value.key, line: value.line)
                var settings: [String: [PlanNode.Entry]] = [:]
                for part in try self.entries(value.value, of: value.key) {
                    settings[part.key] = try self.entries(part.value, of: part.key)
                }
                return Value(name: value.key, settings: settings)
            }
        default:
            throw PlanError(
                "axis ‘\(entry.key)’: expected a list of values, or values with settings",
                line: entry.line)
        }
        if let twice = Dictionary(grouping: values, by: \.name).first(where: { $1.count > 1 }) {
            throw PlanError("axis ‘\(entry.key)’ has ‘\(twice.key)’ twice", line: entry.line)
        }
        guard !values.isEmpty else {
            throw PlanError("axis ‘\(entry.key)’ has no values", line: entry.line)
        }
        return Axis(name: entry.key, values: values)
    }

    private func pattern(_ entry: PlanNode.Entry) throws -> Pattern {
        do {
            var settings = try Self.entries(entry.value, of: entry.key)
            func take(_ key: String) -> PlanNode? {
                guard let index = settings.firstIndex(where: { $0.key == key }) else { return nil }
                return settings.remove(at: index).value
            }
            guard let command = take("command")?.text else {
                throw PlanError(
                    "expected a command, such as ‘command: purify’", line: entry.line)
            }
            let expected = try take("expect").map(Self.seconds)
            var sameAs: [(axis: String, value: String, stage: PlanNode)] = []
            for part in try Self.entries(take("same-as"), of: "same-as") {
                for value in try Self.entries(part.value, of: part.key) {
                    try check(part.key, [value.key], line: value.line)
                    sameAs.append((part.key, value.key, value.value))
                }
            }
            var only: [String: [String]] = [:]
            for part in try Self.entries(take("only"), of: "only") {
                let values = Self.texts(part.value)
                try check(part.key, values, line: part.line)
                only[part.key] = values
            }
            return Pattern(
                name: entry.key, line: entry.line, command: command, settings: settings,
                sameAs: sameAs, only: only, expected: expected)
        } catch var error as PlanError {
            error.stage = error.stage ?? entry.key
            throw error
        }
    }

    private func check(_ axis: String, _ values: [String], line: Int?) throws {
        guard let known = axes.first(where: { $0.name == axis })?.values.map(\.name) else {
            throw PlanError(Self.unknown("axis", axis, among: axes.map(\.name)), line: line)
        }
        if let wrong = values.first(where: { !known.contains($0) }) {
            throw PlanError(
                "axis ‘\(axis)’: " + Self.unknown("value", wrong, among: known), line: line)
        }
    }

    static func texts(_ node: PlanNode) -> [String] {
        if case .list(let nodes) = node.content { return nodes.compactMap(\.text) }
        return [node.text].compactMap { $0 }
    }

    private static func entries(_ node: PlanNode?, of name: String) throws -> [PlanNode.Entry] {
        guard let node else { return [] }
        guard let entries = node.entries else {
            throw PlanError("‘\(name)’: expected keys with values", line: node.line)
        }
        return entries
    }

    private static func check(_ node: PlanNode, keys: [String], of what: String) throws {
        for entry in node.entries ?? [] where !keys.contains(entry.key) {
            throw PlanError(
                unknown("key of \(what)", entry.key, among: keys), line: entry.line)
        }
    }

    private static func check(name: String, line: Int?) throws {
        let isWord = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        guard isWord, name.first?.isNumber == false else {
            throw PlanError(
                "‘\(name)’: expected a name of letters, digits and _, which does not begin with a "
                    + "digit", line: line)
        }
    }

    private static func check(value: String, line: Int?) throws {
        guard isFileName(value) else {
            throw PlanError(
                "‘\(value)’: expected letters, digits and . - _ + =, for folders are named by it",
                line: line)
        }
    }

    static func isFileName(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix(".")
            && name.allSatisfy {
                $0.isASCII && ($0.isLetter || $0.isNumber || "._-+=".contains($0))
            }
    }

    /// What is said of a name that is not known.
    public static func unknown(_ kind: String, _ name: String, among known: [String]) -> String {
        let hint =
            suggestion(for: name, among: known).map { "did you mean ‘\($0)’?" }
            ?? (known.isEmpty
                ? "there is none" : "expected one of \(known.joined(separator: ", "))")
        return "unknown \(kind) ‘\(name)’: \(hint)"
    }

    /// The seconds of a time such as `90 s`, `12 min`, or `1 h 20 min`.
    static func seconds(_ node: PlanNode) throws -> Double {
        let words = (node.text ?? "").split(separator: " ")
        let units = ["s": 1.0, "min": 60, "h": 3600]
        var total = 0.0
        for index in stride(from: 0, to: words.count - 1, by: 2) {
            guard let number = Double(words[index]), let unit = units[String(words[index + 1])],
                number.isFinite, number >= 0
            else { break }
            total += number * unit
        }
        guard total > 0, words.count.isMultiple(of: 2) else {
            throw PlanError("expect: expected a time such as ‘12 min’", line: node.line)
        }
        return total
    }
}
