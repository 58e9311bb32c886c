/// What the normalization and pre-tokenization of BERT and CLIP do to each Unicode scalar.
///
/// The reference implementation mixes several versions of Unicode, so the data is probed from it
/// (`Oracle/wordpiece.py`, `Oracle/clip_text.py`) and does not depend on the Unicode version of the
/// Swift toolchain.
struct ScalarTable: Sendable {
    /// The classes of a scalar.
    struct Flags: OptionSet, Sendable {
        let rawValue: UInt16

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
        /// What `\p{L}` matches.
        static let letter = Flags(rawValue: 64)
        /// What `\p{N}` matches.
        static let number = Flags(rawValue: 128)
        /// Taken apart by canonical composition, and never made by it.
        static let uncomposed = Flags(rawValue: 256)
        /// May change together with what stands before it when text is composed.
        static let recomposes = Flags(rawValue: 512)
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
    /// What two scalars become together, by both of them.
    private var compositions: [UInt64: UInt32] = [:]

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
        read(ranges: Self.letter) { $0.flags.insert(.letter) }
        read(ranges: Self.number) { $0.flags.insert(.number) }
        read(ranges: Self.uncomposed) { $0.flags.formUnion([.uncomposed, .recomposes]) }
        readCompositions()
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

    /// The scalar that two become when text is composed; nil where they stay two.
    func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if (0x1100...0x1112).contains(first), (0x1161...0x1175).contains(second) {
            return 0xAC00 + ((first - 0x1100) * 21 + second - 0x1161) * 28
        }
        if (0xAC00...0xD7A3).contains(first), (first - 0xAC00) % 28 == 0,
            (0x11A8...0x11C2).contains(second)
        {
            return first + second - 0x11A7
        }
        return compositions[UInt64(first) << 32 | UInt64(second)]
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

    /// Composition undoes decomposition, but for what the library never composes.
    private mutating func readCompositions() {
        var composed: [(scalar: UInt32, parts: [UInt32])] = []
        for page in pages.indices where pages[page] != 0 {
            for scalar in UInt32(page * Self.pageSize)..<UInt32((page + 1) * Self.pageSize) {
                let entry = self[scalar]
                if entry.combining != 0 {
                    update(scalar) { $0.flags.insert(.recomposes) }
                }
                guard entry.decomposition != 0, !entry.flags.contains(.uncomposed) else { continue }
                var parts: [UInt32] = []
                forEach(in: entry.decomposition) { parts.append($0) }
                composed.append((scalar, parts))
            }
        }
        // Shorter ones first: a longer one is a shorter one and its last part.
        for (scalar, parts) in composed.sorted(by: { $0.parts.count < $1.parts.count }) {
            var first = parts[0]
            for part in parts[1..<max(1, parts.count - 1)] {
                first = composition(first, part) ?? first
            }
            let last = parts[parts.count - 1]
            compositions[UInt64(first) << 32 | UInt64(last)] = scalar
            update(last) { $0.flags.insert(.recomposes) }
        }
        for scalar in Array(0x1161...0x1175) + Array(0x11A8...0x11C2) as [UInt32] {
            update(scalar) { $0.flags.insert(.recomposes) }
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
