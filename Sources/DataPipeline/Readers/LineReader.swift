import Files
import Foundation

/// A file's lines, read piece by piece: without line ends, byte-order mark or invalid UTF-8.
final class LineReader {
    private static let pieceSize = 1 << 20
    /// The longest line that is read: far above any text, far below what memory holds.
    static let maximumLineBytes = 64 << 20

    let file: URL
    /// The number of the last line given, from 1.
    private(set) var row = 0
    /// How many invalid UTF-8 sequences were replaced so far.
    private(set) var invalidSequences = 0

    private let handle: FileHandle
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    /// Bytes of the file, as it was when it was opened, that are not read yet.
    private var remaining: Int

    /// Opens `file`; throws where there is none, where it is no regular file, where it is empty and
    /// where it is UTF-16.
    init(_ file: URL) throws {
        self.file = file
        guard let status = FileStatus(file.path) else {
            throw DataError(file: file, "no such file; check the path")
        }
        guard !status.isFolder else {
            throw DataError(file: file, "is a folder; expected a file")
        }
        do {
            (handle, remaining) = try BoundedRead.open(file)
        } catch {
            throw DataError(error)
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
            guard unfinished <= Self.maximumLineBytes else {
                throw DataError(
                    file: file, row: row + 1,
                    "is longer than \(Self.maximumLineBytes >> 20) MB; expected a text on each line"
                )
            }
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
            let piece = try handle.read(upToCount: min(Self.pieceSize, remaining)) ?? Data()
            remaining -= piece.count
            isAtEnd = piece.isEmpty
            buffer.append(contentsOf: piece)
        } catch {
            throw DataError(file: file, "cannot be read: \(error.localizedDescription)")
        }
    }
}
