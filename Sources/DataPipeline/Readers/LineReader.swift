import Foundation

/// A file's lines, read piece by piece: without line ends, byte-order mark or invalid UTF-8.
final class LineReader {
    private static let pieceSize = 1 << 20

    let file: URL
    /// The number of the last line given, from 1.
    private(set) var row = 0
    /// How many invalid UTF-8 sequences were replaced so far.
    private(set) var invalidSequences = 0

    private let handle: FileHandle
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false

    /// Opens `file`; throws where there is none, where it is empty and where it is UTF-16.
    init(_ file: URL) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isDirectory) else {
            throw DataError(file: file, "no such file; check the path")
        }
        guard !isDirectory.boolValue else {
            throw DataError(file: file, "is a folder; expected a file")
        }
        self.file = file
        do {
            handle = try FileHandle(forReadingFrom: file)
        } catch {
            throw DataError(file: file, "cannot be opened: \(error.localizedDescription)")
        }
        try fill()
        if buffer.isEmpty {
            throw DataError(file: file, "is empty; expected lines of text")
        }
        if buffer.starts(with: [0xFF, 0xFE]) || buffer.starts(with: [0xFE, 0xFF]) {
            throw DataError(file: file, "is UTF-16; convert it to UTF-8")
        }
        if buffer.starts(with: [0xEF, 0xBB, 0xBF]) {
            start = 3
        }
    }

    /// What the file begins with.
    var beginning: ArraySlice<UInt8> { buffer[start...].prefix(64) }

    /// The next line, or nil at the end.
    func next() throws -> String? {
        var searched = start
        while true {
            if let end = lineEnd(from: searched) {
                defer { start = end + 1 }
                return text(start..<end)
            }
            guard !isAtEnd else { break }
            let unfinished = buffer.count - start
            try fill()
            searched = start + unfinished
        }
        guard start < buffer.count else { return nil }
        defer { start = buffer.count }
        return text(start..<buffer.count)
    }

    private func lineEnd(from position: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard position < bytes.count, let base = bytes.baseAddress,
                let found = memchr(base + position, 10, bytes.count - position)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    private func text(_ range: Range<Int>) -> String {
        row += 1
        var end = range.upperBound
        if end > range.lowerBound, buffer[end - 1] == 13 {
            end -= 1
        }
        let line = buffer[range.lowerBound..<end]
        if let text = String(validating: line, as: UTF8.self) { return text }
        let text = String(decoding: line, as: UTF8.self)
        invalidSequences += Self.replacements(text.utf8) - Self.replacements(line)
        return text
    }

    /// How often U+FFFD occurs.
    private static func replacements(_ bytes: some Sequence<UInt8>) -> Int {
        var (last, before, count) = (UInt8(0), UInt8(0), 0)
        for byte in bytes {
            if before == 0xEF, last == 0xBF, byte == 0xBD { count += 1 }
            (before, last) = (last, byte)
        }
        return count
    }

    private func fill() throws {
        buffer.removeFirst(start)
        start = 0
        do {
            let piece = try handle.read(upToCount: Self.pieceSize) ?? Data()
            isAtEnd = piece.isEmpty
            buffer.append(contentsOf: piece)
        } catch {
            throw DataError(file: file, "cannot be read: \(error.localizedDescription)")
        }
    }
}
