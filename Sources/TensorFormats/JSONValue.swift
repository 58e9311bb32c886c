/// A JSON document that keeps the order of keys and refuses duplicate ones, which Foundation's
/// parser does not: two readers that disagree on which one counts can be shown different tensors.
enum JSONValue {
    struct Member {
        let key: String
        let value: JSONValue
    }

    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// Integers of an array of non-negative integers, else nil.
    var sizes: [Int]? {
        guard case .array(let values) = self else { return nil }
        var sizes: [Int] = []
        sizes.reserveCapacity(values.count)
        for value in values {
            guard case .integer(let size) = value, size >= 0 else { return nil }
            sizes.append(size)
        }
        return sizes
    }

    /// The value of `key` in an object.
    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }
}

/// Parses one JSON document out of untrusted bytes, to a limited depth.
struct JSONParser {
    private let bytes: UnsafeRawBufferPointer
    private let file: String
    private let place: String
    private var position = 0
    private static let maximumDepth = 32

    /// Parses `bytes`; `place` says in errors what they are.
    static func parse(
        _ bytes: UnsafeRawBufferPointer, file: String, place: String
    ) throws -> JSONValue {
        var parser = JSONParser(bytes: bytes, file: file, place: place)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.count else {
            throw parser.failure("text after the end of the JSON document")
        }
        return value
    }

    private init(bytes: UnsafeRawBufferPointer, file: String, place: String) {
        self.bytes = bytes
        self.file = file
        self.place = place
    }

    private func failure(_ what: String) -> FormatError {
        FormatError(file: file, what: what, where: "\(place), byte \(position)")
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    private mutating func expect(_ byte: UInt8) throws {
        guard next == byte else {
            throw failure("expected '\(Character(Unicode.Scalar(byte)))' in JSON")
        }
        position += 1
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth < Self.maximumDepth else {
            throw failure("JSON is nested deeper than \(Self.maximumDepth)")
        }
        skipSpace()
        guard let byte = next else { throw failure("JSON ends early") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws -> JSONValue {
        for byte in word.utf8 {
            guard next == byte else { throw failure("expected \(word) in JSON") }
            position += 1
        }
        return value
    }

    private mutating func object(depth: Int) throws -> JSONValue {
        try expect(UInt8(ascii: "{"))
        var members: [JSONValue.Member] = []
        var keys = Set<String>()
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return .object([])
        }
        while true {
            skipSpace()
            let key = try string()
            guard keys.insert(key).inserted else {
                throw failure("key \(key.quotedForMessage) appears twice")
            }
            skipSpace()
            try expect(UInt8(ascii: ":"))
            members.append(JSONValue.Member(key: key, value: try value(depth: depth + 1)))
            skipSpace()
            guard next == UInt8(ascii: ",") else { break }
            position += 1
        }
        try expect(UInt8(ascii: "}"))
        return .object(members)
    }

    private mutating func array(depth: Int) throws -> JSONValue {
        try expect(UInt8(ascii: "["))
        var elements: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            guard next == UInt8(ascii: ",") else { break }
            position += 1
        }
        try expect(UInt8(ascii: "]"))
        return .array(elements)
    }

    private mutating func number() throws -> JSONValue {
        let start = position
        while let byte = next, position - start < 64,
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
        {
            position += 1
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") }
        let hasLeadingZero = digits.starts(with: "0".utf8) && Int(text) != nil && digits.count > 1
        let startsWithDigit = digits.first.map { (0x30...0x39).contains($0) } ?? false
        if let integer = Int(text), startsWithDigit, !hasLeadingZero { return .integer(integer) }
        guard let number = Double(text), number.isFinite, startsWithDigit, !hasLeadingZero else {
            position = start
            throw failure("expected a JSON value")
        }
        return .number(number)
    }
}

extension JSONParser {
    private mutating func string() throws -> String {
        try expect(UInt8(ascii: "\""))
        let start = position
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20
        {
            position += 1
        }
        if next == UInt8(ascii: "\"") {
            let text = try validated(bytes[start..<position])
            position += 1
            return text
        }
        return try escapedString(Array(bytes[start..<position]))
    }

    /// The rest of a string whose first escape comes next.
    private mutating func escapedString(_ prefix: [UInt8]) throws -> String {
        var text = prefix
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try validated(text)
            case UInt8(ascii: "\\"): text.append(contentsOf: try escape())
            case 0..<0x20: throw failure("control character in a JSON string")
            default: text.append(byte)
            }
        }
        throw failure("JSON ends within a string")
    }

    private mutating func escape() throws -> [UInt8] {
        guard let byte = next else { throw failure("JSON ends within a string") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw failure("unknown escape in a JSON string")
        }
    }

    private mutating func unicodeEscape() throws -> [UInt8] {
        var code = UInt32(try hexadecimal())
        if (0xD800..<0xDC00).contains(code) {
            try expect(UInt8(ascii: "\\"))
            try expect(UInt8(ascii: "u"))
            let low = UInt32(try hexadecimal())
            guard (0xDC00..<0xE000).contains(low) else {
                throw failure("unpaired surrogate in JSON")
            }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("unpaired surrogate in JSON") }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func hexadecimal() throws -> UInt16 {
        var code: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("expected four hexadecimal digits")
            }
            code = code << 4 | UInt16(digit)
            position += 1
        }
        return code
    }

    private func validated(_ text: some Sequence<UInt8>) throws -> String {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw failure("a JSON string is not UTF-8")
        }
        return string
    }
}

/// `text` as a JSON string literal, escaped as the reference safetensors writer escapes it.
func jsonLiteral(_ text: String) -> String {
    var literal = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": literal += "\\\""
        case "\\": literal += "\\\\"
        case "\u{8}": literal += "\\b"
        case "\u{C}": literal += "\\f"
        case "\n": literal += "\\n"
        case "\r": literal += "\\r"
        case "\t": literal += "\\t"
        case "\u{0}"..<"\u{20}":
            let hexadecimal = String(scalar.value, radix: 16)
            literal += "\\u" + String(repeating: "0", count: 4 - hexadecimal.count) + hexadecimal
        default: literal.unicodeScalars.append(scalar)
        }
    }
    return literal + "\""
}
