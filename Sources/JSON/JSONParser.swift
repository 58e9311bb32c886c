import Files

/// Which keys of an object count as the same.
public enum JSONKeyRule: Sendable {
    /// Those of the same scalars, as every other reader has it.
    case exact
    /// Those that Unicode takes for equivalent too, as Swift's dictionaries do: where the members
    /// will go into one.
    case equivalent
}

/// Reads one JSON document out of untrusted bytes and refuses all that two readers could take for
/// different things: repeated keys, `NaN`, byte order marks, text after the end.
///
/// Values take at most some forty bytes for each byte of the document.
struct JSONParser {
    /// Deepest nesting; serde's limit, on which the tokenizers' own reader stands.
    private static let maximumDepth = 128
    /// Most digits of a number, as in Python.
    private static let maximumNumberBytes = 4300

    private let bytes: UnsafeRawBufferPointer
    private let keys: JSONKeyRule
    /// Whether values are kept, or the document is only checked.
    private let isKept: Bool
    private var position = 0

    private init(_ bytes: UnsafeRawBufferPointer, keys: JSONKeyRule, isKept: Bool) {
        self.bytes = bytes
        self.keys = keys
        self.isKept = isKept
    }

    /// The one value that `bytes` hold; `null` where it is not kept.
    static func parse(
        _ bytes: UnsafeRawBufferPointer, keys: JSONKeyRule, isKept: Bool = true
    ) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes, keys: keys, isKept: isKept)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw parser.failure("a byte order mark before the JSON; save the file without one")
        }
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.count else {
            throw parser.failure("text after the end of the JSON")
        }
        return value
    }

    private func failure(_ problem: String, at position: Int? = nil) -> JSONError {
        let byte = position ?? self.position
        let line = 1 + bytes.prefix(byte).count { $0 == UInt8(ascii: "\n") }
        return JSONError(problem: problem, byte: byte, line: line)
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth < Self.maximumDepth else {
            throw failure("JSON is nested deeper than \(Self.maximumDepth)")
        }
        skipSpace()
        guard let byte = next else { throw failure("JSON ends early") }
        switch byte {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""):
            let text = try string()
            return isKept ? .string(text) : .null
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(
        _ word: StaticString, _ value: JSONValue
    ) throws(JSONError) -> JSONValue {
        let start = position
        for index in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[index]) else {
                throw failure("expected a JSON value", at: start)
            }
        }
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        position += 1
        var members: [JSONObject.Member] = []
        var seen = SeenKeys(keys)
        skipSpace()
        if take(UInt8(ascii: "}")) { return JSONObject() }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("expected a key in JSON") }
            let start = position
            let key = try string()
            guard seen.insert(key) else {
                throw failure("key \(key.quotedForMessage) appears twice", at: start)
            }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw failure("expected ':' in JSON") }
            do throws(JSONError) {
                let value = try value(depth: depth + 1)
                if isKept { members.append((key, value)) }
            } catch {
                throw error.under(key)
            }
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw failure("expected ',' or '}' in JSON") }
        return JSONObject(distinct: members)
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        position += 1
        var elements: [JSONValue] = []
        var count = 0
        skipSpace()
        if take(UInt8(ascii: "]")) { return elements }
        repeat {
            do throws(JSONError) {
                let value = try value(depth: depth + 1)
                if isKept { elements.append(value) }
            } catch {
                throw error.under("[\(count)]")
            }
            count += 1
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw failure("expected ',' or ']' in JSON") }
        return elements
    }

    // MARK: Numbers

    /// Skips digits; says how many there were.
    private mutating func digits() -> Int {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            position += 1
        }
        return position - start
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        _ = take(UInt8(ascii: "-"))
        let hasLeadingZero = next == UInt8(ascii: "0")
        let wholeDigits = digits()
        guard wholeDigits > 0, !hasLeadingZero || wholeDigits == 1 else {
            throw notANumber(from: start)
        }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard digits() > 0 else { throw notANumber(from: start) }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw notANumber(from: start) }
        }
        guard position - start <= Self.maximumNumberBytes else {
            throw failure(
                "a number of more than \(Self.maximumNumberBytes) characters", at: start)
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger { return Int(text).map(JSONValue.integer) ?? .longInteger(text) }
        guard let number = Double(text), number.isFinite else {
            throw failure("expected a JSON value; \(text.quotedForMessage) is no number", at: start)
        }
        return .number(number)
    }

    private func notANumber(from start: Int) -> JSONError {
        let rest = bytes[start...].prefix(9)
        let isName = ["NaN", "Infinity", "-Infinity"].contains { rest.starts(with: $0.utf8) }
        return failure(
            "expected a JSON value" + (isName ? "; NaN and Infinity are none" : ""), at: start)
    }

    // MARK: Texts

    private mutating func string() throws(JSONError) -> String {
        let start = position
        position += 1
        let plain = skipPlain()
        if take(UInt8(ascii: "\"")) { return try validated(bytes[plain], from: start) }
        var text = Array(bytes[plain])
        while let byte = next {
            if take(UInt8(ascii: "\"")) { return try validated(text, from: start) }
            guard byte == UInt8(ascii: "\\") else {
                throw failure("a control character in a JSON text")
            }
            position += 1
            try escape(into: &text)
            text.append(contentsOf: bytes[skipPlain()])
        }
        throw failure("JSON ends within a text")
    }

    /// Skips what a text holds up to its end, an escape or a control character.
    private mutating func skipPlain() -> Range<Int> {
        let start = position
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20
        {
            position += 1
        }
        return start..<position
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = next else { throw failure("JSON ends within a text") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: try unicodeEscape())
        default: throw failure("an unknown escape in a JSON text", at: position - 2)
        }
    }

    private mutating func unicodeEscape() throws(JSONError) -> String.UTF8View {
        let start = position - 2
        var code = try hexadecimal()
        if (0xD800..<0xDC00).contains(code), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low) else {
                throw failure("half a surrogate pair in a JSON text", at: start)
            }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw failure("half a surrogate pair in a JSON text", at: start)
        }
        return String(Character(scalar)).utf8
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("expected four hexadecimal digits in a JSON text")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    private func validated(
        _ text: some Sequence<UInt8>, from start: Int
    ) throws(JSONError) -> String {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw failure("a JSON text is not UTF-8", at: start)
        }
        return string
    }
}

extension JSONError {
    /// The same error in the value of `key`.
    fileprivate func under(_ key: String) -> JSONError {
        var error = self
        error.path.insert(key, at: 0)
        return error
    }
}

/// The keys of an object so far.
private struct SeenKeys {
    private let rule: JSONKeyRule
    private var exact = Set<ExactKey>()
    private var equivalent = Set<String>()

    init(_ rule: JSONKeyRule) { self.rule = rule }

    /// Adds `key`; false where it was there.
    mutating func insert(_ key: String) -> Bool {
        switch rule {
        case .exact: exact.insert(ExactKey(text: key)).inserted
        case .equivalent: equivalent.insert(key).inserted
        }
    }
}
