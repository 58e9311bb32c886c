import Foundation

/// Reads small files whole, and large ones not at all: a configuration of four gigabytes, a pipe
/// or `/dev/zero` under a configuration's name must not take the machine.
public enum BoundedRead {
    /// The content of a regular file of at most `limit` bytes.
    ///
    /// - Throws: `FileError` where it is missing, unreadable, no regular file, or larger.
    public static func data(of url: URL, atMost limit: Int) throws -> Data {
        let path = url.path
        // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let reason = errno == ENOENT ? "no such file" : String(cString: strerror(errno))
            throw FileError(path: path, "cannot be read (\(reason))")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        defer { try? handle.close() }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path: path, "cannot be read (it is not a regular file)")
        }
        guard status.st_size <= limit else { throw tooLarge(path, limit) }
        let data: Data
        do {
            // One more than allowed, for a file that grows meanwhile.
            data = try handle.read(upToCount: limit + 1) ?? Data()
        } catch {
            throw FileError(path: path, "cannot be read (\(error.localizedDescription))")
        }
        guard data.count <= limit else { throw tooLarge(path, limit) }
        return data
    }

    private static func tooLarge(_ path: String, _ limit: Int) -> FileError {
        let size = limit >= 1 << 20 ? "\(limit >> 20) MB" : "\(limit) bytes"
        return FileError(
            path: path, "is above \(size), which no file of its kind is",
            advice: "check that it is the file that was meant")
    }
}
