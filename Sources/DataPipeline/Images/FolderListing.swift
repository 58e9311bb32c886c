import Foundation

/// What a folder holds, in the order of the names' bytes; names that begin with a dot are left out.
struct FolderListing {
    /// Folders, and links to folders.
    private(set) var folders: [String] = []
    /// Everything else.
    private(set) var files: [String] = []

    /// Lists the folder at `path`; throws `DataError` where it is missing or unreadable.
    init(_ path: String) throws {
        guard let folder = opendir(path) else {
            let reason =
                errno == ENOTDIR
                ? "is a file; expected a folder of images"
                : "cannot be listed: \(String(cString: strerror(errno)))"
            throw DataError(file: URL(fileURLWithPath: path), reason)
        }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            guard !name.hasPrefix(".") else { continue }
            if Self.isFolder(entry.pointee.d_type, path + "/" + name) {
                folders.append(name)
            } else {
                files.append(name)
            }
        }
        folders.sort(by: Self.precedes)
        files.sort(by: Self.precedes)
    }

    /// The listing of a folder within, or an empty one where there is none.
    static func ofFolder(_ name: String, in path: String) throws -> FolderListing {
        let folder = path + "/" + name
        guard FileStatus(folder)?.isFolder == true else { return FolderListing() }
        return try FolderListing(folder)
    }

    private init() {}

    /// Whether one path comes before another, by bytes, which is the same everywhere.
    static func precedes(_ one: String, _ other: String) -> Bool {
        one.utf8.lexicographicallyPrecedes(other.utf8)
    }

    private static func isFolder(_ kind: UInt8, _ path: String) -> Bool {
        // Links, and file systems that do not say, have to be asked.
        guard kind == UInt8(DT_LNK) || kind == UInt8(DT_UNKNOWN) else {
            return kind == UInt8(DT_DIR)
        }
        return FileStatus(path)?.isFolder == true
    }
}

/// What the system says of a file or folder, links followed.
struct FileStatus {
    /// Which file it is, whatever path leads to it.
    struct Identity: Hashable {
        let device: UInt64
        let number: UInt64
    }

    private let status: stat

    /// Asks; nil where there is no such file.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.status = status
    }

    var isFolder: Bool { (status.st_mode & S_IFMT) == S_IFDIR }
    var size: Int { Int(status.st_size) }
    var identity: Identity {
        Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    }
    /// Nanoseconds since 1970 of the last change.
    var modified: Int {
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        return Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec)
    }
}
