import Files
import Foundation

/// A file mapped into memory read-only, for as long as anything refers to it.
///
/// Pages are read when touched, so that opening a file of many gigabytes costs nothing. A file that
/// another process cuts short meanwhile is noticed: see `MappedBytes`.
public final class MappedFile: @unchecked Sendable {
    // Unchecked because of the pointer: the bytes never change after `init`.
    private let base: UnsafeRawPointer
    /// What holds the bytes, where they are mapped and not a copy.
    private let mapping: MappedBytes?

    /// Path of the file, as the caller gave it.
    public let path: String
    /// Size of the file in bytes, above zero.
    public let count: Int

    /// Maps the file at `url`; where the file system cannot map, reads it.
    ///
    /// - Throws: `FormatError` when the file is missing, unreadable, empty or not a regular file.
    public init(_ url: URL) throws {
        let path = url.path
        func failure(_ what: String, advice: String? = nil) -> FormatError {
            FormatError(file: path, what: what, advice: advice, kind: .io)
        }
        // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw failure(
                "cannot be opened: \(systemMessage(errno))",
                advice: "check the path and its permissions")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw failure("cannot be examined: \(systemMessage(errno))")
        }
        guard (status.st_mode & S_IFMT) == S_IFREG else {
            throw failure("is not a regular file", advice: "name the weights file itself")
        }
        guard status.st_size > 0, let size = Int(exactly: status.st_size) else {
            throw FormatError(
                file: path, what: "is empty", advice: "download or copy it again")
        }
        self.path = path
        count = size
        let mapping = MappedBytes(descriptor: descriptor, count: size, path: path)
        self.mapping = mapping
        base =
            try mapping?.bytes.baseAddress
            ?? Self.contents(of: descriptor, count: size, path: path)
    }

    /// Holds a copy of `contents`, for files that are not on a disk; `path` names them in errors.
    ///
    /// - Throws: `FormatError` when `contents` is empty.
    public init(contents: [UInt8], path: String) throws {
        guard !contents.isEmpty else { throw FormatError(file: path, what: "is empty") }
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: contents.count, alignment: 64)
        UnsafeMutableRawBufferPointer(start: buffer, count: contents.count)
            .copyBytes(from: contents)
        self.path = path
        count = contents.count
        base = UnsafeRawPointer(buffer)
        mapping = nil
    }

    deinit {
        if mapping == nil { base.deallocate() }
    }

    /// Calls `body` with the whole file.
    public func withUnsafeBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try withExtendedLifetime(self) {
            try body(UnsafeRawBufferPointer(start: base, count: count))
        }
    }

    /// Lets go of the memory that pages already read take; they are read again when touched.
    public func releasePages() { mapping?.releasePages() }

    private static func contents(
        of descriptor: Int32, count: Int, path: String
    ) throws -> UnsafeRawPointer {
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
        var done = 0
        while done < count {
            let step = read(descriptor, buffer + done, min(count - done, 1 << 30))
            if step < 0 && errno == EINTR { continue }
            guard step > 0 else {
                let reason = step < 0 ? systemMessage(errno) : "it ended early"
                buffer.deallocate()
                throw FormatError(file: path, what: "cannot be read: \(reason)", kind: .io)
            }
            done += step
        }
        return UnsafeRawPointer(buffer)
    }
}

/// The operating system's words for an error number.
func systemMessage(_ code: Int32) -> String {
    String(cString: strerror(code))
}
