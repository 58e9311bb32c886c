import Files

/// Finds the state dictionary in an unpickled document.
struct StateDictionary {
    typealias Member = (key: String, value: PickleValue)

    /// The tensors, in the order of the file.
    private(set) var tensors: [(name: String, index: Int)] = []
    private(set) var otherEntries: [String] = []
    private(set) var wrapper: [String] = []

    /// Keys under which training scripts put the state dictionary, most telling first.
    private static let wrapperKeys = [
        "state_dict", "model_state_dict", "model_state", "model", "module", "net", "network",
        "weights", "params", "student", "teacher",
    ]
    private static let maximumWrappers = 8
    private static let maximumOtherEntries = 10_000

    init(_ document: PickleDocument, file: String) throws {
        var current = document.values[document.root]
        guard case .dictionary = current else {
            throw FormatError(
                file: file,
                what: "holds a \(document.summary(of: current)), not a dictionary of tensors",
                advice: "save model.state_dict()")
        }
        let holdsTensors = Self.dictionariesWithTensors(document)
        while let members = document.members(of: current) {
            guard let inner = try Self.wrapped(members, holdsTensors, file: file, path: wrapper)
            else {
                collect(members, document)
                return
            }
            guard wrapper.count < Self.maximumWrappers else {
                throw FormatError(
                    file: file, what: "wraps its state dictionary more than 8 times",
                    advice: "save model.state_dict()")
            }
            note(members.filter { $0.key != inner.key }, document)
            wrapper.append(inner.key)
            current = inner.value
        }
    }

    /// The member that the state dictionary is in, or nil where `members` are it.
    private static func wrapped(
        _ members: [Member], _ holdsTensors: [Bool], file: String, path: [String]
    ) throws -> Member? {
        let candidates = members.filter { member in
            if case .dictionary(let index) = member.value { holdsTensors[index] } else { false }
        }
        for key in wrapperKeys {
            if let match = candidates.first(where: { $0.key == key }) { return match }
        }
        if candidates.isEmpty || members.contains(where: { isTensor($0.value) }) { return nil }
        guard candidates.count == 1 else {
            let names = candidates.prefix(8).map(\.key.quotedForMessage).joined(separator: ", ")
            throw FormatError(
                file: file, what: "holds several dictionaries of tensors: \(names)",
                where: path.isEmpty ? nil : "entry \(path.joined(separator: ".").quotedForMessage)",
                advice: "save the state_dict of the one model")
        }
        return candidates[0]
    }

    private static func isTensor(_ value: PickleValue) -> Bool {
        if case .tensor = value { true } else { false }
    }

    /// For each dictionary of the document, whether a tensor is in it or in one below it.
    ///
    /// Worked out once for all and from the tensors up, so that dictionaries which refer to each
    /// other many times over cost no more than their size.
    private static func dictionariesWithTensors(_ document: PickleDocument) -> [Bool] {
        var found = [Bool](repeating: false, count: document.dictionaries.count)
        var parents = [[Int]](repeating: [], count: document.dictionaries.count)
        var pending: [Int] = []
        for (index, pairs) in document.dictionaries.enumerated() {
            for pair in pairs {
                guard case .string = document.values[pair.key] else { continue }
                switch document.values[pair.value] {
                case .tensor where !found[index]:
                    found[index] = true
                    pending.append(index)
                case .dictionary(let child): parents[child].append(index)
                default: break
                }
            }
        }
        while let child = pending.popLast() {
            for parent in parents[child] where !found[parent] {
                found[parent] = true
                pending.append(parent)
            }
        }
        return found
    }

    private mutating func collect(_ members: [Member], _ document: PickleDocument) {
        for member in members {
            if case .tensor(let index) = member.value {
                tensors.append((member.key, index))
            }
        }
        note(members.filter { !Self.isTensor($0.value) }, document)
    }

    /// Lists members that are skipped; keys are cut and counted, for a hostile file may name one
    /// very long key very often.
    private mutating func note(_ members: [Member], _ document: PickleDocument) {
        let room = max(Self.maximumOtherEntries - otherEntries.count, 0)
        for member in members.prefix(room) {
            let path = (wrapper + [member.key]).map { $0.prefix(200) }.joined(separator: ".")
            otherEntries.append("\(path): \(document.summary(of: member.value))")
        }
        if members.count > room {
            otherEntries.append("…: \(members.count - room) more")
        }
    }
}
