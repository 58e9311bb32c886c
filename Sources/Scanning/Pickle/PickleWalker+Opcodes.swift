extension PickleWalker {
    /// Runs one opcode. The cases stand in the order of Python's `pickletools`.
    mutating func step(_ opcode: UInt8, at offset: Int) {
        position += 1
        switch opcode {
        case UInt8(ascii: "I"), UInt8(ascii: "L"), UInt8(ascii: "F"):
            guard let line = line(at: offset) else { return }
            push(Int(line.text).map { .integer($0) } ?? .other)
        case UInt8(ascii: "J"):
            guard let value = number(4, at: offset) else { return }
            push(.integer(Int(Int32(truncatingIfNeeded: value))))
        case UInt8(ascii: "K"): pushNumber(1, at: offset)
        case UInt8(ascii: "M"): pushNumber(2, at: offset)
        case 0x8A: skip(lengthOf: 1, at: offset)
        case 0x8B: skip(lengthOf: 4, at: offset)
        case UInt8(ascii: "G"):
            position += 8
            push(.other)
        case UInt8(ascii: "N"), 0x88, 0x89: push(.other)
        case UInt8(ascii: "S"): quotedText(at: offset)
        case UInt8(ascii: "V"):
            guard let line = line(at: offset) else { return }
            literal(at: position - 1 - line.count, line.count, .escaped)
        case UInt8(ascii: "X"): literal(lengthOf: 4, at: offset, isText: true)
        case UInt8(ascii: "T"): literal(lengthOf: 4, at: offset, isText: true)
        case UInt8(ascii: "U"), 0x8C: literal(lengthOf: 1, at: offset, isText: true)
        case 0x8D: literal(lengthOf: 8, at: offset, isText: true)
        case UInt8(ascii: "B"): literal(lengthOf: 4, at: offset, isText: false)
        case UInt8(ascii: "C"): literal(lengthOf: 1, at: offset, isText: false)
        case 0x8E, 0x96: literal(lengthOf: 8, at: offset, isText: false)
        case 0x97: push(.other)
        case 0x98: push(pop(at: offset))
        case UInt8(ascii: "P"):
            guard line(at: offset) != nil else { return }
            push(.other)
        case UInt8(ascii: "Q"):
            _ = pop(at: offset)
            push(.other)
        case 0x80: beginProtocol(at: offset)
        case 0x95: beginFrame(at: offset)
        case UInt8(ascii: "."): end = .stop
        default:
            if !stackStep(opcode, at: offset) && !callStep(opcode, at: offset) {
                position = offset
                fail("there is no opcode 0x\(String(opcode, radix: 16))", at: offset)
            }
        }
    }

    /// Opcodes that move values about; false for others.
    private mutating func stackStep(_ opcode: UInt8, at offset: Int) -> Bool {
        switch opcode {
        case UInt8(ascii: "("): push(.mark)
        case UInt8(ascii: "0"): if stack.popLast() == nil { tolerate("pops nothing", at: offset) }
        case UInt8(ascii: "1"): _ = popMarked(at: offset)
        case UInt8(ascii: "2"): push(stack.last ?? .other)
        case UInt8(ascii: ")"): push(tuple(of: []))
        case 0x85, 0x86, 0x87:
            let count = Int(opcode) - 0x84
            var taken = (0..<count).map { _ in pop(at: offset) }
            taken.reverse()
            noteEscapes(in: taken)
            push(tuple(of: taken))
        case UInt8(ascii: "t"): push(tuple(of: popMarked(at: offset)))
        case UInt8(ascii: "l"), 0x91:
            _ = popMarked(at: offset)
            push(.other)
        case UInt8(ascii: "d"):
            let taken = Array(popMarked(at: offset))
            let made = newDictionary()
            push(made)
            store(taken, in: made)
        case UInt8(ascii: "]"), 0x8F: push(.other)
        case UInt8(ascii: "}"): push(newDictionary())
        case UInt8(ascii: "a"):
            noteEscapes(in: [pop(at: offset)])
            noteAlteration("append", at: offset)
        case UInt8(ascii: "e"), 0x90:
            _ = popMarked(at: offset)
            noteAlteration("extend", at: offset)
        case UInt8(ascii: "s"):
            let value = pop(at: offset)
            let key = pop(at: offset)
            noteEscapes(in: [value])
            noteAlteration("set an item of", at: offset)
            if let last = stack.last { store([key, value], in: last) }
        case UInt8(ascii: "u"):
            let taken = Array(popMarked(at: offset))
            noteAlteration("set items of", at: offset)
            if let last = stack.last { store(taken, in: last) }
        default: return memoStep(opcode, at: offset)
        }
        return true
    }

    /// Opcodes of the memo; false for others.
    private mutating func memoStep(_ opcode: UInt8, at offset: Int) -> Bool {
        switch opcode {
        case UInt8(ascii: "p"), UInt8(ascii: "g"):
            guard let line = line(at: offset) else { return true }
            let digits = line.text.filter { !$0.isWhitespace && $0 != "_" }
            guard let key = Int(digits), key >= 0 else {
                fail("a memo key is no number", at: offset)
                return true
            }
            if opcode == UInt8(ascii: "p") { put(key, at: offset) } else { get(key, at: offset) }
        case UInt8(ascii: "q"): if let key = number(1, at: offset) { put(key, at: offset) }
        case UInt8(ascii: "r"): if let key = number(4, at: offset) { put(key, at: offset) }
        case 0x94: put(memoCount, at: offset)
        case UInt8(ascii: "h"): if let key = number(1, at: offset) { get(key, at: offset) }
        case UInt8(ascii: "j"): if let key = number(4, at: offset) { get(key, at: offset) }
        default: return false
        }
        return true
    }

    private mutating func put(_ key: Int, at offset: Int) {
        guard let last = stack.last else {
            tolerate("remembers a value of an empty stack", at: offset)
            return
        }
        remember(last, as: key)
    }

    private mutating func get(_ key: Int, at offset: Int) {
        let value = remembered(key)
        if value == nil { tolerate("asks for memo \(key), which was never set", at: offset) }
        push(value ?? .other)
    }

    mutating func push(_ value: Value) { stack.append(value) }

    // MARK: - Arguments

    /// The rest of the line, without its end.
    mutating func line(at offset: Int) -> UnsafeRawBufferPointer? {
        guard let stop = bytes.first(0x0A, from: position) else {
            // CPython takes what is left for a line: an import is still an import.
            let line = bytes.rest(from: position)
            position = bytes.count
            return line
        }
        let line = bytes.part(position, stop - position)
        position = stop + 1
        return line
    }

    mutating func number(_ size: Int, at offset: Int) -> Int? {
        guard let value = bytes.size(size, at: position) else {
            position = bytes.count
            end = .truncated
            return nil
        }
        position += size
        return value
    }

    private mutating func pushNumber(_ size: Int, at offset: Int) {
        if let value = number(size, at: offset) { push(.integer(value)) }
    }

    private mutating func skip(lengthOf size: Int, at offset: Int) {
        guard let count = number(size, at: offset) else { return }
        guard count <= bytes.count - position else {
            position = bytes.count
            end = .truncated
            return
        }
        var value = 0
        for (index, byte) in bytes.rest(from: position, atMost: count).enumerated() where index < 7
        {
            value |= Int(byte) << (8 * index)
        }
        position += count
        push(count <= 7 ? .integer(value) : .other)
    }

    private mutating func literal(lengthOf size: Int, at offset: Int, isText: Bool) {
        guard let count = number(size, at: offset) else { return }
        guard count <= bytes.count - position else {
            position = bytes.count
            end = .truncated
            return
        }
        position += count
        literal(at: position - count, count, .utf8, isText: isText)
    }

    private mutating func literal(
        at start: Int, _ count: Int, _ spelling: Spelling, isText: Bool = true
    ) {
        let literal = Literal(offset: start, count: count, spelling: spelling)
        // The shortest pickle that imports something.
        if count >= 8, nested.count < 10_000, mayHoldPickle(start) { nested.append(literal) }
        literals.append(literal)
        push(isText ? .text(literals.count - 1) : .data(literals.count - 1))
    }

    /// Whether a literal begins as a pickle, an archive or a compressed stream begins.
    private func mayHoldPickle(_ start: Int) -> Bool {
        switch (bytes[start], start + 1 < bytes.count ? bytes[start + 1] : 0) {
        case (0x80, 0...5), (0x50, 0x4B), (0x1F, 0x8B), (0x78, _): true
        case (UInt8(ascii: "c"), _), (UInt8(ascii: "("), _), (0x8C, _): true
        default: false
        }
    }

    private mutating func quotedText(at offset: Int) {
        guard let line = line(at: offset) else { return }
        let start = position - 1 - line.count
        let quotes = [UInt8(ascii: "'"), UInt8(ascii: "\"")]
        guard line.count >= 2, let first = line.first, quotes.contains(first), line.last == first
        else {
            fail("a string is not quoted", at: offset)
            return
        }
        literal(at: start + 1, line.count - 2, .quoted)
    }

    private mutating func beginProtocol(at offset: Int) {
        guard let version = number(1, at: offset) else { return }
        guard version <= 5 else {
            fail("there is no protocol \(version)", at: offset)
            return
        }
        protocolVersion = version
    }

    private mutating func beginFrame(at offset: Int) {
        guard let count = number(8, at: offset) else {
            if end == nil { fail("a frame is too long", at: offset) }
            return
        }
        // Readers in Python do not ask whether the frame is whole.
        if count > bytes.count - position {
            tolerate("a frame is longer than the data", at: offset)
        }
    }

    // MARK: - Dictionaries

    private static let keysOfInterest: Set<String> = [
        "shape", "dtype", "numpy_array_alignment_bytes", "subclass",
    ]

    private mutating func newDictionary() -> Value {
        dictionaryCount += 1
        return .dictionary(dictionaryCount)
    }

    private mutating func store(_ pairs: [Value], in dictionary: Value) {
        guard case .dictionary(let index) = dictionary else { return }
        for start in stride(from: 0, to: pairs.count - 1, by: 2) {
            guard case .text(let key) = pairs[start], literals[key].count <= 32,
                members[index] != nil || members.count < 100_000
            else { continue }
            let name = text(literals[key])
            if Self.keysOfInterest.contains(name) {
                members[index, default: [:]][name] = pairs[start + 1]
            }
        }
    }

    /// APPEND and its like work on whatever stands there; on an imported thing they change it.
    mutating func noteAlteration(_ verb: String, at offset: Int) {
        guard case .global(let index)? = stack.last else { return }
        let global = globals[index]
        note(
            .pickleAlteredGlobal, at: offset,
            "would \(verb) \(harmless(global.module)).\(harmless(global.name)) itself")
    }
}
