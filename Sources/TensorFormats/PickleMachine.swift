/// Follows a pickle's opcodes and writes down what it describes. Nothing is ever executed, imported
/// or constructed: calls of a few known names become descriptions, every other call is refused.
struct PickleMachine {
    let input: UnsafeRawBufferPointer
    let file: String
    /// What `input` is called in messages.
    let label: String
    let limits: ReadLimits
    var position: Int
    /// Where the current opcode stands.
    var opcodePosition: Int
    var document = PickleDocument()
    var stack: [Int] = []
    var marks: [Int] = []
    var memo: [Int: Int] = [:]
    let storages: StorageRule
    var storagesByKey: [String: Int] = [:]
    var viewsByKey: [String: Int] = [:]
    var copiedPairs = 0
    /// Where the frame that the current opcode is in ends.
    var frameEnd: Int?
    /// Dictionaries that may have a state, and the states they were given.
    var orderedDictionaries: Set<Int> = []
    var states: [Int] = []
    /// Dictionaries that must hold nothing: hooks and metadata of tensors.
    var emptyDictionaries: Set<Int> = []

    /// What a persistent identifier may be about.
    enum StorageRule {
        /// There are none.
        case none
        /// A whole storage, as in zip files.
        case whole
        /// A storage or a view of one, as in legacy files.
        case views
    }

    /// Runs the pickle that starts at `position`.
    ///
    /// - Throws: `FormatError` when it is damaged, too large, or refers to anything unknown.
    static func run(
        _ input: UnsafeRawBufferPointer, from position: Int = 0, file: String, label: String,
        limits: ReadLimits, storages: StorageRule = .none
    ) throws -> PickleDocument {
        var machine = PickleMachine(
            input: input, file: file, label: label, limits: limits, position: position,
            opcodePosition: position, storages: storages)
        return try machine.run()
    }

    private mutating func run() throws -> PickleDocument {
        for _ in 0..<max(limits.maximumPickleOpcodes, 0) {
            opcodePosition = position
            let byte = try integer(UInt8.self)
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw failure("0x\(String(byte, radix: 16)) is not a pickle opcode")
            }
            if opcode == .stop {
                guard frameEnd ?? position == position else { throw torn }
                document.root = try pop()
                document.end = position
                try checkDocument()
                return document
            }
            try execute(opcode)
            guard position <= frameEnd ?? position else { throw torn }
            if position == frameEnd { frameEnd = nil }
            guard stack.count <= limits.maximumPickleStack,
                marks.count <= limits.maximumPickleStack
            else {
                throw failure("the stack grows beyond \(limits.maximumPickleStack) values")
            }
            // Each takes some eighty bytes; a state dictionary has one for thirty of its bytes.
            guard document.sequences.count + document.dictionaries.count <= 1_000 + input.count / 4
            else {
                throw failure("makes more containers than its length justifies")
            }
        }
        throw failure("has more than \(limits.maximumPickleOpcodes) opcodes")
    }

    /// Python's own unpickler loses bytes of an argument at a frame's end.
    private var torn: FormatError { failure("an opcode runs over the end of its frame") }

    private mutating func execute(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .none, .newTrue, .newFalse, .int, .binInt, .binInt1, .binInt2, .long, .long1, .long4,
            .float, .binFloat:
            try number(opcode)
        case .string, .binString, .shortBinString, .unicode, .binUnicode, .shortBinUnicode,
            .binUnicode8, .binBytes, .shortBinBytes, .binBytes8, .byteArray8:
            try text(opcode)
        case .emptyTuple, .tuple, .tuple1, .tuple2, .tuple3, .emptyList, .list, .append, .appends,
            .emptySet, .addItems, .frozenSet, .emptyDict, .dict, .setItem, .setItems:
            try container(opcode)
        case .mark, .pop, .popMark, .dup, .get, .binGet, .longBinGet, .put, .binPut, .longBinPut,
            .memoize, .proto, .frame, .stop:
            try bookkeeping(opcode)
        case .global, .stackGlobal, .reduce, .newObject, .build, .inst, .binPersistentID:
            try construction(opcode)
        case .obj, .persistentID, .extension1, .extension2, .extension4, .newObjectEx, .nextBuffer,
            .readOnlyBuffer:
            throw refusal("uses the opcode \(opcode), which state dictionaries do not need")
        }
    }
}

// MARK: Errors

extension PickleMachine {
    func failure(_ what: String) -> FormatError {
        FormatError(
            file: file, what: what, where: "byte \(opcodePosition) of \(label)",
            advice: "the file is damaged or is no checkpoint; nothing in it was executed")
    }

    /// An error for what may be an attack; it says that nothing has happened.
    func refusal(_ what: String) -> FormatError {
        FormatError(
            file: file, what: what + "; nothing in it was executed",
            where: "byte \(opcodePosition) of \(label)",
            advice:
                "only plain state dictionaries are read; if you trust the file, load it where it"
                + " can do no harm and save its state_dict as safetensors", kind: .hostile)
    }
}

// MARK: Input

extension PickleMachine {
    mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws -> Integer {
        guard let value = input.integer(type, at: position) else {
            throw failure("the pickle ends early")
        }
        position += MemoryLayout<Integer>.size
        return value
    }

    /// The next `count` bytes, within the limit on strings.
    mutating func bytes(_ count: some FixedWidthInteger) throws -> UnsafeRawBufferPointer {
        guard count >= 0, count <= limits.maximumStringBytes else {
            throw failure("a string of \(count) bytes, above \(limits.maximumStringBytes)")
        }
        guard let bytes = input.part(from: position, count: Int(count)) else {
            throw failure("a string of \(count) bytes runs past the end")
        }
        position += Int(count)
        return bytes
    }

    /// The bytes up to the next newline, which is consumed.
    mutating func line(limit: Int) throws -> UnsafeRawBufferPointer {
        let start = position
        while position < input.count, position - start <= limit {
            if input[position] == 0x0A {
                defer { position += 1 }
                return UnsafeRawBufferPointer(rebasing: input[start..<position])
            }
            position += 1
        }
        throw failure("a line longer than \(limit) bytes or without an end")
    }
}

// MARK: Stack

extension PickleMachine {
    mutating func push(_ value: PickleValue) {
        document.values.append(value)
        stack.append(document.values.count - 1)
    }

    /// Takes the top of the stack, but never what lies below the last mark.
    mutating func pop() throws -> Int {
        guard stack.count > (marks.last ?? 0), let top = stack.popLast() else {
            throw failure("the pickle takes a value that is not there")
        }
        return top
    }

    func top() throws -> Int {
        guard stack.count > (marks.last ?? 0), let top = stack.last else {
            throw failure("the pickle takes a value that is not there")
        }
        return top
    }

    /// Takes everything above the last mark, and the mark.
    mutating func popToMark() throws -> [Int] {
        guard let mark = marks.popLast() else { throw failure("there is no mark on the stack") }
        let items = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return items
    }

    mutating func newSequence(_ items: [Int]) -> Int {
        document.sequences.append(items)
        return document.sequences.count - 1
    }

    mutating func newDictionary(
        _ pairs: [PickleDocument.Pair], isOrdered: Bool = false
    ) -> PickleValue {
        if isOrdered { orderedDictionaries.insert(document.dictionaries.count) }
        document.dictionaries.append(pairs)
        return .dictionary(document.dictionaries.count - 1)
    }
}
