import Foundation
import Yams

/// The YAML between the `---` lines at the top of a card, edited line by line: an edit is kept only
/// if reading the result anew shows what was asked for and nothing else.
struct FrontMatter {
    /// Front matter of more bytes is none that somebody wrote.
    private static let maximumBytes = 1 << 16

    /// The lines between the fences, with their ends.
    private var lines: [String]
    private let lineEnd: String

    // MARK: In a card

    /// Lets `edit` change the front matter of `card`, which is made where there is none and
    /// `creating` says so.
    ///
    /// Throws `CardError` where it is not understood; the card is as it was then.
    static func edit(
        _ card: inout String, creating: Bool = false, _ edit: (inout FrontMatter) throws -> Void
    ) throws {
        let end = ModelCard.lineEnd(of: card)
        guard let place = try place(in: card) else {
            guard creating else { return }
            var matter = FrontMatter(lines: [], lineEnd: end)
            try edit(&matter)
            let fence = "---" + end
            let start = card.utf8.starts(with: byteOrderMark) ? 3 : 0
            card.insert(
                contentsOf: fence + matter.lines.joined() + fence + end,
                at: card.utf8.index(card.startIndex, offsetBy: start))
            return
        }
        let text = String(card[place])
        var matter = FrontMatter(lines: linesWithEnds(of: text), lineEnd: end)
        try edit(&matter)
        card.replaceSubrange(place, with: matter.lines.joined())
    }

    /// The byte behind the front matter's closing fence, or behind a byte order mark.
    static func bodyStart(of card: String) -> Int {
        let mark = card.utf8.starts(with: byteOrderMark) ? 3 : 0
        guard let place = try? place(in: card) else { return mark }
        let rest = card.utf8[place.upperBound...]
        let fence = rest.firstIndex(of: UInt8(ascii: "\n")).map(rest.index(after:))
        return card.utf8.distance(from: card.startIndex, to: fence ?? card.endIndex)
    }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// Where the lines between the fences are; nil where a card begins with something else.
    private static func place(in card: String) throws -> Range<String.Index>? {
        let first = card.utf8.starts(with: byteOrderMark) ? 3 : 0
        var position = first
        var start: Int?
        for line in linesWithEnds(of: String(decoding: card.utf8.dropFirst(first), as: UTF8.self)) {
            let word = line.trimmingCharacters(in: .whitespacesAndNewlines)
            let next = position + line.utf8.count
            if let start {
                if line.trimmingCharacters(in: .newlines) == "---" {
                    let bytes = start..<position
                    guard bytes.count <= maximumBytes else {
                        throw CardError("has front matter of more than \(maximumBytes >> 10) kB")
                    }
                    return card.utf8.index(
                        card.startIndex, offsetBy: start)..<card.utf8.index(
                            card.startIndex, offsetBy: position)
                }
            } else if !word.isEmpty {
                guard word == "---" else { return nil }
                guard line.trimmingCharacters(in: .newlines) == "---", position == first
                else {
                    throw CardError("has front matter that readers take differently")
                }
                start = next
            }
            position = next
        }
        if start != nil { throw CardError("has front matter without an end") }
        return nil
    }

    // MARK: Edits

    /// Sets a key to a text, in place of whatever it was.
    mutating func set(_ key: String, to value: String) throws {
        try changing(key, to: Node(value, Tag(.str))) { matter, entry in
            // A name that YAML would read as a number or a boolean needs quotes.
            let isPlain = try Yams.compose(yaml: value)?.tag == Tag(.str)
            let line = "\(key): " + (isPlain ? value : "\"\(value)\"") + matter.lineEnd
            if let entry {
                matter.lines.replaceSubrange(entry.lines, with: [line])
            } else {
                matter.lines.append(line)
            }
        }
    }

