import Files

/// What can only be said of a whole document, for lists and dictionaries grow until its end.
extension PickleMachine {
    /// A key as Python compares it: numbers by value, whatever their type.
    private enum Key: Hashable {
        case none
        case text(String)
        case integer(Int)
        case float(UInt64)
        case tuple([Key])
    }

    /// Throws where a dictionary has a key twice or one that is no plain value, where hooks or
    /// metadata of a tensor are not empty, or where a state is more than a module's versions.
    func checkDocument() throws {
        for pairs in document.dictionaries where !pairs.isEmpty {
            var keys = Set<Key>(minimumCapacity: pairs.count)
            for pair in pairs {
                let value = document.values[pair.key]
                guard let key = key(of: value) else {
                    throw problem(
                        "has a dictionary with a key that is a \(document.summary(of: value))")
                }
                guard keys.insert(key).inserted else {
                    throw problem("has a dictionary in which \(words(of: value)) appears twice")
                }
            }
        }
        for index in emptyDictionaries where !document.dictionaries[index].isEmpty {
            throw problem("has a tensor with hooks or metadata")
        }
        var checked = Set<Int>()
        for state in states { try checkState(document.values[state], &checked) }
    }

    private func problem(_ what: String) -> FormatError {
        FormatError(
            file: file, what: what + "; nothing in it was executed", where: label,
            advice: "load it where it can do no harm and save its state_dict as safetensors",
            kind: .hostile)
    }

    private func words(of key: PickleValue) -> String {
        if case .string(let text) = key { return "the key \(text.quotedForMessage)" }
        return "the key \(document.summary(of: key))"
    }

    private func key(of value: PickleValue, isInTuple: Bool = false) -> Key? {
        switch value {
        case .none: return Key.none
        case .bool(let value): return .integer(value ? 1 : 0)
        case .integer(let value): return .integer(value)
        case .float(let value):
            return Int(exactly: value).map(Key.integer) ?? .float(value.bitPattern)
        case .string(let text): return .text(text)
        case .tuple(let index):
            let items = document.sequences[index]
            guard !isInTuple, items.count <= 8 else { return nil }
            let keys = items.compactMap { key(of: document.values[$0], isInTuple: true) }
            return keys.count == items.count ? .tuple(keys) : nil
        default: return nil
        }
    }

    /// A state is `{'_metadata': {module: {name: number or text}}}` and nothing else: any other
    /// attribute, such as `copy` or `items`, could stand for a method that loaders call.
    private func checkState(_ state: PickleValue, _ checked: inout Set<Int>) throws {
        func pairs(_ value: PickleValue) -> [PickleDocument.Pair]? {
            guard case .dictionary(let index) = value else { return nil }
            return checked.insert(index).inserted ? document.dictionaries[index] : []
        }
        for member in pairs(state) ?? [] {
            guard document.values[member.key] == .string("_metadata") else {
                throw problem(
                    "sets an attribute \(words(of: document.values[member.key])) of a dictionary")
            }
            guard let modules = pairs(document.values[member.value]) else {
                throw problem("has _metadata that is no dictionary")
            }
            for module in modules {
                let facts = pairs(document.values[module.value])
                guard let facts, facts.allSatisfy({ isPlain(document.values[$0.value]) }) else {
                    throw problem("has _metadata that is more than numbers and texts")
                }
            }
        }
        guard case .dictionary = state else { throw problem("sets the state of a dictionary") }
    }

    private func isPlain(_ value: PickleValue) -> Bool {
        switch value {
        case .none, .bool, .integer, .float, .string: true
        default: false
        }
    }
}
