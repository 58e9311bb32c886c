/// Splits a line of a table into its fields.
///
/// A field is quoted only if it starts with `"`, ends with `"` and every `"` inside is doubled:
/// sentences with stray quotes stay whole. Spaces around a field are no part of it.
struct DelimitedRow {
    enum Outcome: Equatable {
        case fields([String])
        /// The line ends inside a quoted field, which may go on in the next.
        case isOpen
    }

    let delimiter: UInt8

    /// Fields where quoted ones may hold delimiters, or, in the last field, the line's end.
    func quotedFields(of line: String) -> Outcome {
        let bytes = Array(line.utf8)
        var fields: [String] = []
        var start = 0
        while true {
            let content = skipSpaces(bytes, from: start)
            var end: Int?
            if content < bytes.count, bytes[content] == UInt8(ascii: "\"") {
                switch closingQuote(of: bytes, openedAt: content) {
                case .found(let quote):
                    fields.append(unquoted(bytes[content + 1..<quote]))
                    end = skipSpaces(bytes, from: quote + 1)
                case .missing:
                    return .isOpen
                case .stray:
                    break
                }
            }
            if end == nil {
                let next = bytes[start...].firstIndex(of: delimiter) ?? bytes.count
                fields.append(trimmed(bytes[start..<next]))
                end = next
            }
            guard let end, end < bytes.count else { return .fields(fields) }
            start = end + 1
        }
    }

    /// Fields where every delimiter counts.
    func plainFields(of line: String) -> [String] {
        Array(line.utf8).split(separator: delimiter, omittingEmptySubsequences: false)
            .map(trimmed)
    }

    private enum Quote {
        case found(Int)
        case missing
        case stray
    }

    /// The quote that ends a field: the first that is not doubled, if a delimiter follows.
    private func closingQuote(of bytes: [UInt8], openedAt start: Int) -> Quote {
        var index = start + 1
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "\"") else {
                index += 1
                continue
            }
            if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "\"") {
                index += 2
                continue
            }
            let next = skipSpaces(bytes, from: index + 1)
            return next == bytes.count || bytes[next] == delimiter ? .found(index) : .stray
        }
        return .missing
    }

    private func skipSpaces(_ bytes: [UInt8], from start: Int) -> Int {
        var index = start
        while index < bytes.count, bytes[index] == UInt8(ascii: " ") {
            index += 1
        }
        return index
    }

    private func unquoted(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self).replacing("\"\"", with: "\"")
    }

    private func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes
        while bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
        while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
