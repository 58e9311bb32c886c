import Files
import Foundation

/// A model's card, `README.md`: front matter in YAML, then Markdown.
///
/// What is not asked for stays as it is, byte for byte.
public struct ModelCard: Sendable {
    /// The name of the file.
    public static let file = "README.md"
    /// The tag of a purified model.
    public static let tag = "recipe-purified"
    /// A card larger than this is no text that somebody wrote.
    public static let maximumBytes = 4 << 20

    static let opening = "<!-- recipe:purified:begin -->"
    static let closing = "<!-- recipe:purified:end -->"

    /// The card as text.
    public private(set) var text: String

    /// A card of nothing.
    public init() { text = "" }

    /// The card that `data` hold.
    ///
    /// Throws `CardError` where it is larger than any card, or no text.
    public init(_ data: Data) throws {
        guard data.count <= Self.maximumBytes else {
            throw CardError("is larger than \(Self.maximumBytes >> 20) MB")
        }
        guard !data.contains(0), let text = String(validating: data, as: UTF8.self) else {
            throw CardError("is not UTF-8 text")
        }
        self.text = text
    }

    /// The card as bytes.
    public var data: Data { Data(text.utf8) }

    /// How the lines of a card end: as the first does.
    static func lineEnd(of text: String) -> String {
        let end = text.utf8.firstIndex(of: UInt8(ascii: "\n"))
        guard let end, end > text.startIndex else { return "\n" }
        return text.utf8[text.utf8.index(before: end)] == UInt8(ascii: "\r") ? "\r\n" : "\n"
    }

    // MARK: The paragraph

    /// Puts `lines` between the markers: where an earlier paragraph stood, else before all other
    /// text. Every other marker, and what stands between two, is taken out.
    mutating func set(paragraph lines: [String]) {
        let place = removeParagraphs()
        let end = Self.lineEnd(of: text)
        let block = ([Self.opening] + lines + [Self.closing]).joined(separator: end)
        if let place {
            text.insert(contentsOf: block, at: index(at: place))
        } else {
            // Above what the card says: there nothing that is left open can hide it.
            let start = index(at: FrontMatter.bodyStart(of: text))
            text.insert(contentsOf: (start == text.startIndex ? "" : end) + block + end, at: start)
        }
    }

    /// Takes out what a purification said, with its tag: of a model that is not its output.
    ///
    /// Throws `CardError` where the front matter cannot be edited; the paragraph is out then too.
    public mutating func removePurification() throws {
        removeParagraphs()
        try FrontMatter.edit(&text) { try $0.remove(tag: Self.tag) }
    }

    /// Whether it says anything of a purification.
    public var isOfPurification: Bool {
        [Self.opening, Self.closing, Self.tag].contains { !text.utf8.ranges(of: $0.utf8).isEmpty }
    }

    /// Takes every paragraph and marker out; gives the byte at which the first stood.
    @discardableResult
    private mutating func removeParagraphs() -> Int? {
        var first: Int?
        // By bytes: as characters, a marker with an accent on its last letter would be none.
        while let marker = [Self.opening, Self.closing]
            .compactMap({ text.utf8.firstRange(of: $0.utf8) })
            .min(by: { $0.lowerBound < $1.lowerBound })
        {
            var range = marker
            if text.utf8[marker].elementsEqual(Self.opening.utf8),
                let end = text.utf8[marker.upperBound...].firstRange(of: Self.closing.utf8)
            {
                range = marker.lowerBound..<end.upperBound
            }
            first = first ?? text.utf8.distance(from: text.startIndex, to: range.lowerBound)
            text.removeSubrange(range)
        }
        return first
    }

    /// The paragraph's text and the card without it, its markers left; nil unless there is exactly
    /// one pair of markers.
    var parted: (paragraph: String, rest: String)? {
        let openings = text.utf8.ranges(of: Self.opening.utf8)
        let closings = text.utf8.ranges(of: Self.closing.utf8)
        guard openings.count == 1, closings.count == 1,
            openings[0].upperBound <= closings[0].lowerBound
        else { return nil }
        let inside = openings[0].upperBound..<closings[0].lowerBound
        var rest = text
        rest.removeSubrange(inside)
        return (String(text[inside]), rest)
    }

    private func index(at byte: Int) -> String.Index {
        text.utf8.index(text.startIndex, offsetBy: byte)
    }

    // MARK: Front matter

    /// Adds the tag, and says of which model this one was made, where that is known.
    ///
    /// Throws `CardError` where the front matter is none that can be edited; it is untouched then.
    mutating func setFrontMatter(baseModel: String?) throws {
        try FrontMatter.edit(&text, creating: true) {
            if let baseModel { try $0.set("base_model", to: baseModel) }
            try $0.add(tag: Self.tag)
        }
    }
}

/// Why a card was left as it is.
public struct CardError: Error, Sendable, CustomStringConvertible {
    /// The reason, as it goes on from the card's name.
    public let description: String

    init(_ description: String) { self.description = description }
}
