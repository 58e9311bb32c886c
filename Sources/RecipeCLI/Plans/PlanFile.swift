import DataPipeline
import Evaluation
import Experiments
import Files
import Foundation
import Yams

/// A plan as it stands in a YAML file.
struct PlanFile {
    /// The file.
    let url: URL
    /// What it says.
    var root: PlanNode

    /// The largest plan that is read, in bytes.
    static let maximumBytes = 1 << 18
    /// The most references to anchors that a plan may have: each can double what it stands for.
    static let maximumAliases = 16
    /// The most brackets of a plan that may be open at once.
    static let maximumDepth = 50

    /// Reads a plan.
    ///
    /// - Throws: ``PlanError`` or `DataError`.
    init(_ url: URL) throws {
        self.url = url
        let data: Data
        do {
            data = try BoundedRead.data(of: url, atMost: Self.maximumBytes)
        } catch let error as FileError {
            throw DataError(error)
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw DataError(file: url, "is not UTF-8; expected a plan in YAML")
        }
        root = try Self.read(text, file: url.path)
    }

    /// Understands YAML text.
    static func read(_ text: String, file: String) throws -> PlanNode {
        try check(text, file: file)
        let node: Node?
        do {
            node = try compose(yaml: text)
        } catch {
            // The parser's reason quotes the line, however long that is.
            let reason = PlainWords.of(error)
            throw PlanError(
                "is no valid YAML: \(reason.prefix(300))\(reason.count > 300 ? "…" : "")",
                file: file)
        }
        guard let node else { throw PlanError("is empty", file: file) }
        var budget = 100_000
        do {
            return try convert(node, depth: 0, budget: &budget)
        } catch var error as PlanError {
            error.file = file
            throw error
        }
    }

