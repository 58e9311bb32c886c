import Foundation

/// What the first bytes of a file say that it is.
enum FileSignature: Equatable {
    /// A program or script, by its kind.
    case code(String)
    /// A Python pickle.
    case pickle
    /// A container of files, by its kind.
    case archive(String)
    /// Weights or arrays of another program, by its kind.
    case weights(String)
    /// Nothing that is known.
    case none

    /// How many bytes of a file tell.
    static let length = 512

    private static let known: [(bytes: [UInt8], is: FileSignature)] = [
        ([0x7F, 0x45, 0x4C, 0x46], .code("an ELF program")),
        ([0xFE, 0xED, 0xFA], .code("a Mach-O program")),
        ([0xCF, 0xFA, 0xED, 0xFE], .code("a Mach-O program")),
        ([0xCE, 0xFA, 0xED, 0xFE], .code("a Mach-O program")),
        ([0xCA, 0xFE, 0xBA, 0xBE], .code("a program")),
        ([0x00, 0x61, 0x73, 0x6D], .code("a WebAssembly program")),
        (Array("#!".utf8), .code("a script")),
        ([0x50, 0x4B, 0x03, 0x04], .archive("zip")),
        ([0x50, 0x4B, 0x05, 0x06], .archive("zip")),
        ([0x1F, 0x8B], .archive("gzip")),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], .archive("xz")),
        ([0x28, 0xB5, 0x2F, 0xFD], .archive("zstd")),
        ([0x37, 0x7A, 0xBC, 0xAF], .archive("7z")),
        ([0x52, 0x61, 0x72, 0x21, 0x1A], .archive("rar")),
        ([0x89, 0x48, 0x44, 0x46], .weights("HDF5")),
        ([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59], .weights("NumPy")),
    ]

    /// What `head`, the first bytes of a file, begin.
    init(_ head: some Collection<UInt8>) {
        let head = Array(head)
        if let found = Self.known.first(where: { head.starts(with: $0.bytes) }) {
            self = found.is
        } else if head.starts(with: "MZ".utf8), head.contains(0) {
            self = .code("a Windows program")
        } else if head.starts(with: "GGUF".utf8), head.contains(0) {
            self = .weights("GGUF")
        } else if head.starts(with: "BZh".utf8), head.dropFirst(4).starts(with: "1AY".utf8) {
            self = .archive("bzip2")
        } else if head.count > 1, head[0] == 0x80, (1...5).contains(head[1]) {
            self = .pickle
        } else if head.dropFirst(257).starts(with: "ustar".utf8) {
            self = .archive("tar")
        } else if Self.beginsTextPickle(head) {
            self = .pickle
        } else {
            self = .none
        }
    }

    /// Whether text begins as pickles of protocol 0 do: a global's module and name on lines of
    /// their own, or the mark of a container that is put into the memo.
    private static func beginsTextPickle(_ head: [UInt8]) -> Bool {
        var rest = head[...]
        while rest.first == UInt8(ascii: "(") { rest = rest.dropFirst() }
        guard let opcode = rest.first else { return false }
        let lines = rest.dropFirst().split(
            separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
        func isName(_ line: ArraySlice<UInt8>) -> Bool {
            !line.isEmpty
                && line.allSatisfy {
                    $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_")
                        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                }
        }
        switch opcode {
        case UInt8(ascii: "c"), UInt8(ascii: "i"):
            // What follows is a mark, a memo or an empty tuple: its arguments.
            return lines.count > 2 && isName(lines[0]) && isName(lines[1])
                && lines[2].first.map { "(pq)".utf8.contains($0) } == true
        case UInt8(ascii: "d"), UInt8(ascii: "l"), UInt8(ascii: "t"):
            // "(dp0\n": an empty container, put into the memo.
            return rest.count < head.count && lines.count > 1
                && lines[0].first == UInt8(ascii: "p")
                && lines[0].dropFirst().allSatisfy {
                    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                }
        default: return false
        }
    }
}

/// Reads the beginnings of files.
enum BoundedFile {
    /// The first `count` bytes of a plain file.
    static func head(of url: URL, count: Int) throws -> [UInt8] {
        let handle = try FileHandle(forReadingFrom: url)
        defer { try? handle.close() }
        return Array(try handle.read(upToCount: count) ?? Data())
    }
}
