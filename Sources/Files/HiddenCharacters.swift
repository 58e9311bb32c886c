extension Unicode.Scalar {
    /// Whether a screen would obey the character, not show it, or show it as a space that is none:
    /// control characters and escapes, direction marks and overrides, tags, joiners, fillers, line
    /// separators, spaces but the usual one, noncharacters.
    public var isHidden: Bool {
        if value < 0x7F { return value < 0x20 }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .surrogate:
            return true
        default:
            return properties.isDefaultIgnorableCodePoint || properties.isNoncharacterCodePoint
        }
    }
}

extension String {
    /// The text in one line, with every hidden character as the escape that names it: `\u{202E}`.
    public var inPlainSight: String { replacingHidden { Self.escape($0) } }

    /// The text with its line breaks, and every other hidden character as the escape that names it.
    public var linesInPlainSight: String {
        replacingHidden { $0 == "\n" ? "\n" : Self.escape($0) }
    }

    /// A JSON text with every hidden character beyond its own white space as `\uXXXX`, which says the
    /// same: outside of strings there are none.
    public var jsonInPlainSight: String {
        replacingHidden { scalar in
            if ["\n", "\t", "\r"].contains(scalar) { return String(scalar) }
            return String(scalar).utf16.map {
                let digits = String($0, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }.joined()
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\t": "\\t"
        case "\r": "\\r"
        default: "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
        }
    }

    private func replacingHidden(_ replacement: (Unicode.Scalar) -> String) -> String {
        guard unicodeScalars.contains(where: \.isHidden) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            if scalar.isHidden {
                result += replacement(scalar)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
