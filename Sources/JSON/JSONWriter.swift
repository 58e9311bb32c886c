extension JSONValue {
    /// The value as JSON: on one line without spaces, or with an indent of two, as Python's
    /// `json.dumps(value, indent=2, ensure_ascii=False)` writes it.
    ///
    /// - Throws: `JSONError` where a number is not finite, which JSON cannot say.
    public func text(isIndented: Bool = false) throws -> String {
        var writer = JSONWriter(isIndented: isIndented)
        try writer.write(self, depth: 0)
        return writer.text
    }

    /// `text` as a JSON literal in quotes, escaped as the reference safetensors writer escapes it.
    public static func literal(_ text: String) -> String {
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
                literal += "\\u" + String(repeating: "0", count: 4 - hexadecimal.count)
                literal += hexadecimal
            default: literal.unicodeScalars.append(scalar)
            }
        }
        return literal + "\""
    }
}

/// Writes values one after the other.
private struct JSONWriter {
    let isIndented: Bool
    var text = ""

    init(isIndented: Bool) { self.isIndented = isIndented }

    mutating func write(_ value: JSONValue, depth: Int) throws {
        switch value {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .longInteger(let digits): text += digits
        case .number(let value):
            guard value.isFinite else {
                throw JSONError(problem: "JSON has no \(value)", byte: text.utf8.count, line: 1)
            }
            text += value.description
        case .string(let value): text += JSONValue.literal(value)
        case .array(let values):
            try write(values, between: ("[", "]"), depth: depth) { writer, value in
                try writer.write(value, depth: depth + 1)
            }
        case .object(let object):
            try write(object.members, between: ("{", "}"), depth: depth) { writer, member in
                writer.text += JSONValue.literal(member.key) + (writer.isIndented ? ": " : ":")
                try writer.write(member.value, depth: depth + 1)
            }
        }
    }

    private mutating func write<Element>(
        _ elements: [Element], between brackets: (String, String), depth: Int,
        _ write: (inout JSONWriter, Element) throws -> Void
    ) throws {
        text += brackets.0
        for (number, element) in elements.enumerated() {
            if number > 0 { text += "," }
            breakLine(depth + 1)
            try write(&self, element)
        }
        if !elements.isEmpty { breakLine(depth) }
        text += brackets.1
    }

    private mutating func breakLine(_ depth: Int) {
        if isIndented { text += "\n" + String(repeating: "  ", count: depth) }
    }
}
