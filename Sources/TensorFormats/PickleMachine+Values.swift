// MARK: Numbers

extension PickleMachine {
    /// The integer that opens a legacy file: as `long1` writes it, and as protocol 1 does.
    private static let magicBytes: [UInt8] = [
        0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]
    static let magicDigits = "119547037146038801333356"

    mutating func number(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .none: push(.none)
        case .newTrue: push(.bool(true))
        case .newFalse: push(.bool(false))
        case .binInt: push(.integer(Int(try integer(Int32.self))))
        case .binInt1: push(.integer(Int(try integer(UInt8.self))))
        case .binInt2: push(.integer(Int(try integer(UInt16.self))))
        case .long1: push(longValue(try bytes(try integer(UInt8.self))))
        case .long4: push(longValue(try bytes(try integer(Int32.self))))
        case .binFloat:
            let bits = UInt64(bigEndian: try integer(UInt64.self).littleEndian)
            push(.float(Double(bitPattern: bits)))
        case .float:
            guard let value = Double(String(decoding: try line(limit: 64), as: UTF8.self)) else {
                throw failure("expected a number")
            }
            push(.float(value))
        default: push(try decimal(isLong: opcode == .long))
        }
    }

    private func longValue(_ bytes: UnsafeRawBufferPointer) -> PickleValue {
        if bytes.elementsEqual(Self.magicBytes) { return .legacyMagic }
        guard bytes.count <= 8 else { return .other("large integer") }
        let isNegative = (bytes.last ?? 0) & 0x80 != 0
        var value: UInt64 = isNegative ? .max : 0
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return .integer(Int(Int64(bitPattern: value)))
    }

    /// An integer in decimal digits; Python refuses more than 4,300 of them, we far fewer.
    private mutating func decimal(isLong: Bool) throws -> PickleValue {
        var digits = String(decoding: try line(limit: 1_000), as: UTF8.self)
        if !isLong && digits == "00" { return .bool(false) }
        if !isLong && digits == "01" { return .bool(true) }
        if isLong && digits.hasSuffix("L") { digits.removeLast() }
        let unsigned = digits.hasPrefix("-") ? digits.dropFirst() : digits[...]
        // Python takes digits after a zero for octal ones, or refuses them.
        guard let first = unsigned.first, first != "0" || digits == "0",
            unsigned.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else {
            throw failure("expected an integer")
        }
        if digits == Self.magicDigits { return .legacyMagic }
        return Int(digits).map(PickleValue.integer) ?? .other("large integer")
    }
}

// MARK: Text

extension PickleMachine {
    mutating func text(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .binUnicode: push(try unicode(try integer(UInt32.self)))
        case .shortBinUnicode: push(try unicode(try integer(UInt8.self)))
        case .binUnicode8: push(try unicode(try integer(UInt64.self)))
        case .binString: push(byteString(try bytes(try integer(Int32.self))))
        case .shortBinString: push(byteString(try bytes(try integer(UInt8.self))))
        case .binBytes: push(try skippedBytes(try integer(UInt32.self)))
        case .shortBinBytes: push(try skippedBytes(try integer(UInt8.self)))
        case .binBytes8, .byteArray8: push(try skippedBytes(try integer(UInt64.self)))
        case .unicode: push(.string(try rawText(try line(limit: limits.maximumStringBytes))))
        default: push(try quotedText(try line(limit: limits.maximumStringBytes)))
        }
    }

    private mutating func unicode(_ count: some FixedWidthInteger) throws -> PickleValue {
        guard let text = String(validating: try bytes(count), as: UTF8.self) else {
            throw failure("a string is not UTF-8")
        }
        return .string(text)
    }

    private mutating func skippedBytes(_ count: some FixedWidthInteger) throws -> PickleValue {
        .other("bytes of \(try bytes(count).count)")
    }

    /// A Python 2 string, which is text in a state dictionary.
    private func byteString(_ bytes: UnsafeRawBufferPointer) -> PickleValue {
        String(validating: bytes, as: UTF8.self).map { .string($0) }
            ?? .other("bytes of \(bytes.count)")
    }

    /// Text of protocol 0: each byte a character, and `\u` or `\U` with the digits of another.
    private func rawText(_ line: UnsafeRawBufferPointer) throws -> String {
        var result = String.UnicodeScalarView()
        var rest = line[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                result.append(Unicode.Scalar(byte))
                continue
            }
            let digits = [UInt8(ascii: "u"): 4, UInt8(ascii: "U"): 8]
            guard let kind = rest.popFirst(), let count = digits[kind],
                let scalar = Unicode.Scalar(try hexadecimal(&rest, digits: count))
            else {
                throw failure("an unknown escape in a string")
            }
            result.append(scalar)
        }
        return String(result)
    }

    /// Bytes of Python 2 within quotes, with the escapes of a literal.
    private func quotedText(_ line: UnsafeRawBufferPointer) throws -> PickleValue {
        guard line.count >= 2, let quote = line.first, quote == line.last,
            quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
        else {
            throw failure("a string without quotes")
        }
        var result: [UInt8] = []
        var rest = line.dropFirst().dropLast()
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "x"):
                result.append(UInt8(truncatingIfNeeded: try hexadecimal(&rest, digits: 2)))
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case let same? where "\\'\"".utf8.contains(same): result.append(same)
            default: throw failure("an unknown escape in a string")
            }
        }
        return result.withUnsafeBytes { byteString($0) }
    }

    private func hexadecimal(
        _ text: inout Slice<UnsafeRawBufferPointer>, digits: Int
    ) throws -> UInt32 {
        let characters = text.prefix(digits).map { Character(Unicode.Scalar($0)) }
        guard characters.count == digits, characters.allSatisfy(\.isASCII),
            characters.allSatisfy(\.isHexDigit), let code = UInt32(String(characters), radix: 16)
        else {
            throw failure("a damaged escape in a string")
        }
        text = text.dropFirst(digits)
        return code
    }
}

