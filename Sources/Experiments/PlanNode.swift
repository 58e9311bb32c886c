/// A value of a plan's text, with the line it stands in.
public struct PlanNode: Sendable, Equatable {
    /// What stands there.
    public enum Content: Sendable, Equatable {
        /// Nothing, or `null`.
        case nothing
        /// A word, number or text; quoted text is never a reference or a switch.
        case text(String, isQuoted: Bool)
        /// A list.
        case list([PlanNode])
        /// Keys with their values, in the order of the text.
        case map([Entry])
    }

    /// A key with its value.
    public struct Entry: Sendable, Equatable {
        /// The key.
        public var key: String
        /// The line of the key.
        public var line: Int?
        /// What it is set to.
        public var value: PlanNode

        /// A key set to a value.
        public init(_ key: String, line: Int? = nil, _ value: PlanNode) {
            self.key = key
            self.line = line
            self.value = value
        }
    }

    /// What stands there.
    public var content: Content
    /// Its line, counted from 1; nil where it is not from a file.
    public var line: Int?

    /// A value at a line.
    public init(_ content: Content, line: Int? = nil) {
        self.content = content
        self.line = line
    }

    /// A text at a line.
    public init(_ text: String, line: Int? = nil) {
        self.init(.text(text, isQuoted: false), line: line)
    }

    /// The keys and values, nil where it is no map; nothing is an empty map.
    public var entries: [Entry]? {
        switch content {
        case .map(let entries): entries
        case .nothing: []
        default: nil
        }
    }

    /// The text, where it is one.
    public var text: String? {
        if case .text(let text, _) = content { text } else { nil }
    }

    /// The value of a key, where it is a map that has it.
    public subscript(key: String) -> PlanNode? { entries?.first { $0.key == key }?.value }

    /// This without lines, for what was set on a command line and stands in none.
    public var unplaced: PlanNode {
        switch content {
        case .list(let nodes): PlanNode(.list(nodes.map(\.unplaced)))
        case .map(let entries): PlanNode(.map(entries.map { Entry($0.key, $0.value.unplaced) }))
        case .nothing, .text: PlanNode(content)
        }
    }

    /// This with the value at `path` (keys with dots between) replaced by `value`, or added.
    ///
    /// A key may hold dots itself. Everything but the last key must be there.
    ///
    /// - Throws: ``PlanError`` where it is not.
    public func setting(_ path: String, to value: PlanNode) throws -> PlanNode {
        guard case .map(var entries) = content else {
            throw PlanError("--set: nothing can be set at ‘\(path)’: what is above it has no keys")
        }
        if let index = entries.firstIndex(where: { $0.key == path }) {
            entries[index].value = value
            return PlanNode(.map(entries), line: line)
        }
        let above = entries.indices.filter { path.hasPrefix(entries[$0].key + ".") }
            .max { entries[$0].key.count < entries[$1].key.count }
        if let above {
            let entry = entries[above]
            let rest = String(path.dropFirst(entry.key.count + 1))
            // What is set to nothing may be given keys.
            let inner =
                entry.value.content == .nothing
                ? PlanNode(.map([]), line: entry.value.line) : entry.value
            entries[above].value = try inner.setting(rest, to: value)
        } else if path.contains(".") {
            throw PlanError(
                "--set: there is no ‘\(path)’ in the plan; expected one of "
                    + entries.map(\.key).joined(separator: ", "))
        } else {
            entries.append(Entry(path, value))
        }
        return PlanNode(.map(entries), line: line)
    }
}

/// What is wrong with a plan, and where.
public struct PlanError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The plan's file; nil where it is not from a file, or is not known yet.
    public var file: String?
    /// The line at fault, counted from 1.
    public var line: Int?
    /// The stage at fault.
    public var stage: String?
    /// What is wrong, and what to do.
    public var message: String

    /// An error about a plan.
    public init(
        _ message: String, file: String? = nil, line: Int? = nil, stage: String? = nil
    ) {
        self.message = message
        self.file = file
        self.line = line
        self.stage = stage
    }

    /// File, line, stage and message.
    public var description: String {
        let place = [file, line.map { "line \($0)" }, stage.map { "stage ‘\($0)’" }]
            .compactMap { $0 }.joined(separator: ", ")
        return place.isEmpty ? message : "\(place): \(message)"
    }
}
