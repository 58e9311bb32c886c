import Foundation

/// Keeps other processes from writing what this one writes.
///
/// The lock is a file `.NAME.lock` beside NAME, with the number of the process that has it. The
/// kernel lets go of it when that process ends, however it ends. A process may take the same lock
/// several times.
public final class FileLock: Sendable {
    private let path: String
    private let taken = Locked(true)

    private struct Held {
        var descriptor: Int32
        var count: Int
    }

    private static let held = Locked<[String: Held]>([:])

    /// Takes the lock of `url`, a file or folder that may not be there yet, whose folder is there.
    ///
    /// - Throws: ``OutputError/inUse(path:process:)`` where another process has it, and other
    ///   ``OutputError``s where it cannot be made.
    public convenience init(of url: URL) throws {
        let name = ".\(url.lastPathComponent).lock"
        let folder = url.deletingLastPathComponent().resolvingSymlinksInPath()
        try self.init(at: folder.appendingPathComponent(name), of: url.path)
    }

    /// Takes the lock that is the file `file`; `name` is what is written, for messages.
    public init(at file: URL, of name: String) throws {
        path = file.path
        let path = path
        try Self.held.withLock { held in
            if let own = held[path] {
                held[path] = Held(descriptor: own.descriptor, count: own.count + 1)
                return
            }
            held[path] = Held(descriptor: try Self.take(path, name), count: 1)
        }
    }

    deinit { release() }

    /// Lets others in; after the last of this process's, the file is gone.
    public func release() {
        guard
            taken.withLock({ was in
                defer { was = false }
                return was
            })
        else { return }
        Self.held.withLock { held in
            guard var own = held[path] else { return }
            own.count -= 1
            held[path] = own.count > 0 ? own : nil
            guard own.count == 0 else { return }
            // Removed while it is locked: nobody else has it open for good.
            unlink(path)
            Unfinished.remove(path)
            close(own.descriptor)
        }
    }

    private static func take(_ path: String, _ name: String) throws -> Int32 {
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard descriptor >= 0 else { throw OutputError.system(errno, path: name) }
            if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                let code = errno
                defer { close(descriptor) }
                guard code == EWOULDBLOCK else {
                    throw OutputError.writeFailed(
                        path: name,
                        reason: "it cannot be locked: \(String(cString: strerror(code)))")
                }
                throw OutputError.inUse(path: name, process: owner(descriptor))
            }
            // Whoever had it may have removed the file between our opening and locking it.
            guard
                FileStamp(path, followingLinks: false)?.identity
                    == FileStamp(descriptor: descriptor)?.identity
            else {
                close(descriptor)
                continue
            }
            Unfinished.insert(path)
            let text = Array("\(getpid())\n".utf8)
            ftruncate(descriptor, 0)
            pwrite(descriptor, text, text.count, 0)
            return descriptor
        }
    }

    private static func owner(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") }
        return Int32(String(decoding: digits, as: UTF8.self))
    }
}
