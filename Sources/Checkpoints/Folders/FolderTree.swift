import Files
import Foundation

/// Everything that lies in a folder, looked at without being opened.
public struct FolderTree: Sendable {
    /// What an entry is.
    public enum Kind: Sendable, Equatable {
        /// A plain file, or a link to one that may be followed.
        case file
        /// A link that may not be followed, and why.
        case link(String)
        /// A named pipe, a socket or a device, in words.
        case special(String)
        /// A file or folder that cannot be examined, and why.
        case unreadable(String)
        /// A folder that is not looked into, and why.
        case closedFolder(String)
    }

    /// One entry.
    public struct Entry: Sendable {
        /// Its path within the folder, parts divided by `/`.
        public let path: String
        /// What it is.
        public let kind: Kind
        /// Where its bytes are.
        public let url: URL
        /// Its size in bytes, where it is a file.
        public let size: Int

        /// The last part of its path.
        public var name: String { path.split(separator: "/").last.map(String.init) ?? path }
        /// The folder part of its path, without a `/` at the end; empty at the top.
        public var folder: String {
            path.split(separator: "/").dropLast().joined(separator: "/")
        }
    }

    /// The folder.
    public let root: URL
    /// What is in it, by path; folders that are looked into are not entries themselves.
    public let entries: [Entry]
    private let positions: [String: Int]

    /// The most entries that a model's folder may have.
    static let maximumEntries = 100_000
    private static let maximumDepth = 16
    private static let closed = [
        ".git": "version control, no part of the model",
        ".cache": "what a download leaves behind, no part of the model",
        "__pycache__": "compiled code",
    ]

    /// Looks at all that lies in the folder at `root`.
    ///
    /// Links are followed to files within the folder, and from a hub cache's `snapshots` to its
    /// `blobs`. Throws `CheckpointError` where the folder cannot be read or holds too much.
    public init(_ root: URL) throws {
        var walk = try Walk(root)
        try walk.look(into: root.path, as: "", depth: 0)
        self.root = root
        entries = walk.entries.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        positions = Dictionary(
            entries.enumerated().map { ($0.element.path, $0.offset) },
            uniquingKeysWith: { first, _ in first })
    }

    /// The entry at `path` within the folder.
    public subscript(path: String) -> Entry? { positions[path].map { entries[$0] } }

    /// Whether there is a file, or a link to one that may be followed, at `path`.
    public func holdsFile(_ path: String) -> Bool { self[path]?.kind == .file }

    /// Entries directly in a folder of the tree.
    public func entries(in folder: String) -> [Entry] { entries.filter { $0.folder == folder } }

    private struct Walk {
        let root: URL
        /// Where links may lead.
        let bounds: LinkBounds
        var entries: [Entry] = []

        init(_ root: URL) throws {
            self.root = root
            guard let bounds = LinkBounds(of: root) else {
                throw CheckpointError(
                    root, "cannot be examined: \(String(cString: strerror(errno)))")
            }
            self.bounds = bounds
        }

        mutating func look(into folder: String, as path: String, depth: Int) throws {
            let names: [String]
            do {
                names = try FileManager.default.contentsOfDirectory(atPath: folder)
            } catch {
                guard !path.isEmpty else {
                    throw CheckpointError(root, "cannot be read (\(error.localizedDescription))")
                }
                add(path + "/", .unreadable(error.localizedDescription), folder)
                return
            }
            for name in names {
                try look(
                    at: folder + "/" + name, as: path.isEmpty ? name : path + "/" + name,
                    named: name, depth: depth)
                guard entries.count <= FolderTree.maximumEntries else {
                    throw CheckpointError(
                        root, "holds more than \(FolderTree.maximumEntries) files",
                        advice: "name the folder of the model alone")
                }
            }
        }

        private mutating func look(
            at place: String, as path: String, named name: String, depth: Int
        ) throws {
            var status = stat()
            guard lstat(place, &status) == 0 else {
                add(path, .unreadable(String(cString: strerror(errno))), place)
                return
            }
            switch status.st_mode & S_IFMT {
            case S_IFREG:
                // The list that an output folder is known by is no part of the model.
                if path == OutputFolder.manifestName,
                    OutputFolder.isManifest(URL(fileURLWithPath: place))
                {
                    return
                }
                add(path, .file, place, Int(status.st_size))
            case S_IFDIR:
                if let reason = FolderTree.closed[name] {
                    add(path + "/", .closedFolder(reason), place)
                } else if depth >= FolderTree.maximumDepth {
                    add(path + "/", .closedFolder("too many folders within each other"), place)
                } else {
                    try look(into: place, as: path, depth: depth + 1)
                }
            case S_IFLNK: follow(place, as: path)
            default: add(path, .special(Self.special(status.st_mode)), place)
            }
        }

        private mutating func follow(_ place: String, as path: String) {
            let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: place)) ?? "?"
            guard let real = LinkBounds.realPath(place) else {
                add(path, .link("it is a link to \(target), where nothing is"), place)
                return
            }
            guard bounds.holds(place) else {
                add(path, .link("it is a link that leads out of the folder, to \(target)"), place)
                return
            }
            var status = stat()
            guard stat(real, &status) == 0 else {
                add(path, .unreadable(String(cString: strerror(errno))), place)
                return
            }
            switch status.st_mode & S_IFMT {
            case S_IFREG: add(path, .file, real, Int(status.st_size))
            case S_IFDIR: add(path + "/", .link("it is a link to a folder, \(target)"), place)
            default: add(path, .special("a link to " + Self.special(status.st_mode)), place)
            }
        }

        private mutating func add(
            _ path: String, _ kind: Kind, _ place: String, _ size: Int = 0
        ) {
            entries.append(
                Entry(path: path, kind: kind, url: URL(fileURLWithPath: place), size: size))
        }

        private static func special(_ mode: mode_t) -> String {
            switch mode & S_IFMT {
            case S_IFIFO: "a named pipe"
            case S_IFSOCK: "a socket"
            case S_IFBLK, S_IFCHR: "a device"
            default: "no file of a known kind"
            }
        }
    }
}
