import Foundation

/// What this process has begun to write and must not leave behind when it ends early: staged
/// folders, files under temporary names, locks.
///
/// Each has a name that nobody can foresee, `.NAME.partial-RANDOM`, and its writer holds a lock on it
/// for as long as it is at work. The kernel lets go of locks when a process dies, however it dies; so
/// what can be locked by another is left over, and is removed by the next who writes NAME.
public enum Unfinished {
    private static let paths = Locked<Set<String>>([])
    private static let folders = Locked<[String]>([])

    /// Removes it all: to be called when the process is about to end early, from an ordinary thread
    /// (not from within a signal handler, which may not take locks or allocate memory).
    public static func removeAll() {
        let left = paths.withLock { paths in
            defer { paths = [] }
            return paths
        }
        for path in left { erase(path) }
        for folder in folders.withLock({ $0.reversed() }) { rmdir(folder) }
    }

    /// Adds a file or folder that is not to be left behind.
    public static func insert(_ path: String) { paths.withLock { _ = $0.insert(path) } }

    /// Adds a folder that is not to be left behind empty.
    public static func insert(emptyFolder path: String) { folders.withLock { $0.append(path) } }

    /// Takes a path out; false where it was taken before, and is another's to deal with.
    @discardableResult public static func remove(_ path: String) -> Bool {
        paths.withLock { $0.remove(path) != nil }
    }

    static func contains(_ path: String) -> Bool { paths.withLock { $0.contains(path) } }

    static func erase(_ path: String) {
        // Another thread may be adding files at the same moment; so it is tried again.
        for _ in 0..<3 where FileStamp(path, followingLinks: false) != nil {
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    // MARK: Names and locks

    /// A new name beside `path` to write its content under.
    static func name(for path: String) -> String {
        let random = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        return prefix(of: path).path
            + String(repeating: "0", count: digits - random.count) + random
    }

    private static let digits = 13

    /// How names beside `path` begin, by their folder and whole.
    private static func prefix(of path: String) -> (folder: String, name: String, path: String) {
        let url = path as NSString
        let folder = url.deletingLastPathComponent.isEmpty ? "." : url.deletingLastPathComponent
        let name = ".\(url.lastPathComponent).partial-"
        return (folder, name, (folder as NSString).appendingPathComponent(name))
    }

    /// Locks an open file or folder for its writer; false where another was quicker and removed it.
    static func lock(_ descriptor: Int32, at path: String) -> Bool {
        // Where the file system has no locks, nobody can tell, and nobody removes.
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return false }
        return FileStamp(path, followingLinks: false)?.identity
            == FileStamp(descriptor: descriptor)?.identity
    }

    /// Removes what writers of `path` that are dead have left beside it.
    public static func removeLeftovers(of path: String) {
        let (folder, prefix, _) = prefix(of: path)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names where isPartial(name, prefix) {
            let path = (folder as NSString).appendingPathComponent(name)
            let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { erase(path) }
            close(descriptor)
        }
    }

    private static func isPartial(_ name: String, _ prefix: String) -> Bool {
        guard name.hasPrefix(prefix) else { return false }
        let rest = name.dropFirst(prefix.count)
        return rest.count == digits
            && rest.allSatisfy { $0.isASCII && ($0.isNumber || $0.isLowercase) }
    }
}
