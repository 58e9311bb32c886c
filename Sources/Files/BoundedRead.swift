import Foundation

/// Reads small files whole, and large ones not at all: a configuration of four gigabytes, a pipe
/// or `/dev/zero` under a configuration's name must not take the machine.
public enum BoundedRead {
    /// The content of a regular file of at most `limit` bytes.
    ///
    /// - Throws: `FileError` where it is missing, unreadable, no regular file, or larger.
    public static func data(of url: URL, atMost limit: Int) throws -> Data {
        let path = url.path
        let (handle, size) = try open(url)
        defer { try? handle.close() }
        guard size <= limit else { throw tooLarge(path, limit) }
        // What the kernel makes up says that it is empty, and may wait for more when it is read.
        guard size > 0 else { return Data() }
        let data: Data
        do {
            // One more than there was, for a file that grows meanwhile.
            data = try handle.read(upToCount: size + 1) ?? Data()
        } catch {
            throw FileError(path: path, "cannot be read (\(error.localizedDescription))")
        }
        guard data.count <= size else {
            throw FileError(path: path, "cannot be read (it grew meanwhile)")
        }
        return data
    }

    /// A regular file opened for reading, and how many bytes it has.
    ///
    /// - Throws: `FileError` where it is missing, unreadable or no regular file: a device may have
    ///   no end, and a pipe waits for a writer.
    public static func open(_ url: URL) throws(FileError) -> (handle: FileHandle, size: Int) {
        let path = url.path
        // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
        let descriptor = systemOpen(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let reason = errno == ENOENT ? "no such file" : String(cString: strerror(errno))
            throw FileError(path: path, "cannot be read (\(reason))")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            let isPipe = status.st_mode & S_IFMT == S_IFIFO
            throw FileError(
                path: path, "cannot be read (it is not a regular file)",
                advice: isPipe ? "write what comes out of the pipe to a file first" : nil)
        }
        return (handle, Int(status.st_size))
    }

    private static func systemOpen(_ path: String, _ flags: Int32) -> Int32 {
        #if canImport(Darwin)
            Darwin.open(path, flags)
        #else
            Glibc.open(path, flags)
        #endif
    }

    private static func tooLarge(_ path: String, _ limit: Int) -> FileError {
        let size = limit >= 1 << 20 ? "\(limit >> 20) MB" : "\(limit) bytes"
        return FileError(
            path: path, "is above \(size), which no file of its kind is",
            advice: "check that it is the file that was meant")
    }
}
