import Foundation

/// The image files beneath a folder.
struct ImageFiles {
    /// Their paths from the folder, in the order of their bytes.
    private(set) var paths: [String] = []
    /// How many files were no images, by their names and beginnings.
    private(set) var ignored = 0
    /// One of those.
    private(set) var firstIgnored: String?

    private static let imageExtensions: Set<String> = [
        "jpg", "jpeg", "jpe", "jfif", "png", "ppm", "pgm", "pnm",
    ]

    /// Finds all image files beneath `folder`, however deep.
    ///
    /// Links are followed, but a folder within that is among the `visited` ones is left out, and a
    /// new one is added to them, so that a loop of links ends. Throws `DataError` where a folder
    /// cannot be listed.
    init(beneath folder: String, visited: inout Set<FileStatus.Identity>) throws {
        visited.insert(folder: folder)
        try add(folder, prefix: "", visited: &visited)
        paths.sort(by: FolderListing.precedes)
    }

    /// The image files of one folder, without those of its subfolders.
    init(in folder: String, _ listing: FolderListing) {
        for name in listing.files { add(name, folder + "/" + name) }
    }

    private mutating func add(
        _ folder: String, prefix: String, visited: inout Set<FileStatus.Identity>
    ) throws {
        let listing = try FolderListing(folder)
        for name in listing.files { add(prefix + name, folder + "/" + name) }
        for name in listing.folders where visited.insert(folder: folder + "/" + name) {
            try add(folder + "/" + name, prefix: prefix + name + "/", visited: &visited)
        }
    }

    private mutating func add(_ path: String, _ file: String) {
        if Self.isImage(file) {
            paths.append(path)
        } else {
            ignored += 1
            if firstIgnored == nil { firstIgnored = path }
        }
    }

    /// Whether a file's name says that it is an image; where it says nothing known, its content.
    private static func isImage(_ file: String) -> Bool {
        let name = file.split(separator: "/").last ?? ""
        if let dot = name.lastIndex(of: ".") {
            if imageExtensions.contains(name[name.index(after: dot)...].lowercased()) {
                return true
            }
        }
        return beginsAsImage(file)
    }

    private static func beginsAsImage(_ file: String) -> Bool {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8)
        guard pread(descriptor, &bytes, 8, 0) >= 3 else { return false }
        return bytes.starts(with: [0xFF, 0xD8, 0xFF])
            || bytes == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            || (bytes[0] == UInt8(ascii: "P") && [0x32, 0x33, 0x35, 0x36].contains(bytes[1])
                && [0x20, 0x09, 0x0A, 0x0D].contains(bytes[2]))
    }
}

extension Set<FileStatus.Identity> {
    /// Adds the folder at `path`; false where it was there before.
    @discardableResult
    mutating func insert(folder path: String) -> Bool {
        guard let status = FileStatus(path) else { return true }
        return insert(status.identity).inserted
    }
}