    /// Adds a tag, in the style in which the others are listed.
    mutating func add(tag: String) throws {
        let tags = try entries()["tags"]?.value
        var wanted = tags.map(Self.items) ?? []
        guard !wanted.contains(Node(tag)) else { return }
        wanted.append(Node(tag))
        try changing("tags", to: Node(wanted)) { matter, entry in
            guard let entry else {
                matter.lines += ["tags:" + matter.lineEnd, "- \(tag)" + matter.lineEnd]
                return
            }
            guard case .sequence(let sequence) = entry.value else {
                guard entry.value.scalar != nil else { throw Self.unclear }
                return try matter.list(entry, with: tag)
            }
            if matter.isFlow(sequence) {
                try matter.insert(tag, intoFlow: entry, isEmpty: sequence.isEmpty)
            } else {
                let indent = String(repeating: " ", count: (sequence.mark?.column ?? 1) - 1)
                matter.lines.insert(
                    "\(indent)- \(tag)" + matter.lineEnd, at: entry.lines.upperBound)
            }
        }
    }

    /// Takes a tag out; a list of nothing stays as an empty one.
    mutating func remove(tag: String) throws {
        guard let entry = try entries()["tags"], case .sequence(let sequence) = entry.value,
            sequence.contains(Node(tag))
        else { return }
        let rest = sequence.filter { $0 != Node(tag) }
        try changing("tags", to: Node(Array(rest))) { matter, entry in
            guard let entry else { return }
            let texts = rest.compactMap { $0.scalar?.string }
            guard texts.count == rest.count else { throw Self.unclear }
            if matter.isFlow(sequence) {
                let list = try Yams.serialize(
                    node: Node(Array(rest), Tag(.seq), .flow), width: -1, allowUnicode: true)
                let line = "tags: " + list.trimmingCharacters(in: .newlines) + matter.lineEnd
                matter.lines.replaceSubrange(entry.lines, with: [line])
            } else if rest.isEmpty {
                matter.lines.replaceSubrange(entry.lines, with: ["tags: []" + matter.lineEnd])
            } else {
                for index in entry.lines.reversed()
                where matter.lines[index].trimmingCharacters(in: .whitespacesAndNewlines)
                    == "- \(tag)"
                {
                    matter.lines.remove(at: index)
                }
            }
        }
    }

    // MARK: Lines of keys

    /// A key's value and the lines that it takes, comments behind it aside.
    private struct Entry {
        var value: Node
        var lines: Range<Int>
    }

    private static let unclear = CardError("has front matter that cannot be edited safely")

    /// The top-level keys. Throws `CardError` where the lines are no mapping of single-line keys.
    private func entries() throws -> [String: Entry] {
        let text = lines.joined()
        guard !text.unicodeScalars.contains(where: Self.isOddBreak), !Self.hasAliases(text) else {
            throw Self.unclear
        }
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch {
            throw CardError("has front matter that is not valid YAML")
        }
        guard let root else { return [:] }
        if root == Node("", Tag(.null)) { return [:] }
        guard case .mapping(let mapping) = root else { throw Self.unclear }
        let starts = mapping.compactMap { $0.key.mark?.line }.map { $0 - 1 }
        guard starts.count == mapping.count, starts == starts.sorted(),
            Set(starts).count == starts.count, starts.allSatisfy(lines.indices.contains)
        else { throw Self.unclear }
        var entries: [String: Entry] = [:]
        for (index, pair) in mapping.enumerated() {
            guard let key = pair.key.scalar?.string else { throw Self.unclear }
            var end = index + 1 < starts.count ? starts[index + 1] : lines.count
            while end > starts[index] + 1, Self.isBlank(lines[end - 1]) { end -= 1 }
            entries[key] = Entry(value: pair.value, lines: starts[index]..<end)
        }
        return entries
    }