// MARK: Containers

extension PickleMachine {
    mutating func container(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .emptyTuple: push(.tuple(newSequence([])))
        case .tuple: push(.tuple(newSequence(try popToMark())))
        case .tuple1: try tuple(of: 1)
        case .tuple2: try tuple(of: 2)
        case .tuple3: try tuple(of: 3)
        case .emptyList: push(.list(newSequence([])))
        case .list: push(.list(newSequence(try popToMark())))
        case .append: try extend([try pop()])
        case .appends: try extend(try popToMark())
        case .addItems: try extend(try popToMark(), isSet: true)
        case .emptySet: push(.set(newSequence([])))
        case .frozenSet: push(.set(newSequence(try popToMark())))
        case .emptyDict: push(newDictionary([]))
        case .dict: push(newDictionary(try pairs(try popToMark())))
        case .setItem:
            let value = try pop()
            try insert([(key: try pop(), value: value)])
        default: try insert(try pairs(try popToMark()))
        }
    }

    private mutating func tuple(of count: Int) throws {
        var items: [Int] = []
        for _ in 0..<count { items.append(try pop()) }
        push(.tuple(newSequence(items.reversed())))
    }

    private mutating func extend(_ items: [Int], isSet: Bool = false) throws {
        switch (document.values[try top()], isSet) {
        case (.list(let index), false), (.set(let index), true):
            document.sequences[index].append(contentsOf: items)
        default: throw failure("items are added to what is no list")
        }
    }

    private func pairs(_ items: [Int]) throws -> [PickleDocument.Pair] {
        guard items.count.isMultiple(of: 2) else { throw failure("a key without a value") }
        return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    }

    private mutating func insert(_ pairs: [PickleDocument.Pair]) throws {
        guard case .dictionary(let index) = document.values[try top()] else {
            throw failure("a key is set in what is no dictionary")
        }
        document.dictionaries[index].append(contentsOf: pairs)
    }
}

// MARK: Bookkeeping

extension PickleMachine {
    mutating func bookkeeping(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .mark: marks.append(stack.count)
        case .pop:
            // As in Python: a POP right after a MARK takes the mark away.
            if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
        case .popMark: _ = try popToMark()
        case .dup: stack.append(try top())
        case .get: try recall(try memoLine())
        case .binGet: try recall(Int(try integer(UInt8.self)))
        case .longBinGet: try recall(Int(try integer(UInt32.self)))
        case .put: try memorize(try memoLine())
        case .binPut: try memorize(Int(try integer(UInt8.self)))
        case .longBinPut: try memorize(Int(try integer(UInt32.self)))
        case .memoize: try memorize(memo.count)
        case .frame:
            let count = try integer(UInt64.self)
            guard frameEnd == nil, count <= input.count - position else {
                throw failure("a frame runs past the end, or into another")
            }
            frameEnd = position + Int(count)
        default:
            let version = try integer(UInt8.self)
            guard version <= 5 else { throw failure("pickle protocol \(version) is not known") }
        }
    }

    private mutating func memoLine() throws -> Int {
        guard let index = Int(String(decoding: try line(limit: 20), as: UTF8.self)), index >= 0
        else {
            throw failure("expected a memo index")
        }
        return index
    }

    private mutating func recall(_ index: Int) throws {
        guard let value = memo[index] else { throw failure("memo \(index) was never set") }
        stack.append(value)
    }

    private mutating func memorize(_ index: Int) throws {
        memo[index] = try top()
        guard memo.count <= min(limits.maximumPickleMemo, document.values.count + 1) else {
            throw failure("the memo grows beyond the values there are, or the limit")
        }
    }
}
