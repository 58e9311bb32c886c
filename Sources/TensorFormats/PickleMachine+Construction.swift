import Files

extension PickleMachine {
    mutating func construction(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .global:
            let module = try nameLine()
            push(.global(try allowed(module, try nameLine())))
        case .stackGlobal: try stackGlobal()
        case .reduce, .newObject:
            let arguments = try pop()
            try call(try pop(), arguments: try elements(arguments))
        case .inst:
            let module = try nameLine()
            let global = try allowed(module, try nameLine())
            try call(global, arguments: try popToMark())
        case .obj:
            let items = try popToMark()
            guard let callee = items.first else { throw failure("an object without a class") }
            try call(callee, arguments: Array(items.dropFirst()))
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
        let values = arguments.prefix(8).map { document.values[$0] }
        switch global {
        case .orderedDictionary: push(try orderedDictionary(values))
        case .rebuildTensor, .rebuildTensorV2, .rebuildTensorV3:
            push(try tensor(values, typed: global == .rebuildTensorV3))
        case .rebuildParameter:
            guard let data = arguments.first, case .tensor = document.values[data] else {
                throw failure("a parameter without a tensor")
            }
            stack.append(data)
        case .size:
            guard let sizes = arguments.first, document.elements(of: document.values[sizes]) != nil
            else {
                throw failure("a torch.Size without sizes")
            }
            stack.append(sizes)
        case .other(let kind): push(.other(kind))
        case .storage(let name): throw refusal("calls \(name)")
        case .scalarType(let name): throw refusal("calls torch.\(name)")
        }
    }

    /// `OrderedDict()` or, as Python 2 wrote it, `OrderedDict([[key, value], …])`.
    private mutating func orderedDictionary(_ arguments: [PickleValue]) throws -> PickleValue {
        guard let argument = arguments.first else { return newDictionary([]) }
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
        return newDictionary(pairs)
    }

    private mutating func tensor(_ arguments: [PickleValue], typed: Bool) throws -> PickleValue {
        guard arguments.count >= (typed ? 7 : 4), case .storage(let storage) = arguments[0],
            case .integer(let offset) = arguments[1],
            let shape = document.integers(of: arguments[2]),
            let strides = document.integers(of: arguments[3])
        else {
            throw failure("a tensor whose storage, offset, size or stride is missing")
        }
        var scalarType: String?
        if typed {
            guard case .global(.scalarType(let name)) = arguments[6] else {
                throw failure("a tensor whose dtype is missing")
            }
            scalarType = name
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

    /// State of a dictionary (`_metadata`) or of a value we skip anyway has no meaning for tensors.
    private mutating func build() throws {
        _ = try pop()
        switch document.values[try top()] {
        case .dictionary, .other: break
        default: throw refusal("sets the state of what is no dictionary")
        }
    }

    /// `('storage', class, key, location, count)` and, in legacy files, `None` or a view.
    private mutating func persistentStorage() throws {
        let items = try elements(try pop()).prefix(8).map { document.values[$0] }
        guard items.count == 5 || items.count == 6, items[0] == .string("storage"),
            case .global(.storage(let className)) = items[1], case .string(let key) = items[2],
            case .string = items[3], case .integer(let count) = items[4], count >= 0
        else {
            throw failure("a persistent identifier that is no storage")
        }
        var (viewOffset, viewCount) = (0, count)
        if items.count == 6, items[5] != .none {
            guard let view = document.elements(of: items[5]), view.count == 3,
                case .integer(let offset) = document.values[view[1]],
                case .integer(let length) = document.values[view[2]],
                offset >= 0, length >= 0, offset <= count, length <= count - offset
            else {
                throw failure("a storage view outside its storage")
            }
            (viewOffset, viewCount) = (offset, length)
        }
        if let first = storagesByKey[key].map({ document.storages[$0] }) {
            guard first.className == className, first.count == count else {
                throw failure("storage \(key.quotedForMessage) is described in two ways")
            }
        } else {
            storagesByKey[key] = document.storages.count
        }
        document.storages.append(
            PickleStorage(
                key: key, className: className, count: count, viewOffset: viewOffset,
                viewCount: viewCount))
        push(.storage(document.storages.count - 1))
    }
}
