import Files

extension PickleMachine {
    mutating func construction(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .global:
            let module = try nameLine()
            push(.global(try allowed(module, try nameLine())))
        case .stackGlobal: try stackGlobal()
        case .reduce:
            let arguments = try pop()
            try call(try pop(), arguments: try elements(arguments))
        case .newObject:
            // `OrderedDict.__new__` ignores what it is given, where a call would not.
            let arguments = try pop()
            guard try elements(arguments).isEmpty,
                document.values[try pop()] == .global(.orderedDictionary)
            else {
                throw refusal("makes an object without calling its class")
            }
            push(newDictionary([], isOrdered: true))
        case .inst:
            let module = try nameLine()
            _ = try allowed(module, try nameLine())
            throw refusal("uses the opcode \(opcode), which state dictionaries do not need")
        case .build: try build()
        default: try persistentStorage()
        }
    }

    private mutating func nameLine() throws -> String {
        guard let name = String(validating: try line(limit: 1_000), as: UTF8.self) else {
            throw failure("a name is not UTF-8")
        }
        return name
    }

    private mutating func stackGlobal() throws {
        let name = try pop()
        guard case .string(let module) = document.values[try pop()],
            case .string(let name) = document.values[name]
        else {
            throw failure("a global without a name")
        }
        push(.global(try allowed(module, name)))
    }

    /// The one gate through which every name passes.
    private func allowed(_ module: String, _ name: String) throws -> PickleGlobal {
        guard let global = PickleGlobal.named(module, name) else {
            let fullName = "\(module).\(name)"
            throw refusal("refers to \(fullName.quotedForMessage), which is not allowed")
        }
        return global
    }

    private func elements(_ reference: Int) throws -> [Int] {
        guard case .tuple(let index) = document.values[reference] else {
            throw failure("the arguments of a call are not a tuple")
        }
        return document.sequences[index]
    }

    private mutating func call(_ callee: Int, arguments: [Int]) throws {
        guard case .global(let global) = document.values[callee] else {
            throw refusal(
                "calls what is not a name (\(document.summary(of: document.values[callee])))")
        }
        try call(global, arguments: arguments)
    }

    private mutating func call(_ global: PickleGlobal, arguments: [Int]) throws {
        let values = arguments.prefix(9).map { document.values[$0] }
        switch global {
        case .orderedDictionary: push(try orderedDictionary(values))
        case .rebuildTensor: push(try tensor(values, counts: 4...4))
        case .rebuildTensorV2: push(try tensor(values, counts: 6...7))
        case .rebuildTensorV3: push(try tensor(values, counts: 7...8))
        case .rebuildParameter:
            guard values.count == 3, case .tensor = values[0], case .bool = values[1] else {
                throw failure("a parameter without a tensor")
            }
            try noHooks(values[2])
            stack.append(arguments[0])
        case .size:
            guard values.count == 1, let sizes = document.integers(of: values[0]) else {
                throw failure("a torch.Size without sizes")
            }
            // A copy, for a list may still grow.
            let items = sizes.map { size in
                document.values.append(.integer(size))
                return document.values.count - 1
            }
            push(.tuple(newSequence(items)))
        case .other(let kind):
            // A counter is a dictionary and a set holds things: none may carry tensors unseen.
            guard arguments.allSatisfy({ isPlain($0, depth: 0) }) else {
                throw refusal("makes a \(kind) of more than numbers and texts")
            }
            push(.other(kind))
        case .storage(let name): throw refusal("calls \(name)")
        case .scalarType(let name): throw refusal("calls torch.\(name)")
        }
    }

    /// `OrderedDict()` or, as Python 2 wrote it, `OrderedDict([[key, value], …])`.
    private mutating func orderedDictionary(_ arguments: [PickleValue]) throws -> PickleValue {
        guard let argument = arguments.first else { return newDictionary([], isOrdered: true) }
        guard arguments.count == 1, let items = document.elements(of: argument) else {
            throw failure("an OrderedDict of what is no list of pairs")
        }
        // One list may be named by many calls, each of which copies it: count the copies too.
        copiedPairs += items.count
        guard copiedPairs <= limits.maximumPickleOpcodes else {
            throw failure("dictionaries of more than \(limits.maximumPickleOpcodes) keys")
        }
        var pairs: [PickleDocument.Pair] = []
        for item in items {
            guard let pair = document.elements(of: document.values[item]), pair.count == 2 else {
                throw failure("an OrderedDict of what is no list of pairs")
            }
            pairs.append((pair[0], pair[1]))
        }
        return newDictionary(pairs, isOrdered: true)
    }

    /// Storage, offset, size, stride; from 6 arguments on `requires_grad` and hooks; with 7 or 8 the
    /// dtype and, where torch has it, metadata that say to negate or conjugate.
    private mutating func tensor(
        _ arguments: [PickleValue], counts: ClosedRange<Int>
    ) throws -> PickleValue {
        guard counts.contains(arguments.count), case .storage(let storage) = arguments[0],
            case .integer(let offset) = arguments[1],
            let shape = document.integers(of: arguments[2]),
            let strides = document.integers(of: arguments[3])
        else {
            throw failure("a tensor whose storage, offset, size or stride is missing")
        }
        if counts.lowerBound >= 6 {
            guard case .bool = arguments[4] else {
                throw failure("a tensor whose requires_grad is missing")
            }
            try noHooks(arguments[5])
        }
        var scalarType: String?
        if counts.lowerBound == 7 {
            guard case .global(.scalarType(let name)) = arguments[6] else {
                throw failure("a tensor whose dtype is missing")
            }
            scalarType = name
        }
        if arguments.count == counts.upperBound, counts.count == 2,
            arguments.last != PickleValue.none
        {
            try empty(arguments.last, "a tensor with metadata, which say how to read its elements")
        }
        guard document.tensors.count < limits.maximumTensors else {
            throw failure("more than \(limits.maximumTensors) tensors")
        }
        document.tensors.append(
            PickleTensor(
                storage: storage, offset: offset, shape: shape, strides: strides,
                scalarType: scalarType))
        return .tensor(document.tensors.count - 1)
    }

    /// Whether a value is a number, a text, or the like, or a few levels of tuples and lists of them.
    private func isPlain(_ value: Int, depth: Int) -> Bool {
        switch document.values[value] {
        case .none, .bool, .integer, .float, .string, .other, .global(.scalarType): true
        case .tuple(let index), .list(let index):
            depth < 3
                && document.sequences[index].prefix(10_000).allSatisfy {
                    isPlain($0, depth: depth + 1)
                } && document.sequences[index].count <= 10_000
        default: false
        }
    }

    /// Throws unless `hooks` is a dictionary that is empty now and stays so.
    private mutating func noHooks(_ hooks: PickleValue) throws {
        try empty(hooks, "a tensor with hooks")
    }

    private mutating func empty(_ value: PickleValue?, _ what: String) throws {
        guard case .dictionary(let index)? = value, document.dictionaries[index].isEmpty else {
            throw refusal("makes \(what)")
        }
        emptyDictionaries.insert(index)
    }

    /// The state of a dictionary may be `_metadata`, which is checked at the end; that of a NumPy
    /// dtype, a value we skip, may be anything.
    private mutating func build() throws {
        let state = try pop()
        switch document.values[try top()] {
        case .dictionary(let index) where orderedDictionaries.contains(index):
            states.append(state)
        case .other(PickleGlobal.numpyType) where isPlain(state, depth: 0): break
        default: throw refusal("sets the state of what is no OrderedDict")
        }
    }

    /// Where storages may lie; PyTorch gives `meta` no data.
    private static let devices: Set<String> = [
        "cpu", "cuda", "mps", "xpu", "xla", "hpu", "npu", "privateuseone", "musa", "mlu", "hip",
    ]

    private func isDevice(_ location: String) -> Bool {
        let parts = location.split(separator: ":", omittingEmptySubsequences: false)
        return Self.devices.contains(String(parts[0]))
            && (parts.count == 1 || parts.count == 2 && Self.isKey(String(parts[1])))
    }

    /// Whether `text` is a number, as the keys of storages are.
    private static func isKey(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// `('storage', class, key, location, count)` and, in legacy files, `None` or a view.
    private mutating func persistentStorage() throws {
        let items = try elements(try pop()).prefix(8).map { document.values[$0] }
        guard storages != .none, items.count == (storages == .whole ? 5 : 6),
            items[0] == .string("storage"),
            case .global(.storage(let className)) = items[1], case .string(let key) = items[2],
            case .string(let location) = items[3], case .integer(let count) = items[4], count >= 0
        else {
            throw failure("a persistent identifier that is no storage")
        }
        guard Self.isKey(key), isDevice(location) else {
            throw refusal(
                "names the storage \(key.quotedForMessage) on \(location.quotedForMessage);"
                    + " expected a number, and a device that holds data")
        }
        var (viewOffset, viewCount) = (0, count)
        if items.count == 6, items[5] != .none {
            (viewOffset, viewCount) = try view(items[5], count: count)
        }
        if let first = storagesByKey[key].map({ document.storages[$0] }) {
            guard first.className == className, first.count == count else {
                throw failure("storage \(key.quotedForMessage) is described in two ways")
            }
        } else {
            storagesByKey[key] = document.storages.count
        }
        try checkView(items, key: key, offset: viewOffset, count: viewCount)
        document.storages.append(
            PickleStorage(
                key: key, className: className, count: count, viewOffset: viewOffset,
                viewCount: viewCount))
        push(.storage(document.storages.count - 1))
    }

    /// Offset and count of `(key, offset, count)`, a view of a storage of `count` elements.
    private func view(_ value: PickleValue, count: Int) throws -> (Int, Int) {
        guard let view = document.elements(of: value), view.count == 3,
            case .integer(let offset) = document.values[view[1]],
            case .integer(let length) = document.values[view[2]],
            offset >= 0, length >= 0, offset <= count, length <= count - offset
        else {
            throw failure("a storage view outside its storage")
        }
        return (offset, length)
    }

    /// PyTorch remembers views by their keys, among those of storages: the first of one key counts.
    private mutating func checkView(
        _ items: [PickleValue], key: String, offset: Int, count: Int
    ) throws {
        let next = document.storages.count
        guard items.count == 6, items[5] != .none, let view = document.elements(of: items[5]) else {
            guard viewsByKey[key] == nil else {
                throw failure("\(key.quotedForMessage) is a storage and a view of one")
            }
            return
        }
        guard case .string(let name) = document.values[view[0]], Self.isKey(name) else {
            throw failure("a storage view without a key")
        }
        if let first = viewsByKey[name].map({ document.storages[$0] }) {
            guard first.key == key, first.viewOffset == offset, first.viewCount == count else {
                throw failure("storage view \(name.quotedForMessage) is described in two ways")
            }
        } else {
            guard storagesByKey[name] == nil else {
                throw failure("\(name.quotedForMessage) is a storage and a view of one")
            }
            viewsByKey[name] = next
        }
    }
}
