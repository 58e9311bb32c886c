import Files

/// Which of a document's tensors are the model.
///
/// Loaders differ in where they look: transformers takes the whole file for a state dictionary,
/// timm prefers an average of the weights, others what lies under `model`. So a file with several
/// dictionaries of tensors is read only where they say the same, or where one was chosen.
struct StateDictionary {
    let tree: TensorTree
    /// The model; nil where no tensors are in the file.
    private(set) var main: TensorTree.Group?
    /// Groups that must prove to be copies of it.
    private(set) var others: [TensorTree.Group] = []
    /// Groups that are no model, and what they are.
    private(set) var besides: [(group: TensorTree.Group, role: TensorDictionary.Role)] = []
    let file: String

    /// Keys under which training scripts put the state dictionary, most telling first.
    private static let wrapperKeys = [
        "state_dict", "model_state_dict", "model_state", "model", "module", "net", "network",
        "weights", "params", "student", "teacher",
    ]
    private static let maximumWrappers = 8
    private static let maximumOtherEntries = 10_000

    /// Finds the model, or takes the dictionary with the key `weights` for it.
    init(_ document: PickleDocument, weights: String?, file: String) throws {
        self.file = file
        let root = document.values[document.root]
        guard case .dictionary = root else {
            throw FormatError(
                file: file,
                what: "holds a \(document.summary(of: root)), not a dictionary of tensors",
                advice: "save model.state_dict()")
        }
        tree = TensorTree(document)
        guard !tree.isTooDeep else {
            throw FormatError(
                file: file, what: "nests its values deeper than any checkpoint",
                advice: "save model.state_dict()")
        }
        var candidates: [TensorTree.Group] = []
        for group in tree.groups {
            if let role = tree.role(of: group) {
                besides.append((group, role))
            } else {
                candidates.append(group)
            }
        }
        if let weights {
            try choose(weights, candidates)
            return
        }
        guard let main = preferred(candidates) else { return }
        let parameters = Set(main.members.map { String($0.name.split(separator: ".").last ?? "") })
        self.main = main
        for group in candidates where group.node != main.node {
            if tree.isMeasurement(group, besides: parameters) {
                besides.append((group, .measurements))
            } else {
                others.append(group)
            }
        }
        try check(main)
    }

    /// The largest group of named tensors, of several of that size the one with the most telling key.
    private func preferred(_ candidates: [TensorTree.Group]) -> TensorTree.Group? {
        func rank(_ group: TensorTree.Group) -> (Int, Int) {
            let last = tree.path(to: group.node).last ?? ""
            let place = Self.wrapperKeys.firstIndex(of: last) ?? Self.wrapperKeys.count
            return (group.hasNames ? -group.members.count : 1, place)
        }
        return candidates.min { rank($0) < rank($1) }
    }

    private mutating func choose(_ key: String, _ candidates: [TensorTree.Group]) throws {
        let chosen = candidates.filter { tree.key(of: $0.node) == key }
        guard let main = chosen.first, chosen.count == 1 else {
            throw FormatError(
                file: file, what: "holds no dictionary of tensors \(key.quotedForMessage)",
                advice: "it holds " + words(candidates))
        }
        self.main = main
        besides = tree.groups.filter { $0.node != main.node }.map { ($0, .leftOut) }
        try check(main)
    }

    private func check(_ group: TensorTree.Group) throws {
        let key = tree.key(of: group.node)
        guard group.hasNames, tree.isNamed(group.node) else {
            throw FormatError(
                file: file, what: "holds tensors in a list or under numbers, without names",
                where: "entry \(key.quotedForMessage)", advice: "save model.state_dict()")
        }
        guard tree.path(to: group.node).count <= Self.maximumWrappers else {
            throw FormatError(
                file: file,
                what: "wraps its state dictionary more than \(Self.maximumWrappers) times",
                advice: "save model.state_dict()")
        }
    }

    /// Keys of the dictionaries around the model, the outermost first.
    var wrapper: [String] { main.map { tree.path(to: $0.node) } ?? [] }

    /// An error that lists the dictionaries, which differ.
    func ambiguity(_ difference: String) -> FormatError {
        let groups = (main.map { [$0] } ?? []) + others
        return FormatError(
            file: file,
            what: "holds several dictionaries of tensors: \(words(groups)); \(difference), and"
                + " loaders differ in which they take",
            advice:
                "choose one with --weights KEY (inspect, purify, verify): an output then holds that"
                + " one alone; or save the state_dict of the one model", kind: .hostile)
    }

    private func words(_ groups: [TensorTree.Group]) -> String {
        let names = groups.prefix(8).map {
            "\(tree.key(of: $0.node).quotedForMessage) (\($0.members.count) tensors)"
        }
        return names.isEmpty
            ? "none" : names.joined(separator: ", ") + (groups.count > 8 ? ", …" : "")
    }

    /// Every group of tensors and what it is, for a list of what is in the file.
    var dictionaries: [TensorDictionary] {
        func entry(_ group: TensorTree.Group, _ role: TensorDictionary.Role) -> TensorDictionary {
            TensorDictionary(
                key: tree.key(of: group.node), tensorCount: group.members.count, role: role)
        }
        return (main.map { [entry($0, .weights)] } ?? []) + others.map { entry($0, .copy) }
            + besides.prefix(Self.maximumOtherEntries).map { entry($0.group, $0.role) }
    }

    /// Members of the dictionaries on the way to the model, and of its own, that are no tensors of
    /// it; keys are cut and counted, for a hostile file may name one very long key very often.
    func otherEntries() -> [String] {
        let document = tree.document
        var entries: [String] = []
        var count = 0
        var path: [String] = []
        var values = [document.values[document.root]]
        values += main.map { tree.way(to: $0.node).map { document.values[$0.value] } } ?? []
        for (depth, value) in values.enumerated() {
            let next = depth < wrapper.count ? wrapper[depth] : nil
            for member in document.members(of: value) ?? [] where member.key != next {
                if next == nil, case .tensor = member.value { continue }
                count += 1
                guard entries.count < Self.maximumOtherEntries else { continue }
                let place = (path + [member.key]).map { $0.prefix(200) }.joined(separator: ".")
                entries.append("\(place): \(document.summary(of: member.value))")
            }
            if let next { path.append(next) }
        }
        if count > entries.count { entries.append("…: \(count - entries.count) more") }
        return entries
    }
}
