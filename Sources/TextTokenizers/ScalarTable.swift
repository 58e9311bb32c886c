/// What BERT's normalization and pre-tokenization do to each Unicode scalar.
///
/// The reference implementation mixes several versions of Unicode, so the data is probed from it
/// (`Oracle/wordpiece.py`) and does not depend on the Unicode version of the Swift toolchain.
struct ScalarTable: Sendable {
    /// The classes of a scalar.
    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8

        /// Dropped by cleaning.
        static let removed = Flags(rawValue: 1)
        /// Turned into a space by cleaning.
        static let spaced = Flags(rawValue: 2)
        /// Ends a word and is dropped.
        static let separator = Flags(rawValue: 4)
        /// A word of its own.
        static let punctuation = Flags(rawValue: 8)
        /// Gets a space on both sides.
        static let chinese = Flags(rawValue: 16)
        /// Dropped with the accents.
        static let mark = Flags(rawValue: 32)
    }

    struct Entry: Sendable {
        var flags: Flags = []
        /// Canonical combining class; 0 for a starter.
        var combining: UInt8 = 0
        /// Index into `sequences`, 0 for none.
        var lowercase: UInt16 = 0
        var decomposition: UInt16 = 0
    }

    private static let pageBits: UInt32 = 8
    private static let pageSize = 1 << Int(pageBits)

    private var pages: [UInt16]
    private var entries: [Entry]
    /// Length-prefixed scalar sequences.
    private var sequences: [UInt32] = [0]

    static let shared = ScalarTable()

    private init() {
        pages = [UInt16](repeating: 0, count: 0x110000 >> Int(Self.pageBits))
        entries = [Entry](repeating: Entry(), count: Self.pageSize)
        read(ranges: Self.removed) { $0.flags.insert(.removed) }
        read(ranges: Self.spaced) { $0.flags.insert(.spaced) }
        read(ranges: Self.separator) { $0.flags.insert(.separator) }
        read(ranges: Self.punctuation) { $0.flags.insert(.punctuation) }
        read(ranges: Self.chinese) { $0.flags.insert(.chinese) }
        read(ranges: Self.mark) { $0.flags.insert(.mark) }
        readCombiningClasses()
        read(mapping: Self.lowercase) { $0.lowercase = $1 }
        read(mapping: Self.decomposition) { $0.decomposition = $1 }
    }

    subscript(scalar: UInt32) -> Entry {
        let page = Int(pages[Int(scalar >> Self.pageBits)])
        return entries[page * Self.pageSize + Int(scalar) % Self.pageSize]
    }

    /// Calls `body` with each scalar of the sequence at `index`.
    @inline(__always)
    func forEach(in index: UInt16, _ body: (UInt32) -> Void) {
        let start = Int(index)
        for position in 0..<Int(sequences[start]) {
            body(sequences[start + 1 + position])
        }
    }

    // MARK: - Reading the generated text

    private mutating func update(_ scalar: UInt32, _ change: (inout Entry) -> Void) {
        let page = Int(scalar >> Self.pageBits)
        if pages[page] == 0 {
            pages[page] = UInt16(entries.count / Self.pageSize)
            entries.append(contentsOf: repeatElement(Entry(), count: Self.pageSize))
        }
        change(&entries[Int(pages[page]) * Self.pageSize + Int(scalar) % Self.pageSize])
    }

    private mutating func read(ranges text: StaticString, _ change: (inout Entry) -> Void) {
        for word in Self.words(of: text) {
            for scalar in Self.range(word) {
                update(scalar, change)
            }
        }
    }

    private mutating func readCombiningClasses() {
        for word in Self.words(of: Self.combining) {
            let parts = word.split(separator: UInt8(ascii: ":"))
            let value = UInt8(truncatingIfNeeded: Self.number(parts[1]))
            for scalar in Self.range(parts[0]) {
                update(scalar) { $0.combining = value }
            }
        }
    }

    private mutating func read(
        mapping text: StaticString, _ change: (inout Entry, UInt16) -> Void
    ) {
        var scalar: UInt32 = 0
        for word in Self.words(of: text) {
            if word.first == UInt8(ascii: "@") {
                scalar = Self.number(word.dropFirst())
                continue
            }
            let target = word.split(separator: UInt8(ascii: "+")).map(Self.number)
            let index = UInt16(sequences.count)
            sequences.append(UInt32(target.count))
            sequences.append(contentsOf: target)
            update(scalar) { change(&$0, index) }
            scalar += 1
        }
    }

    private static func words(of text: StaticString) -> [ArraySlice<UInt8>] {
        let bytes = text.withUTF8Buffer { Array($0) }
        return bytes.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
    }

    private static func range(_ word: ArraySlice<UInt8>) -> ClosedRange<UInt32> {
        let parts = word.split(separator: UInt8(ascii: "-"))
        return number(parts[0])...number(parts[parts.count - 1])
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt32 {
        digits.reduce(0) { value, digit in
            let isDecimal = digit <= UInt8(ascii: "9")
            return value << 4
                | UInt32(digit - (isDecimal ? UInt8(ascii: "0") : UInt8(ascii: "A") - 10))
        }
    }
}
