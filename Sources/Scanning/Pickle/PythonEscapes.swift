/// Texts with Python's backslash escapes, as the old text opcodes write them.
enum PythonEscapes {
    /// What the escapes in `raw` stand for; with `unicode` only `\u` and `\U` count, as in Python's
    /// raw-unicode-escape.
    static func decode(_ raw: UnsafeRawBufferPointer, unicode: Bool) -> String {
        var scalars = String.UnicodeScalarView()
        var position = 0
        while position < raw.count {
            let byte = raw[position]
            position += 1
            guard byte == UInt8(ascii: "\\"), position < raw.count else {
                scalars.append(Unicode.Scalar(byte))
                continue
            }
            let kind = raw[position]
            position += 1
            let digits = digitCount(kind, unicode: unicode)
            if digits > 0 {
                let code = number(raw, from: position, digits: digits, radix: 16)
                scalars.append(code.flatMap { Unicode.Scalar($0) } ?? "\u{FFFD}")
                position = min(raw.count, position + digits)
            } else if !unicode, (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(kind) {
                var code = UInt32(kind - UInt8(ascii: "0"))
                var taken = 1
                while taken < 3, position < raw.count,
                    (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(raw[position])
                {
                    code = code * 8 + UInt32(raw[position] - UInt8(ascii: "0"))
                    position += 1
                    taken += 1
                }
                scalars.append(Unicode.Scalar(code) ?? "\u{FFFD}")
            } else if !unicode, let plain = plain(kind) {
                scalars.append(plain)
            } else {
                scalars.append("\\")
                scalars.append(Unicode.Scalar(kind))
            }
        }
        return String(scalars)
    }

    private static func digitCount(_ kind: UInt8, unicode: Bool) -> Int {
        switch (kind, unicode) {
        case (UInt8(ascii: "u"), true): 4
        case (UInt8(ascii: "U"), true): 8
        case (UInt8(ascii: "x"), false): 2
        default: 0
        }
    }

    private static func plain(_ kind: UInt8) -> Unicode.Scalar? {
        switch kind {
        case UInt8(ascii: "n"): "\n"
        case UInt8(ascii: "t"): "\t"
        case UInt8(ascii: "r"): "\r"
        case UInt8(ascii: "a"): "\u{7}"
        case UInt8(ascii: "b"): "\u{8}"
        case UInt8(ascii: "f"): "\u{C}"
        case UInt8(ascii: "v"): "\u{B}"
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): Unicode.Scalar(kind)
        default: nil
        }
    }

    private static func number(
        _ raw: UnsafeRawBufferPointer, from position: Int, digits: Int, radix: Int
    ) -> UInt32? {
        guard let part = raw.part(position, digits) else { return nil }
        return UInt32(part.text, radix: radix)
    }
}