    /// Refuses what would take the parser of YAML long: anchors that stand for each other many times
    /// over, which it compares key by key, and brackets within brackets.
    private static func check(_ text: String, file: String) throws {
        var (aliases, depth) = (0, 0)
        var before = UInt8(ascii: "\n")
        let bytes = Array(text.utf8)
        for (place, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
            case UInt8(ascii: "*"):
                let isName = place + 1 < bytes.count && isOfAnchor(bytes[place + 1])
                if isName, !isOfAnchor(before) { aliases += 1 }
            default: break
            }
            before = byte
            guard aliases <= maximumAliases, depth <= maximumDepth else {
                let line = 1 + bytes[..<place].count { $0 == UInt8(ascii: "\n") }
                throw PlanError(
                    depth > maximumDepth
                        ? "has more than \(maximumDepth) brackets within each other"
                        : "refers to anchors more than \(maximumAliases) times (*name); write the "
                            + "values out, or make them an axis", file: file, line: line)
            }
        }
    }

    /// Whether a byte may be part of an anchor's name.
    private static func isOfAnchor(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// The plan's stages and its report section, with `sets` (`a.b=value`) in it, the models of
    /// `given` (`stage=path`), and only the values of `axes` (`name=a,b`).
    func plan(
        sets: [String] = [], given: [String] = [], axes: [String] = []
    ) throws -> (
        plan: ExperimentPlan, report: ReportPlan?, root: PlanNode
    ) {
        do {
            var root = root
            for set in sets {
                let (path, value) = try Self.halves(of: set, option: "--set", form: "KEY.KEY=VALUE")
                root = try root.setting(path, to: Self.read(value, file: "--set \(set)").unplaced)
            }
            if !given.isEmpty {
                root = try root.setting("given", to: try models(given, besides: root["given"]))
            }
            var plan = try ExperimentPlan(root)
            for axis in axes {
                let (name, values) = try Self.halves(
                    of: axis, option: "--axis", form: "NAME=VALUE,VALUE")
                try plan.narrow(
                    name,
                    to: values.split(separator: ",").map {
                        $0.trimmingCharacters(in: .whitespaces)
                    })
            }
            return (plan, try report(in: root), root)
        } catch var error as PlanError {
            error.file = error.file ?? (error.message.hasPrefix("--") ? nil : url.path)
            throw error
        }
    }

    private func models(_ given: [String], besides node: PlanNode?) throws -> PlanNode {
        var entries = node?.entries ?? []
        for text in given {
            let (stage, path) = try Self.halves(of: text, option: "--given", form: "STAGE=MODEL")
            entries.removeAll { $0.key == stage }
            let place = URL(fileURLWithPath: (path as NSString).expandingTildeInPath)
            entries.append(.init(stage, PlanNode(place.standardizedFileURL.path)))
        }
        return PlanNode(.map(entries))
    }

    private func report(in root: PlanNode) throws -> ReportPlan? {
        guard let section = root["report"] else { return nil }
        do {
            return try YAMLDecoder().decode(ReportPlan.self, from: Self.node(section))
        } catch {
            throw PlanError("report: \(PlainWords.of(error))", line: section.line)
        }
    }

    private static func halves(
        of text: String, option: String, form: String
    ) throws -> (String, String) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
            throw PlanError("\(option) \(text): expected \(form)")
        }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }

    // MARK: Data

    /// Where the plan's data lie: relative to `folder`, or to the plan where they begin with `./`.
    func data(of plan: ExperimentPlan, in folder: URL) -> [String: URL] {
        var found: [String: URL] = [:]
        for entry in plan.inputs {
            let path = ((entry.value.text ?? "") as NSString).expandingTildeInPath
            let isNear = path.hasPrefix("./") || path.hasPrefix("../")
            let base = isNear ? url.deletingLastPathComponent() : folder
            let place =
                path.hasPrefix("/")
                ? URL(fileURLWithPath: path) : base.absoluteURL.appendingPathComponent(path)
            found[entry.key] = place.standardizedFileURL
        }
        return found
    }

    /// The files beside the plan that it reads.
    func companions(of plan: ExperimentPlan) -> [String] {
        plan.inputs.compactMap(\.value.text).filter { $0.hasPrefix("./") }
    }

    // MARK: YAML

    private static func convert(_ node: Node, depth: Int, budget: inout Int) throws -> PlanNode {
        let line = node.mark?.line
        budget -= 1
        // Aliases can make a small text very large.
        guard budget > 0, depth < 50 else {
            throw PlanError("is larger or deeper than any plan needs to be", line: line)
        }
        switch node {
        case .scalar(let scalar):
            let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
            let isNothing = !isQuoted && ["", "~", "null"].contains(scalar.string)
            return PlanNode(
                isNothing ? .nothing : .text(scalar.string, isQuoted: isQuoted), line: line)
        case .sequence(let nodes):
            return PlanNode(
                .list(try nodes.map { try convert($0, depth: depth + 1, budget: &budget) }),
                line: line)
        case .mapping(let pairs):
            var seen: Set<String> = []
            return PlanNode(
                .map(
                    try pairs.map { key, value in
                        guard let name = key.scalar?.string else {
                            throw PlanError("expected a word as a key", line: key.mark?.line)
                        }
                        // To YAML 1 and "1" are two keys; here they are one.
                        guard seen.insert(name).inserted else {
                            throw PlanError("has the key ‘\(name)’ twice", line: key.mark?.line)
                        }
                        return PlanNode.Entry(
                            name, line: key.mark?.line,
                            try convert(value, depth: depth + 1, budget: &budget))
                    }), line: line)
        case .alias:
            throw PlanError("refers to an anchor that is not there", line: line)
        }
    }

    private static func node(_ value: PlanNode) -> Node {
        switch value.content {
        case .nothing: Node("null")
        case .text(let text, let isQuoted):
            Node(text, .implicit, isQuoted ? .doubleQuoted : .any)
        case .list(let list): Node(list.map(node))
        case .map(let entries): Node(entries.map { (Node($0.key), node($0.value)) })
        }
    }

    /// The YAML text of a value.
    static func text(_ value: PlanNode) throws -> String {
        try serialize(node: node(value), allowUnicode: true)
    }
}
