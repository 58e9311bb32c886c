import Foundation

/// Writes a file under a temporary name in its folder and renames it when it is complete on disk, so
/// that nobody ever sees half of it and a failure leaves nothing behind.
struct AtomicFile: ~Copyable {
    private let descriptor: Int32
    private let temporaryPath: String
    private let path: String

    /// Calls `body` to write the file, then puts it at `url`.
    static func write(to url: URL, _ body: (borrowing AtomicFile) throws -> Void) throws {
        let file = try AtomicFile(url)
        do {
            try body(file)
            try file.commit()
        } catch {
            unlink(file.temporaryPath)
            throw error
        }
    }

    private init(_ url: URL) throws {
        path = url.path
        let folder = url.deletingLastPathComponent()
        let suffix = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        temporaryPath =
            folder.appendingPathComponent(".\(url.lastPathComponent).\(suffix).tmp").path
        descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw FormatError(
                file: path, what: "cannot be written: \(systemMessage(errno))",
                advice: "check that the folder exists and may be written")
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Appends `bytes`.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard let start = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            #if canImport(Darwin)
                let step = Darwin.write(descriptor, start + done, min(bytes.count - done, 1 << 30))
            #else
                let step = Glibc.write(descriptor, start + done, min(bytes.count - done, 1 << 30))
            #endif
            if step < 0 && errno == EINTR { continue }
            guard step > 0 else { throw failure(step < 0 ? errno : ENOSPC) }
            done += step
        }
    }

    /// Appends `bytes`.
    func write(_ bytes: ByteRegion) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }

    /// Appends `bytes`.
    func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }

    private func commit() throws {
        guard fsync(descriptor) == 0 else { throw failure(errno) }
        guard rename(temporaryPath, path) == 0 else { throw failure(errno) }
        // Makes the new name durable; some file systems do not support it, and the data are safe.
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    private func failure(_ code: Int32) -> FormatError {
        let isFull = code == ENOSPC || code == EDQUOT || code == EFBIG
        return FormatError(
            file: path, what: "cannot be written: \(systemMessage(code))",
            advice: isFull ? "free some space; nothing was left behind" : "nothing was left behind")
    }
}
