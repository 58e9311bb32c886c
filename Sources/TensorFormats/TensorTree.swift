/// Every group of tensors that an unpickled document holds, with the way that leads to it.
struct TensorTree {
    /// Tensors that are members of one dictionary, list or tuple.
    struct Group {
        let node: Int
        /// Names and indices of the tensors; of a list, numbers.
        let members: [(name: String, tensor: Int)]
        /// Whether each name is a text, as the names of a state dictionary are.
        let hasNames: Bool
    }

    /// A container on the way: where it is in its parent, which comes before it.
    struct Node {
        let parent: Int
        let value: Int
        let key: Key
        let depth: Int
    }

    enum Key {
        case root
        /// Index of the key's value in the document.
        case value(Int)
        case index(Int)
    }

    let document: PickleDocument
    private(set) var nodes: [Node] = []
    private(set) var groups: [Group] = []
    /// Whether containers are nested deeper than any checkpoint's; those below are left out.
    private(set) var isTooDeep = false
    /// Dictionaries with an optimizer's list of `param_groups`.
    private let optimizers: Set<Int>

    private static let maximumDepth = 64

    /// Goes through each container once, so that those which refer to each other many times over
    /// cost no more than their size.
    init(_ document: PickleDocument) {
        self.document = document
        var seen = [Set<Int>](repeating: [], count: 2)
        optimizers = Set(
            document.dictionaries.indices.filter { index in
                document.dictionaries[index].contains { pair in
                    guard case .list = document.values[pair.value] else { return false }
                    return document.values[pair.key] == .string("param_groups")
                }
            })
        nodes.append(Node(parent: -1, value: document.root, key: .root, depth: 0))
        var next = 0
        while next < nodes.count {
            visit(next, &seen)
            next += 1
        }
    }

    private mutating func visit(_ node: Int, _ seen: inout [Set<Int>]) {
        var tensors: [(name: String, tensor: Int)] = []
        var hasNames = true
        func note(_ value: Int, _ key: Key) {
            switch document.values[value] {
            case .tensor(let index):
                tensors.append((name(of: key), index))
                hasNames = hasNames && isText(key)
            case .dictionary(let index) where seen[0].insert(index).inserted,
                .list(let index) where seen[1].insert(index).inserted,
                .tuple(let index) where seen[1].insert(index).inserted,
                .set(let index) where seen[1].insert(index).inserted:
                let depth = nodes[node].depth + 1
                guard depth <= Self.maximumDepth else {
                    isTooDeep = true
                    return
                }
                nodes.append(Node(parent: node, value: value, key: key, depth: depth))
            default: break
            }
        }
        switch document.values[nodes[node].value] {
        case .dictionary(let index):
            seen[0].insert(index)
            for pair in document.dictionaries[index] { note(pair.value, .value(pair.key)) }
        case .list(let index), .tuple(let index), .set(let index):
            seen[1].insert(index)
            for (place, value) in document.sequences[index].enumerated() {
                note(value, .index(place))
            }
        default: break
        }
        guard !tensors.isEmpty else { return }
        groups.append(Group(node: node, members: tensors, hasNames: hasNames))
    }

    private func isText(_ key: Key) -> Bool {
        guard case .value(let key) = key, case .string = document.values[key] else { return false }
        return true
    }

    private func name(of key: Key) -> String {
        switch key {
        case .root: "."
        case .index(let index): String(index)
        case .value(let key):
            switch document.values[key] {
            case .string(let text): text
            case .integer(let number): String(number)
            case let other: document.summary(of: other)
            }
        }
    }

    /// The nodes from below the root down to `node`.
    func way(to node: Int) -> [Node] {
        var way: [Node] = []
        var node = node
        while nodes[node].parent >= 0 {
            way.append(nodes[node])
            node = nodes[node].parent
        }
        return way.reversed()
    }

    /// The keys that lead to `node`, the outermost first.
    func path(to node: Int) -> [String] { way(to: node).map { name(of: $0.key) } }

    /// The path as one text: `state_dict`, `models.0`, or a point for the root.
    func key(of node: Int) -> String {
        let path = path(to: node)
        return path.isEmpty ? "." : path.joined(separator: ".")
    }

    /// Whether every key on the way to `node` is a text.
    func isNamed(_ node: Int) -> Bool { way(to: node).allSatisfy { isText($0.key) } }
}

// MARK: What is no model

extension TensorTree {
    /// Whether training scripts keep an optimizer's state under `key`.
    private static func isOptimizerKey(_ key: String) -> Bool {
        key.lowercased().contains("optim") || ["opt", "opts", "opt_state"].contains(key)
    }

    /// What a group is that can be no model, or nil; `names` are those of the model's tensors, if
    /// this is no part of it.
    func role(of group: Group) -> TensorDictionary.Role? {
        if isOptimizerState(group) || isRandomState(group) { return .trainingState }
        return nil
    }

    /// Whether `group` is a parameter's state in an optimizer: `{'state': {0: {'exp_avg': …}},
    /// 'param_groups': […]}` under a key that says so. Parameters have numbers there, and what is
    /// kept of each has a plain name, so that no model can pass for one.
    private func isOptimizerState(_ group: Group) -> Bool {
        let way = way(to: group.node)
        // The file itself may be one.
        for place in -1..<way.count {
            let value = place < 0 ? document.root : way[place].value
            guard case .dictionary(let index) = document.values[value],
                optimizers.contains(index),
                place < 0
                    || way[...place].contains(where: { Self.isOptimizerKey(name(of: $0.key)) })
            else { continue }
            let rest = Array(way[(place + 1)...])
            guard let first = rest.first.map({ name(of: $0.key) }), rest.count >= 2 else {
                return false
            }
            if first == "param_groups" { return group.members.allSatisfy { isNumber($0.tensor) } }
            guard first == "state", rest.count <= 3, case .value(let key) = rest[1].key,
                case .integer = document.values[key]
            else {
                return false
            }
            let slots = rest.count == 3 ? [name(of: rest[2].key)] : group.members.map(\.name)
            return slots.allSatisfy(isSlot)
        }
        return false
    }

    private func isSlot(_ name: String) -> Bool {
        !name.contains(".") && !["weight", "bias", "gamma", "beta", "data"].contains(name)
    }

    /// Whether `group` is bytes under keys that speak of a random number generator, or of the device
    /// whose it is.
    private func isRandomState(_ group: Group) -> Bool {
        let path = path(to: group.node)
        return group.members.allSatisfy { member in
            let tensor = document.tensors[member.tensor]
            let isBytes = document.storages[tensor.storage].className.hasSuffix(".ByteStorage")
            let names = path + (group.hasNames ? [member.name] : [])
            return isBytes && tensor.shape.count == 1
                && names.contains { name in
                    ["cpu", "cuda"].contains(name)
                        || ["rng", "random"].contains { name.lowercased().contains($0) }
                }
        }
    }

    /// Whether `group` is single numbers (`best_acc1`), none of which could be a parameter of the
    /// model, whose last names are `parameters`.
    func isMeasurement(_ group: Group, besides parameters: Set<String>) -> Bool {
        group.members.allSatisfy {
            isNumber($0.tensor) && !$0.name.contains(".") && !parameters.contains($0.name)
        }
    }

    private func isNumber(_ tensor: Int) -> Bool {
        document.tensors[tensor].shape.allSatisfy { $0 == 1 }
    }
}
