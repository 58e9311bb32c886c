import Foundation

extension ExperimentPlan {
    /// No plan needs more, and a slip of the pen makes them easily.
    static let maximumStages = 10_000

    /// The stages of all patterns, each after those that it depends on.
    ///
    /// - Throws: ``PlanError`` for names that are not known, cycles, and stages that are made twice.
    public func stages() throws -> [GridStage] {
        var stages: [GridStage] = []
        var stands: [String: (stage: String, line: Int?)] = [:]
        for pattern in patterns {
            do {
                for labels in try combinations(of: pattern) {
                    if let other = try standIn(for: pattern, labels) {
                        stands[try name(of: pattern, labels)] = other
                    } else {
                        stages.append(try stage(pattern, labels))
                    }
                }
            } catch var error as PlanError {
                error.stage = error.stage ?? pattern.name
                error.line = error.line ?? pattern.line
                throw error
            }
            guard stages.count <= Self.maximumStages else {
                throw PlanError("makes more than \(Self.maximumStages) stages")
            }
        }
        try refuseTwins(stages, stands.map(\.key))
        return try replacingGiven(in: try sorted(try resolved(stages, stands)))
    }

    /// The axes that a text mentions, in the plan's order.
    private func axes(in text: String, line: Int?) throws -> [Axis] {
        let names = try Self.pieces(of: text, line: line).compactMap(\.name)
        for name in names where !axes.contains(where: { $0.name == name }) {
            throw PlanError(
                Self.unknown("axis", name, among: axes.map(\.name)), line: line)
        }
        return axes.filter { names.contains($0.name) }
    }

    private func combinations(of pattern: Pattern) throws -> [[String: String]] {
        var all: [[String: String]] = [[:]]
        for axis in try axes(in: pattern.name, line: pattern.line) {
            let allowed = pattern.only[axis.name]
            let values = axis.values.map(\.name).filter { allowed?.contains($0) ?? true }
            guard all.count * values.count <= Self.maximumStages else {
                throw PlanError("makes more than \(Self.maximumStages) stages")
            }
            all = all.flatMap { labels in
                values.map { labels.merging([axis.name: $0]) { $1 } }
            }
        }
        return all
    }

    private func standIn(
        for pattern: Pattern, _ labels: [String: String]
    ) throws -> (stage: String, line: Int?)? {
        guard
            let rule = pattern.sameAs.first(where: { labels[$0.axis] == $0.value })
        else { return nil }
        guard let text = rule.stage.text, let reference = Self.reference(text),
            reference.path == nil
        else {
            throw PlanError("same-as: expected a stage, such as <clean>", line: rule.stage.line)
        }
        return (try fill(reference.stage, labels, line: rule.stage.line), rule.stage.line)
    }

    private func name(of pattern: Pattern, _ labels: [String: String]) throws -> String {
        let name = try fill(pattern.name, labels, line: pattern.line)
        guard
            name.split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy({ Self.isFileName(String($0)) })
        else {
            throw PlanError(
                "‘\(name)’: expected letters, digits and . - _ + =, with / between parts",
                line: pattern.line)
        }
        return name
    }

    private func stage(_ pattern: Pattern, _ labels: [String: String]) throws -> GridStage {
        var settings = pattern.settings
        var owner: [String: String] = [:]
        var expected = pattern.expected
        for axis in axes {
            guard let value = axis.values.first(where: { $0.name == labels[axis.name] }) else {
                continue
            }
            for entry in value.settings[pattern.command] ?? [] {
                if let other = owner.updateValue(axis.name, forKey: entry.key) {
                    throw PlanError(
                        "‘\(entry.key)’ is set by the axes ‘\(other)’ and ‘\(axis.name)’",
                        line: entry.line)
                }
                if entry.key == "expect" {
                    expected = try Self.seconds(entry.value)
                } else if let index = settings.firstIndex(where: { $0.key == entry.key }) {
                    // Whoever refers to a stage means it: another model would be measured under
                    // its name.
                    if let text = settings[index].value.text, Self.reference(text) != nil {
                        throw PlanError(
                            "‘\(entry.key)’ is \(text) here, and the axis ‘\(axis.name)’ sets it too: "
                                + "leave one of them out", line: settings[index].line)
                    }
                    settings[index] = entry
                } else {
                    settings.append(entry)
                }
            }
        }
        return GridStage(
            name: try name(of: pattern, labels), pattern: pattern.name, line: pattern.line,
            command: pattern.command, labels: labels,
            settings: try settings.compactMap { try setting($0, labels) },
            expected: expected)
    }

    private func setting(
        _ entry: PlanNode.Entry, _ labels: [String: String]
    ) throws -> GridStage.Setting? {
        let nodes: [PlanNode]
        switch entry.value.content {
        case .nothing: return nil
        case .text: nodes = [entry.value]
        case .list(let list): nodes = list
        case .map:
            throw PlanError(
                "‘\(entry.key)’: expected a value or a list of values", line: entry.line)
        }
        let line = entry.line ?? entry.value.line
        return GridStage.Setting(
            entry.key, try nodes.map { try value($0, labels, line: line) }, line: line)
    }

