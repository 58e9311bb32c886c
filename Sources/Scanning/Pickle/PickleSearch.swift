/// Finds where a pickle may begin within other bytes.
struct PickleSearch {
    private let bytes: UnsafeRawBufferPointer
    /// The next place of each kind; -1 before the first search, the end where there is none.
    private var upcoming = [-1, -1, -1]

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The first place from `start` on that looks like the beginning of a pickle or an import.
    mutating func next(from start: Int) -> Int? {
        for kind in upcoming.indices where upcoming[kind] < start {
            let found =
                switch kind {
                case 0: Self.next(0x80, in: bytes, from: start, where: Self.isProtocol)
                case 1: Self.next(0x8C, in: bytes, from: start, where: Self.isStackGlobal)
                default: Self.nextTextImport(in: bytes, from: start)
                }
            upcoming[kind] = found ?? .max
        }
        return upcoming.min().flatMap { $0 == .max ? nil : $0 }
    }

    private static func next(
        _ byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int,
        where isCandidate: (UnsafeRawBufferPointer, Int) -> Bool
    ) -> Int? {
        var position = start
        while let found = bytes.first(byte, from: position) {
            if isCandidate(bytes, found) { return found }
            position = found + 1
        }
        return nil
    }

    /// PROTO with a protocol that exists, and an opcode that may follow it.
    private static func isProtocol(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Bool {
        guard let version = bytes.little(UInt8.self, at: offset + 1), (1...5).contains(version),
            let next = bytes.little(UInt8.self, at: offset + 2)
        else { return false }
        return "c(}])NKMJXTUVSIGC.".utf8.contains(next)
            || [0x8C, 0x95, 0x8A, 0x88, 0x89, 0x8F, 0x96, 0x8E, 0x8D].contains(next)
    }

    /// Two short texts with names in them, and STACK_GLOBAL.
    private static func isStackGlobal(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Bool {
        guard let module = nameEnd(bytes, offset), bytes.little(UInt8.self, at: module) == 0x8C,
            let name = nameEnd(bytes, module)
        else { return false }
        return bytes.little(UInt8.self, at: name) == 0x93
    }

    /// Where a SHORT_BINUNICODE with a name ends, and what memorizes it.
    private static func nameEnd(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int? {
        guard let count = bytes.size(1, at: offset + 1), count >= 2,
            let name = bytes.part(offset + 2, count),
            name.allSatisfy({ $0 >= 0x2E && $0 < 0x7B })
        else { return nil }
        let end = offset + 2 + count
        switch bytes.little(UInt8.self, at: end) {
        case 0x94: return end + 1
        case UInt8(ascii: "q"): return end + 2
        default: return end
        }
    }

    /// GLOBAL or INST with two names on lines of their own.
    private static func nextTextImport(
        in bytes: UnsafeRawBufferPointer, from start: Int
    ) -> Int? {
        var position = start
        while let end = bytes.first(0x0A, from: position) {
            var first = end
            while first > start, end - first < 120, isNameByte(bytes[first - 1]) { first -= 1 }
            // The opcode is itself a letter, so it is the first of what looks like the name.
            if end - first >= 3, let stop = bytes.first(0x0A, from: end + 1), stop - end > 2,
                stop - end < 120,
                bytes.rest(from: end + 1, atMost: stop - end - 1).allSatisfy(isNameByte)
            {
                let whole = bytes.rest(from: first, atMost: end - first)
                for (index, byte) in whole.enumerated()
                where byte == UInt8(ascii: "c") || byte == UInt8(ascii: "i") {
                    let module = String(decoding: whole[(index + 1)...], as: UTF8.self)
                    let name = bytes.rest(from: end + 1, atMost: stop - end - 1).text
                    if index == 0 || GlobalGrades.grade(module, name).0 == .dangerous {
                        return first + index
                    }
                }
            }
            position = end + 1
        }
        return nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte == 0x5F || byte == 0x2E || (48...57).contains(byte) || (65...90).contains(byte)
            || (97...122).contains(byte)
    }
}
