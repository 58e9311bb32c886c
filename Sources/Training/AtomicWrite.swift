import Foundation

/// Writes a file so that a reader, or a crash, sees the old content or the new and never a part.
///
/// The bytes go to a temporary file in the same folder, reach the disk, and take the name.
///
/// - Throws: ``RunError/diskFull(path:)`` or ``RunError/writeFailed(path:reason:)``; no temporary
///   file is left behind.
public func atomicWrite(_ data: Data, to url: URL) throws {
    let name = ".\(url.lastPathComponent).partial-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let temporary = url.deletingLastPathComponent().appendingPathComponent(name)
    do {
        let file = try OutputFile(creating: temporary.path, reportedAs: url.path)
        try file.write(data)
        try file.close()
        guard rename(temporary.path, url.path) == 0 else {
            throw RunError.system(errno, path: url.path)
        }
    } catch {
        unlink(temporary.path)
        throw error
    }
}

/// An open file whose failures say which file and why.
///
/// Foundation's handles hide the error number on Linux, and with it the full disk.
final class OutputFile {
    private var descriptor: Int32
    private let path: String

    /// Makes a new file; fails where one is.
    convenience init(creating file: String, reportedAs path: String) throws {
        try self.init(file, flags: O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, reportedAs: path)
    }

    /// Opens a file to write at its end; makes it where there is none.
    convenience init(appendingTo path: String) throws {
        try self.init(path, flags: O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, reportedAs: path)
    }

    private init(_ file: String, flags: Int32, reportedAs path: String) throws {
        descriptor = open(file, flags, 0o644)
        self.path = path
        guard descriptor >= 0 else { throw RunError.system(errno, path: path) }
    }

    deinit {
        if descriptor >= 0 { _ = Foundation.close(descriptor) }
    }

    /// Writes all of the bytes.
    func write(_ data: Data) throws {
        guard descriptor >= 0 else {
            throw RunError.writeFailed(path: path, reason: "the file was closed before")
        }
        try data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
            var written = 0
            while written < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
                if count > 0 {
                    written += count
                } else if count == 0 || errno != EINTR {
                    throw RunError.system(count == 0 ? ENOSPC : errno, path: path)
                }
            }
        }
    }

    /// Waits until the bytes are on the disk, then closes; a full disk may show only here.
    func close() throws {
        guard descriptor >= 0 else { return }
        defer { descriptor = -1 }
        // What cannot be synchronized (a pipe, some network file systems) says EINVAL.
        let synchronized = fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP
        let reason = errno
        guard Foundation.close(descriptor) == 0 else { throw RunError.system(errno, path: path) }
        guard synchronized else { throw RunError.system(reason, path: path) }
    }
}