    private func value(
        _ node: PlanNode, _ labels: [String: String], line: Int?
    ) throws -> GridStage.Value {
        guard case .text(let text, let isQuoted) = node.content else {
            throw PlanError("expected a value", line: node.line ?? line)
        }
        if !isQuoted, text == "true" || text == "false" { return .flag(text == "true") }
        if let reference = Self.reference(text) {
            return .stage(
                name: try fill(reference.stage, labels, line: line),
                path: try reference.path.map { try fill($0, labels, line: line) })
        }
        let pieces = try Self.pieces(of: text, line: line)
        if let name = pieces.first?.name, data.contains(where: { $0.key == name }) {
            let rest = try pieces.dropFirst().map { try fill($0, labels, line: line) }.joined()
            return .data(name: name, rest: rest)
        }
        return .text(try pieces.map { try fill($0, labels, line: line) }.joined())
    }

    // MARK: Names in texts

    private enum Piece {
        case text(String)
        case variable(String)

        var name: String? { if case .variable(let name) = self { name } else { nil } }
    }

    /// The stage and the file in its folder that `<stage>` or `<stage:file>` refers to.
    private static func reference(_ text: String) -> (stage: String, path: String?)? {
        guard text.hasPrefix("<"), text.hasSuffix(">"), text.count > 2 else { return nil }
        let parts = text.dropFirst().dropLast().split(separator: ":", maxSplits: 1)
        guard let stage = parts.first else { return nil }
        return (String(stage), parts.count > 1 ? String(parts[1]) : nil)
    }

    /// Cuts a text at `$name` and `${name}`; `$$` is a dollar.
    private static func pieces(of text: String, line: Int?) throws -> [Piece] {
        var pieces: [Piece] = []
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            if dollar > rest.startIndex { pieces.append(.text(String(rest[..<dollar]))) }
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                pieces.append(.text("$"))
                rest = rest.dropFirst()
                continue
            }
            let isBraced = rest.first == "{"
            if isBraced { rest = rest.dropFirst() }
            let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            rest = rest[name.endIndex...]
            guard !name.isEmpty, !isBraced || rest.first == "}" else {
                throw PlanError(
                    "‘\(text)’: expected a name after $, as in $name or ${name}; $$ is a dollar",
                    line: line)
            }
            if isBraced { rest = rest.dropFirst() }
            pieces.append(.variable(String(name)))
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        return pieces
    }

    private func fill(_ text: String, _ labels: [String: String], line: Int?) throws -> String {
        try Self.pieces(of: text, line: line).map { try fill($0, labels, line: line) }.joined()
    }

    private func fill(_ piece: Piece, _ labels: [String: String], line: Int?) throws -> String {
        switch piece {
        case .text(let text): return text
        case .variable(let name):
            if let value = labels[name] { return value }
            if axes.contains(where: { $0.name == name }) {
                throw PlanError(
                    "$\(name) is an axis that the stage's name does not mention", line: line)
            }
            if data.contains(where: { $0.key == name }) {
                throw PlanError("$\(name) is data, and can only begin a path", line: line)
            }
            throw PlanError(
                Self.unknown("name", name, among: data.map(\.key) + labels.keys.sorted()),
                line: line)
        }
    }

    // MARK: The graph

    private func refuseTwins(_ stages: [GridStage], _ stands: [String]) throws {
        var seen: Set<String> = []
        // Two names may also come to one folder.
        for name in stages.map(\.name) + stands
        where !seen.insert(name.replacingOccurrences(of: "/", with: "__")).inserted {
            let line = stages.last { $0.name == name }?.line
            throw PlanError("there are two stages of this name", line: line, stage: name)
        }
    }

    /// Puts in place of each reference the stage that is meant in the end.
    private func resolved(
        _ stages: [GridStage], _ stands: [String: (stage: String, line: Int?)]
    ) throws -> [GridStage] {
        let names = Set(stages.map(\.name))
        func meant(_ name: String, by stage: String, line: Int?) throws -> String {
            var name = name
            for _ in 0...stands.count {
                guard let next = stands[name]?.stage else { break }
                name = next
            }
            guard names.contains(name) else {
                throw PlanError(
                    Self.unknown("stage", name, among: (names.union(stands.keys)).sorted()),
                    line: line, stage: stage)
            }
            return name
        }
        for (name, stand) in stands { _ = try meant(stand.stage, by: name, line: stand.line) }
        return try stages.map { stage in
            var stage = stage
            for index in stage.settings.indices {
                let line = stage.settings[index].line
                stage.settings[index].values = try stage.settings[index].values.map { value in
                    guard case .stage(let name, let path) = value else { return value }
                    return .stage(name: try meant(name, by: stage.name, line: line), path: path)
                }
            }
            return stage
        }
    }

    /// The plan's order, but each stage after those that it depends on.
    private func sorted(_ stages: [GridStage]) throws -> [GridStage] {
        let byName = Dictionary(stages.map { ($0.name, $0) }) { first, _ in first }
        var done: Set<String> = []
        var open: [String] = []
        var order: [GridStage] = []
        func visit(_ stage: GridStage) throws {
            guard !done.contains(stage.name) else { return }
            if let start = open.firstIndex(of: stage.name) {
                let circle = (open[start...] + [stage.name]).joined(separator: " → ")
                throw PlanError(
                    "stages wait for each other: \(circle)", line: stage.line, stage: stage.name)
            }
            open.append(stage.name)
            for name in stage.dependencies { if let other = byName[name] { try visit(other) } }
            open.removeLast()
            done.insert(stage.name)
            order.append(stage)
        }
        for stage in stages { try visit(stage) }
        return order
    }
}
