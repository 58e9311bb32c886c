import Foundation

/// A file by its name, size and content.
public struct DigestedFile: Sendable, Codable, Equatable {
    /// Its path from the folder that is recorded, with `/` between the parts.
    public var name: String
    /// Its bytes.
    public var size: Int
    /// The SHA-256 digest of its content, 64 hexadecimal digits.
    public var sha256: String

    /// A file of these facts.
    public init(name: String, size: Int, sha256: String) {
        self.name = name
        self.size = size
        self.sha256 = sha256
    }

    /// The record of the file at `url`, or of what it links to, under `name`.
    ///
    /// - Throws: `FileError` where it is not a regular file or cannot be read.
    public init(_ url: URL, as name: String) throws {
        guard let status = RegularFile(url) else {
            throw FileError(path: url.path, "cannot be read (it is not a regular file)")
        }
        do {
            self.init(
                name: name, size: status.size, sha256: try ContentDigest.hex(ofFile: url))
        } catch {
            throw FileError(path: url.path, "cannot be read (\(error.localizedDescription))")
        }
    }

    /// The record of bytes that are in memory.
    public init(name: String, content: Data) {
        self.init(name: name, size: content.count, sha256: ContentDigest.hex(of: content))
    }

    /// The records of all regular files in a folder, however deep, by the bytes of their names;
    /// of a file, its own. What lies in folders whose names begin with a dot is no part of it.
    ///
    /// - Throws: `FileError` where nothing is there, or a file cannot be read.
    public static func all(at url: URL) throws -> [DigestedFile] {
        try all(in: FileTree(url))
    }

    /// The same for the files of a model: links that lead out of its folder are no part of it.
    public static func all(ofModel url: URL) throws -> [DigestedFile] {
        try all(in: FileTree(url, bounds: LinkBounds(of: url)))
    }

    private static func all(in tree: FileTree) throws -> [DigestedFile] {
        try tree.files.map { try DigestedFile($0.url, as: $0.name) }
    }

    /// One digest of many files: that of the lines `SHA-256␠␠name␊`, by the bytes of the names, as
    /// `sha256sum` writes them.
    public static func digest(of records: [DigestedFile]) -> String {
        var digest = ContentDigest()
        for record in records.sorted(by: { precedes($0.name, $1.name) }) {
            digest.update(Data("\(record.sha256)  \(record.name)\n".utf8))
        }
        return digest.finish()
    }

    /// Whether a regular file is there, links followed.
    public static func isRegularFile(_ url: URL) -> Bool { RegularFile(url) != nil }

    /// The order of names: that of their bytes, which no locale changes.
    public static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

/// The regular files of a folder, or a file alone, by name.
public struct FileTree: Sendable {
    /// A file and its path from the folder.
    public struct Entry: Sendable {
        /// The path from the folder, or the file's own name.
        public var name: String
        /// Where it is.
        public var url: URL
    }

    /// The files, by the bytes of their names.
    public let files: [Entry]

    /// The files at `url`, but for the list that an output folder has of them. Links to files count as what they lead to; links to folders are not
    /// followed, nor are folders entered whose names begin with a dot; with `bounds`, no links that
    /// lead out of them either.
    ///
    /// - Throws: `FileError` where nothing is there.
    public init(_ url: URL, bounds: LinkBounds? = nil) throws {
        if RegularFile(url) != nil {
            files = [Entry(name: url.lastPathComponent, url: url)]
            return
        }
        let root = url.resolvingSymlinksInPath()
        guard let paths = FileManager.default.enumerator(atPath: root.path) else {
            throw FileError(path: url.path, "no such file or folder")
        }
        var found: [Entry] = []
        for case let name as String in paths {
            let parts = name.split(separator: "/")
            // Made from the names of the others, and known to no loader.
            guard name != OutputFolder.manifestName else { continue }
            guard !parts.dropLast().contains(where: { $0.hasPrefix(".") }) else { continue }
            let file = root.appendingPathComponent(name)
            if let bounds, !bounds.holds(file.path) { continue }
            if RegularFile(file) != nil { found.append(Entry(name: name, url: file)) }
        }
        guard !found.isEmpty || FileManager.default.fileExists(atPath: root.path) else {
            throw FileError(path: url.path, "no such file or folder")
        }
        files = found.sorted { DigestedFile.precedes($0.name, $1.name) }
    }
}

/// What the system says of a regular file, links followed; nil where it is none.
struct RegularFile {
    let size: Int

    init?(_ url: URL) {
        var status = stat()
        guard stat(url.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        size = Int(status.st_size)
    }
}
