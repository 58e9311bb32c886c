extension String {
    /// The text in quotes as it may appear in a message: what is invisible or steers a terminal is
    /// escaped and long text cut, because names in hostile files are chosen by whoever made them.
    public var quotedForMessage: String {
        var text = "'"
        for scalar in unicodeScalars.prefix(120) {
            if scalar.isShownAsItself {
                text.unicodeScalars.append(scalar)
            } else {
                text += "\\u{" + Swift.String(scalar.value, radix: 16) + "}"
            }
        }
        return text + (unicodeScalars.dropFirst(120).isEmpty ? "'" : "…'")
    }
}

extension Unicode.Scalar {
    /// Whether a terminal shows the character itself: no control, no bidirectional or invisible
    /// format character, no line separator, nothing without a meaning of its own.
    var isShownAsItself: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate,
            .unassigned:
            false
        default: true
        }
    }
}
