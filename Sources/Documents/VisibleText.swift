import Files

/// Text from files and names made safe to show: nothing in it can steer a terminal, reorder a line
/// or hide.
enum VisibleText {
    /// One line: line breaks and tabs become spaces, other control and direction characters become
    /// visible stand-ins.
    static func line(_ text: String) -> String {
        mapped(text) { $0 == "\n" || $0 == "\t" || $0 == "\r" ? " " : nil }
    }

    /// As ``line(_:)``, but line breaks and tabs stay.
    static func lines(_ text: String) -> String {
        mapped(text.replacing("\r\n", with: "\n")) { $0 == "\n" || $0 == "\t" ? $0 : nil }
    }

    private static func mapped(
        _ text: String, keeping kept: (Unicode.Scalar) -> Unicode.Scalar?
    ) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(kept(scalar) ?? standIn(for: scalar) ?? scalar)
        }
        return String(result)
    }

    /// What is shown for a character that must not reach a screen; nothing for an ordinary one.
    private static func standIn(for scalar: Unicode.Scalar) -> Unicode.Scalar? {
        guard scalar.isHidden else { return nil }
        switch scalar.value {
        case 0x00...0x1F: return Unicode.Scalar(0x2400 + scalar.value)
        case 0x7F: return "\u{2421}"
        default: return scalar.properties.generalCategory == .spaceSeparator ? " " : "\u{FFFD}"
        }
    }

    /// How many columns of a terminal the text takes.
    static func width(_ text: String) -> Int {
        text.reduce(0) { $0 + width($1) }
    }

    private static func width(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        if character.unicodeScalars.contains("\u{FE0F}") || first.properties.isEmojiPresentation {
            return 2
        }
        switch first.value {
        // The wide blocks of Unicode's East Asian Width.
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
            0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }

    /// The text cut to so many columns, with an ellipsis where something was cut.
    static func truncated(_ text: String, to columns: Int) -> String {
        guard width(text) > columns else { return text }
        var result = "", used = 0
        for character in text {
            let next = width(character)
            guard used + next <= columns - 1 else { break }
            result.append(character)
            used += next
        }
        return columns > 0 ? result + "…" : ""
    }

    /// The text filled up with spaces to so many columns.
    static func padded(
        _ text: String, to columns: Int, _ alignment: ReportTable.Alignment = .left
    ) -> String {
        let gap = max(0, columns - width(text))
        let before =
            switch alignment {
            case .left: 0
            case .center: gap / 2
            case .right: gap
            }
        return String(repeating: " ", count: before) + text
            + String(repeating: " ", count: gap - before)
    }
}
