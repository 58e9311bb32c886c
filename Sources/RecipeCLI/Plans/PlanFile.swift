import DataPipeline
import Evaluation
import Foundation
import Yams

/// A plan as it stands in a YAML file.
struct PlanFile {
    /// The file.
    let url: URL
    /// What it says.
    var root: PlanNode

    /// Reads a plan.
    ///
    /// - Throws: ``PlanError`` or `DataError`.
    init(_ url: URL) throws {
        self.url = url
        let text: String
        do {
            text = try String(contentsOf: url, encoding: .utf8)
        } catch {
            throw DataError(file: url, "cannot be read: \(PlainWords.of(error))")
        }
        root = try Self.read(text, file: url.path)
    }

    /// Understands YAML text.
    static func read(_ text: String, file: String) throws -> PlanNode {
        let node: Node?
        do {
            node = try compose(yaml: text)
        } catch {
            throw PlanError("is no valid YAML: \(PlainWords.of(error))", file: file)
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
            return PlanNode(
                .map(
                    try pairs.map { key, value in
                        guard let name = key.scalar?.string else {
                            throw PlanError("expected a word as a key", line: key.mark?.line)
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
