import Foundation

/// Writes a file under a temporary name in its folder and renames it when it is complete on disk, so
/// that nobody ever sees half of it and a failure leaves nothing behind.
public final class AtomicFile {
    private let descriptor: Int32
    private let temporaryPath: String
    private let path: String
    private var isFinished = false

    /// Calls `body` to write the file, then puts it at `url`.
    ///
    /// - Throws: ``OutputError``, and what `body` throws.
    public static func write(to url: URL, _ body: (AtomicFile) throws -> Void) throws {
        let file = try AtomicFile(url)
        try body(file)
        try file.commit()
    }

    /// Begins a file that will stand at `url` when it is committed.
    public init(_ url: URL) throws {
        path = url.path
        Unfinished.removeLeftovers(of: path)
        (descriptor, temporaryPath) = try Self.make(for: path)
    }

    private static func make(for path: String) throws -> (Int32, String) {
        while true {
            let temporary = Unfinished.name(for: path)
            let descriptor = open(
                temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o666)
            if descriptor < 0, errno == EEXIST { continue }
            guard descriptor >= 0 else { throw OutputError.system(errno, path: path) }
            Unfinished.insert(temporary)
            if Unfinished.lock(descriptor, at: temporary) { return (descriptor, temporary) }
            Unfinished.remove(temporary)
            close(descriptor)
        }
    }

    deinit {
        if !isFinished, Unfinished.remove(temporaryPath) { unlink(temporaryPath) }
        close(descriptor)
    }

    /// Appends `bytes`.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        try write(bytes) { start, count, _ in
            #if canImport(Darwin)
                Darwin.write(descriptor, start, count)
            #else
                Glibc.write(descriptor, start, count)
            #endif
        }
    }

    /// Appends `bytes`.
    public func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }

    /// Writes `bytes` from byte `offset` on; threads may do so side by side.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        try write(bytes) { start, count, done in
            pwrite(descriptor, start, count, off_t(offset + done))
        }
    }

    private func write(
        _ bytes: UnsafeRawBufferPointer, by step: (UnsafeRawPointer, Int, Int) -> Int
    ) throws {
        guard let start = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            let count = step(start + done, min(bytes.count - done, 1 << 30), done)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let code = count < 0 ? errno : ENOSPC
                // The system touched a page of ours that its file no longer has.
                if code == EFAULT, let input = MappedBytes.file(at: start + done) {
                    throw OutputError.inputChanged(path: input, how: "was cut short")
                }
                throw OutputError.system(code, path: path)
            }
            done += count
        }
    }

    /// Waits until the bytes are on the disk and gives them their name.
    public func commit() throws {
        // What cannot be synchronized (some network file systems) says EINVAL.
        guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
            throw OutputError.system(errno, path: path)
        }
        guard Unfinished.remove(temporaryPath) else { throw OutputError.outputClosed(path: path) }
        guard rename(temporaryPath, path) == 0 else {
            let code = errno
            Unfinished.insert(temporaryPath)
            throw OutputError.system(code, path: path)
        }
        isFinished = true
        synchronizeFolder((path as NSString).deletingLastPathComponent)
    }
}

// Unchecked because of `isFinished`, which only the thread that commits touches.
extension AtomicFile: @unchecked Sendable {}

/// Makes a new name in a folder durable; some file systems do not support it, and the data are safe.
func synchronizeFolder(_ path: String) {
    let folder = open(path.isEmpty ? "." : path, O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
}

/// Writes a file so that a reader, or a crash, sees the old content or the new and never a part.
///
/// - Throws: ``OutputError``; no temporary file is left behind.
public func atomicWrite(_ data: Data, to url: URL) throws {
    try AtomicFile.write(to: url) { file in try data.withUnsafeBytes { try file.write($0) } }
}

/// An open file that is written at its end, whose failures say which file and why.
///
/// Foundation's handles hide the error number on Linux, and with it the full disk.
public final class OutputFile {
    private var descriptor: Int32
    private let path: String

    /// Opens a file to write at its end; makes it where there is none.
    public init(appendingTo path: String) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        self.path = path
        guard descriptor >= 0 else { throw OutputError.system(errno, path: path) }
    }

    deinit {
        if descriptor >= 0 { _ = Foundation.close(descriptor) }
    }

    /// Writes all of the bytes.
    public func write(_ data: Data) throws {
        guard descriptor >= 0 else {
            throw OutputError.writeFailed(path: path, reason: "the file was closed before")
        }
        try data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
            var written = 0
            while written < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
                if count > 0 {
                    written += count
                } else if count == 0 || errno != EINTR {
                    throw OutputError.system(count == 0 ? ENOSPC : errno, path: path)
                }
            }
        }
    }

    /// Waits until the bytes are on the disk, then closes; a full disk may show only here.
    public func close() throws {
        guard descriptor >= 0 else { return }
        defer { descriptor = -1 }
        // What cannot be synchronized (a pipe, some network file systems) says EINVAL.
        let synchronized = fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP
        let reason = errno
        guard Foundation.close(descriptor) == 0 else {
            throw OutputError.system(errno, path: path)
        }
        guard synchronized else { throw OutputError.system(reason, path: path) }
    }
}
