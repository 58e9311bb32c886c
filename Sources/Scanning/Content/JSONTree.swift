/// A JSON text read with tolerance: keys that repeat are kept and named, and of very long arrays
/// and objects only the first members are kept.
struct JSONTree {
    indirect enum Value {
        case null
        case bool(Bool)
        case number(Double)
        case string(String)
        case array([Value], count: Int)
        case object([(key: String, value: Value)], count: Int)
    }

    /// A key that one object has twice.
    struct Repeated {
        let key: String
        let offset: Int
    }

    let root: Value?
    let repeated: [Repeated]
    /// Where and why reading stopped, if it did.
    let fault: (offset: Int, what: String)?

    /// Reads `bytes`; arrays and objects keep at most `kept` members.
    init(_ bytes: UnsafeRawBufferPointer, kept: Int = 4096) {
        var reader = JSONReader(bytes, kept: kept)
        let start = bytes.has([0xEF, 0xBB, 0xBF]) ? 3 : 0
        reader.position = start
        root = reader.value(depth: 0)
        if reader.fault == nil {
            reader.skipSpace()
            if reader.position < bytes.count { reader.fail("text follows the end") }
        }
        repeated = reader.repeated
        fault = reader.fault
    }
}

extension JSONTree.Value {
    /// The first value of `key` in an object.
    subscript(key: String) -> JSONTree.Value? {
        guard case .object(let members, _) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    var string: String? { if case .string(let text) = self { text } else { nil } }
    var integer: Int? { if case .number(let value) = self { Int(exactly: value) } else { nil } }
    var isTrue: Bool { if case .bool(true) = self { true } else { false } }
    var isNull: Bool { if case .null = self { true } else { false } }

    /// Members of an object.
    var members: [(key: String, value: JSONTree.Value)] {
        if case .object(let members, _) = self { members } else { [] }
    }

    /// Elements of an array.
    var elements: [JSONTree.Value] {
        if case .array(let elements, _) = self { elements } else { [] }
    }

    /// How many members or elements there are, kept or not.
    var count: Int {
        switch self {
        case .array(_, let count), .object(_, let count): count
        default: 0
        }
    }

    /// Calls `body` with every object within, and the keys that lead to it.
    func eachObject(_ path: [String] = [], _ body: ([String], JSONTree.Value) -> Void) {
        switch self {
        case .object(let members, _):
            body(path, self)
            for member in members { member.value.eachObject(path + [member.key], body) }
        case .array(let elements, _):
            for element in elements { element.eachObject(path, body) }
        default: break
        }
    }
}

private struct JSONReader {
    let bytes: UnsafeRawBufferPointer
    let kept: Int
    var position = 0
    var repeated: [JSONTree.Repeated] = []
    var fault: (offset: Int, what: String)?
    private static let maximumDepth = 128

    init(_ bytes: UnsafeRawBufferPointer, kept: Int) {
        self.bytes = bytes
        self.kept = kept
    }

    mutating func fail(_ what: String) {
        if fault == nil { fault = (position, what) }
        position = bytes.count
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || (byte >= 9 && byte <= 13) { position += 1 }
    }

    mutating func value(depth: Int) -> JSONTree.Value? {
        guard depth < Self.maximumDepth else {
            fail("nested deeper than \(Self.maximumDepth)")
            return nil
        }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return array(depth: depth)
        case UInt8(ascii: "\""): return string().map { .string($0) }
        case nil:
            fail("ends early")
            return nil
        default: return word()
        }
    }

    private mutating func object(depth: Int) -> JSONTree.Value? {
        position += 1
        var members: [(key: String, value: JSONTree.Value)] = []
        var keys = Set<Int>()
        var count = 0
        skipSpace()
        while next != UInt8(ascii: "}") {
            let start = position
            guard next == UInt8(ascii: "\""), let key = string() else {
                fail("expected a key")
                return .object(members, count: count)
            }
            // By the bytes, for Swift takes two spellings of an accent for one; hashes of one process
            // collide once in 2⁶⁴.
            if !keys.insert(Array(key.utf8).hashValue).inserted, repeated.count < 100 {
                repeated.append(JSONTree.Repeated(key: key, offset: start))
            }
            skipSpace()
            guard next == UInt8(ascii: ":") else {
                fail("expected ‘:’")
                return .object(members, count: count)
            }
            position += 1
            let value = value(depth: depth + 1)
            count += 1
            if let value, members.count < kept { members.append((key, value)) }
            guard separator(UInt8(ascii: "}")) else { return .object(members, count: count) }
        }
        position += 1
        return .object(members, count: count)
    }

    private mutating func array(depth: Int) -> JSONTree.Value? {
        position += 1
        var elements: [JSONTree.Value] = []
        var count = 0
        skipSpace()
        while next != UInt8(ascii: "]") {
            guard let value = value(depth: depth + 1) else {
                return .array(elements, count: count)
            }
            count += 1
            if elements.count < kept { elements.append(value) }
            guard separator(UInt8(ascii: "]")) else { return .array(elements, count: count) }
        }
        position += 1
        return .array(elements, count: count)
    }

    /// Moves to the next member, or to the end; false where neither comes.
    private mutating func separator(_ end: UInt8) -> Bool {
        skipSpace()
        if next == UInt8(ascii: ",") {
            position += 1
            skipSpace()
            guard next != end else {
                fail("expected a value after ‘,’")
                return false
            }
            return true
        }
        if next == end { return true }
        fail("expected ‘,’ or an end")
        return false
    }

    private mutating func word() -> JSONTree.Value? {
        let start = position
        while let byte = next, byte > 0x20, !",]}:\"".utf8.contains(byte) { position += 1 }
        let text = bytes.rest(from: start, atMost: min(64, position - start)).text
        switch text {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        // Python writes and reads these.
        case "NaN": return .number(.nan)
        case "Infinity": return .number(.infinity)
        case "-Infinity": return .number(-.infinity)
        default:
            if let number = Double(text) { return .number(number) }
            position = start
            fail("no JSON value")
            return nil
        }
    }

    private mutating func string() -> String? {
        position += 1
        let start = position
        while let byte = next, byte != UInt8(ascii: "\"") {
            position += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        guard next == UInt8(ascii: "\"") else {
            fail("a string has no end")
            return nil
        }
        let raw = bytes.rest(from: start, atMost: position - start)
        position += 1
        return raw.contains(UInt8(ascii: "\\")) ? Self.unescaped(raw) : raw.text
    }

    private static func unescaped(_ raw: UnsafeRawBufferPointer) -> String {
        var units: [UInt16] = []
        var position = 0
        while position < raw.count {
            guard raw[position] == UInt8(ascii: "\\"), position + 1 < raw.count else {
                var end = position + 1
                while end < raw.count, raw[end] != UInt8(ascii: "\\") { end += 1 }
                units += raw.rest(from: position, atMost: end - position).text.utf16
                position = end
                continue
            }
            let kind = raw[position + 1]
            if kind == UInt8(ascii: "u"), let digits = raw.part(position + 2, 4),
                let unit = UInt16(digits.text, radix: 16)
            {
                units.append(unit)
                position += 6
                continue
            }
            let plain: [UInt8: UInt16] = [
                UInt8(ascii: "n"): 10, UInt8(ascii: "t"): 9, UInt8(ascii: "r"): 13,
                UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12,
            ]
            units.append(plain[kind] ?? UInt16(kind))
            position += 2
        }
        return String(decoding: units, as: UTF16.self)
    }
}
