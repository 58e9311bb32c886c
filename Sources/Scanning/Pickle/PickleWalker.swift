/// Reads one pickle as CPython's `pickle` does, with names in place of objects: nothing is imported
/// or called, and everything that would be is noted.
///
/// It goes on where a reader that refuses would stop, for whatever stands before a bad opcode has
/// run by then: a value that is missing is an unknown one, a memo entry that was never set too.
struct PickleWalker {
    /// A value on the stack or in the memo; what matters of it.
    enum Value {
        case mark
        case other
        case integer(Int)
        case text(Int)
        case data(Int)
        case global(Int)
        case tuple(Int)
        case call(Int)
        case dictionary(Int)
    }

    /// How the characters of a text are written.
    enum Spelling { case utf8, quoted, escaped }

    /// A string or bytes literal in the pickle.
    struct Literal {
        let offset: Int
        let count: Int
        let spelling: Spelling
    }

    /// A name that is imported.
    struct Global {
        let module: String
        let name: String
        let offset: Int
        var isCalled = false
        var count = 1
        /// Arguments of the first call, as far as they are literals.
        var arguments: String?
    }

    /// The result of a call: of what, with which tuple.
    struct Call {
        let global: Int?
        let arguments: Int?
    }

    /// A thing that no honest pickle does.
    struct Oddity {
        let rule: ScanRule
        let offset: Int
        let message: String
    }

    /// How the pickle ends.
    enum End: Equatable {
        /// With STOP.
        case stop
        /// With something that CPython raises an error at.
        case error(String)
        /// The bytes end first.
        case truncated
        /// There is more than is examined.
        case limit
    }

    let bytes: UnsafeRawBufferPointer
    let limits: ScanLimits
    var position: Int
    var stack: [Value] = []
    var memo: [Value?] = []
    var sparseMemo: [Int: Value] = [:]
    var memoCount = 0
    var literals: [Literal] = []
    var globals: [Global] = []
    /// Where in `globals` a name stands, its module and name on two lines.
    var globalPositions: [String: Int] = [:]
    var calls: [Call] = []
    var tuples: [Range<Int>] = []
    var elements: [Value] = []
    /// Members of dictionaries whose keys matter: those that describe a joblib array.
    var members: [Int: [String: Value]] = [:]
    var dictionaryCount = 0
    var oddities: [Oddity] = []
    /// Literals long enough to hold a pickle of their own.
    var nested: [Literal] = []
    /// Texts that the pickle turns into bytes, one byte a character.
    var encoded: [Literal] = []
    var protocolVersion = 0
    var opcodeCount = 0
    /// The first place where CPython raises an error and this reader goes on.
    var firstError: (offset: Int, what: String)?
    var end: End?
    /// How many pickles this one stands within.
    var depth = 0
    /// Uses of `getattr`: an enumeration's member is pickled as one by some versions of Python.
    var attributeUses = (plain: 0, odd: 0)
    /// Whether a value was called that is the result of a call.
    var callsComputed = false

    init(_ bytes: UnsafeRawBufferPointer, at position: Int, limits: ScanLimits) {
        self.bytes = bytes
        self.position = max(0, position)
        self.limits = limits
    }

    /// Walks to the end of the pickle; `position` is then behind it.
    mutating func run(atMost maximum: Int? = nil) -> End {
        let most = maximum ?? limits.maximumOpcodes
        while end == nil {
            guard position < bytes.count else {
                end = .truncated
                break
            }
            guard opcodeCount < most, stack.count + memoCount <= limits.maximumPickleValues else {
                end = .limit
                break
            }
            opcodeCount += 1
            step(bytes[position], at: position)
        }
        return end ?? .truncated
    }

    /// Whether everything up to here ran as CPython runs it.
    var isUnbroken: Bool { firstError == nil }

    mutating func fail(_ what: String, at offset: Int) {
        if firstError == nil { firstError = (offset, what) }
        end = .error(what)
    }

    mutating func tolerate(_ what: String, at offset: Int) {
        if firstError == nil { firstError = (offset, what) }
    }

    mutating func note(_ rule: ScanRule, at offset: Int, _ message: String) {
        if oddities.count < 200 {
            oddities.append(Oddity(rule: rule, offset: offset, message: message))
        }
    }

    // MARK: - The stack

    mutating func pop(at offset: Int) -> Value {
        guard let value = stack.popLast() else {
            tolerate("takes from an empty stack", at: offset)
            return .other
        }
        if case .mark = value { tolerate("takes a mark for a value", at: offset) }
        return value
    }

    /// Takes what stands above the last mark, and the mark.
    mutating func popMarked(at offset: Int) -> ArraySlice<Value> {
        var start = stack.count
        while start > 0 {
            if case .mark = stack[start - 1] { break }
            start -= 1
        }
        if start == 0 { tolerate("lacks a mark", at: offset) }
        let taken = stack[start...]
        stack.removeSubrange(max(0, start - 1)...)
        noteEscapes(in: taken)
        return taken
    }

    /// A `getattr` that is an element of something is put to a use that is not seen.
    mutating func noteEscapes(in values: some Collection<Value>) {
        for case .global(let index) in values where isAttributeGetter(index) {
            attributeUses.odd += 1
        }
    }

    mutating func tuple(of values: some Collection<Value>) -> Value {
        tuples.append(elements.count..<(elements.count + values.count))
        elements.append(contentsOf: values)
        return .tuple(tuples.count - 1)
    }

    // MARK: - The memo

    mutating func remember(_ value: Value, as key: Int) {
        // Keys in sequence, as every writer gives them, lie in an array.
        if key < memo.count {
            if memo[key] == nil { memoCount += 1 }
            memo[key] = value
        } else if key == memo.count {
            memo.append(value)
            memoCount += 1
        } else if sparseMemo.updateValue(value, forKey: key) == nil {
            memoCount += 1
        }
    }

    func remembered(_ key: Int) -> Value? {
        (key >= 0 && key < memo.count ? memo[key] : nil) ?? sparseMemo[key]
    }

    // MARK: - What a value says

    func text(_ value: Value?) -> String? {
        guard case .text(let index)? = value else { return nil }
        return text(literals[index])
    }

    func text(_ literal: Literal) -> String {
        let raw = bytes.rest(from: literal.offset, atMost: min(literal.count, 4096))
        switch literal.spelling {
        case .utf8: return raw.text
        case .quoted: return PythonEscapes.decode(raw, unicode: false)
        case .escaped: return PythonEscapes.decode(raw, unicode: true)
        }
    }

    func values(of tuple: Int?) -> ArraySlice<Value> {
        guard let tuple else { return [] }
        return elements[tuples[tuple]]
    }

    func isAttributeGetter(_ index: Int) -> Bool {
        globals[index].name == "getattr"
            && ["builtins", "__builtin__"].contains(globals[index].module)
    }
}