    /// Line breaks of YAML's that editors do not show as such, and control characters.
    private static func isOddBreak(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: false
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        default: false
        }
    }

    /// Whether there are aliases, whose expansion may be as large as it likes.
    private static func hasAliases(_ text: String) -> Bool {
        var previous: Unicode.Scalar = "\n"
        for scalar in text.unicodeScalars {
            let begins =
                previous.properties.isWhitespace || "[{,:?-".unicodeScalars.contains(previous)
            if begins, scalar == "*" || scalar == "&" { return true }
            previous = scalar
        }
        return false
    }

    private static func isBlank(_ line: String) -> Bool {
        let text = line.trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty || text.hasPrefix("#")
    }

    private static func items(_ node: Node) -> [Node] {
        if case .sequence(let sequence) = node { return Array(sequence) }
        return node.tag == Tag(.null) ? [] : [node]
    }

    /// Makes an edit of `key` and reads the result anew: that key is `wanted`, all others are as
    /// they were.
    private mutating func changing(
        _ key: String, to wanted: Node, _ edit: (inout FrontMatter, Entry?) throws -> Void
    ) throws {
        let before = try entries()
        guard before[key]?.value != wanted else { return }
        var edited = self
        try edit(&edited, before[key])
        guard let after = try? edited.entries(), after[key]?.value == wanted,
            after.count == before.count + (before[key] == nil ? 1 : 0),
            before.allSatisfy({ $0.key == key || after[$0.key]?.value == $0.value.value })
        else { throw Self.unclear }
        self = edited
    }

    // MARK: Lists

    /// Whether a list is in brackets.
    private func isFlow(_ sequence: Node.Sequence) -> Bool {
        guard let mark = sequence.mark, lines.indices.contains(mark.line - 1) else { return false }
        return lines[mark.line - 1].unicodeScalars.dropFirst(mark.column - 1).first == "["
    }

    /// Makes a list of a key that has a single text, or nothing.
    private mutating func list(_ entry: Entry, with tag: String) throws {
        guard entry.lines.count == 1 else { throw Self.unclear }
        let line = lines[entry.lines.lowerBound]
        guard let colon = line.firstIndex(of: ":") else { throw Self.unclear }
        let text = line[line.index(after: colon)...].trimmingCharacters(in: .whitespacesAndNewlines)
        if text.isEmpty || text.hasPrefix("#") {
            lines.insert("- \(tag)" + lineEnd, at: entry.lines.upperBound)
        } else {
            lines[entry.lines.lowerBound] = "\(line[...colon]) [\(text), \(tag)]" + lineEnd
        }
    }

    /// Puts a tag behind the last of a list in brackets.
    private mutating func insert(_ tag: String, intoFlow entry: Entry, isEmpty: Bool) throws {
        var text = lines[entry.lines].joined()
        guard let (end, hasComma) = Self.endOfFlow(in: text) else { throw Self.unclear }
        text.insert(contentsOf: (isEmpty ? "" : hasComma ? " " : ", ") + tag, at: end)
        lines.replaceSubrange(entry.lines, with: linesWithEnds(of: text))
    }

    /// The bracket that closes the first list in `text`, and whether a comma stands before it.
    private static func endOfFlow(in text: String) -> (String.Index, hasComma: Bool)? {
        var quote: Unicode.Scalar?, depth = 0, isComment = false, isEscaped = false
        var last: Unicode.Scalar = " ", previous: Unicode.Scalar = " "
        for index in text.unicodeScalars.indices {
            let scalar = text.unicodeScalars[index]
            defer { previous = scalar }
            if isComment {
                isComment = scalar != "\n"
            } else if let open = quote {
                if isEscaped {
                    isEscaped = false
                } else if open == "\"", scalar == "\\" {
                    isEscaped = true
                } else if scalar == open {
                    quote = nil
                }
            } else if scalar == "#", previous.properties.isWhitespace {
                isComment = true
            } else if scalar == "\"" || scalar == "'" {
                // Within a word an apostrophe is a letter.
                if ",[: \t\n".unicodeScalars.contains(previous) { quote = scalar }
                last = scalar
            } else if scalar == "[" || scalar == "{" {
                depth += 1
                last = scalar
            } else if scalar == "]" || scalar == "}" {
                depth -= 1
                if depth == 0 { return (index, last == ",") }
                last = scalar
            } else if !scalar.properties.isWhitespace {
                last = scalar
            }
        }
        return nil
    }
}

/// The lines of a text with the ends that they have; a carriage return belongs to its line's end.
private func linesWithEnds(of text: String) -> [String] {
    var lines: [String] = [], rest = text.utf8[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        let next = rest.index(after: end)
        lines.append(String(decoding: rest[..<next], as: UTF8.self))
        rest = rest[next...]
    }
    return rest.isEmpty ? lines : lines + [String(decoding: rest, as: UTF8.self)]
}
