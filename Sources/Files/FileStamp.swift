import Foundation

/// Which file a path leads to, and in what state it is.
public struct FileStamp: Sendable, Hashable {
    /// What a path leads to.
    public enum Kind: Sendable, Hashable {
        /// A file with content.
        case file
        /// A folder.
        case folder
        /// A symbolic link, where links are not followed.
        case link
        /// A pipe, a device, a socket.
        case other
    }

    /// A file's own number, whatever it is called: names, hard links and bind mounts have it in
    /// common.
    public struct Identity: Sendable, Hashable {
        fileprivate var device: UInt64
        fileprivate var number: UInt64
    }

    /// What it is.
    public var kind: Kind
    /// Its number.
    public var identity: Identity
    /// Bytes.
    public var size: Int64
    /// How many names it has.
    public var links: UInt64
    /// When the content changed, in nanoseconds.
    public var modified: Int64
    /// When the content or anything about it changed, in nanoseconds.
    public var changed: Int64

    /// The state of what `path` leads to, links followed or not; nil where there is nothing.
    public init?(_ path: String, followingLinks: Bool = true) {
        var status = stat()
        guard (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0 else {
            return nil
        }
        self.init(status)
    }

    /// The state of an open file.
    init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            case S_IFLNK: .link
            default: .other
            }
        identity = Identity(
            device: UInt64(truncatingIfNeeded: status.st_dev),
            number: UInt64(truncatingIfNeeded: status.st_ino))
        size = Int64(status.st_size)
        links = UInt64(status.st_nlink)
        #if canImport(Darwin)
            (modified, changed) = (
                Self.nanoseconds(status.st_mtimespec), Self.nanoseconds(status.st_ctimespec)
            )
        #else
            (modified, changed) = (
                Self.nanoseconds(status.st_mtim), Self.nanoseconds(status.st_ctim)
            )
        #endif
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
