import Files
import Foundation

extension Scanner {
    /// Scans every file below `root`, then what only the folder as a whole tells.
    func scanFolder(_ root: URL, into collected: inout Collected) {
        var walk = FolderWalk(root: root, limits: limits)
        walk.run()
        let folder = FileScan(path: root.path, size: 0, limits: limits)
        folder.format = "folder"
        for trouble in walk.troubles {
            let scan = FileScan(path: trouble.path, size: 0, limits: limits)
            scan.format = trouble.what
            scan.report(trouble.rule, at: Place(file: trouble.name), trouble.message)
            collected.add(scan)
        }
        var scans: [String: FileScan] = [:]
        for entry in walk.files {
            let scan = scanFile(entry.url, shown: root.path + "/" + entry.path, mode: entry.mode)
            checkName(entry.path, scan)
            scans[entry.path] = scan
        }
        checkModels(walk, scans)
        for entry in walk.files {
            if let scan = scans[entry.path] { collected.add(scan) }
        }
    }

    private func checkName(_ path: String, _ scan: FileScan) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let place = Place(file: name)
        if path.unicodeScalars.contains(where: \.isHidden) {
            scan.report(
                .folderDeceptiveName, at: place, "the name ‘\(harmless(name))’ hides characters")
        }
        let usual: Set<String> = [
            ".gitattributes", ".gitignore", ".gitkeep", ".DS_Store", ".dockerignore",
        ]
        if name.hasPrefix("."), !usual.contains(name) {
            scan.report(.folderHidden, at: place, "its name begins with a dot")
        }
    }
}

/// All files below a folder; links and special files are named, not followed.
struct FolderWalk {
    /// A file to scan.
    struct Entry {
        let url: URL
        /// The path below the root.
        let path: String
        let mode: Int
    }

    /// Something that is not scanned.
    struct Trouble {
        let path: String
        let name: String
        let rule: ScanRule
        let what: String
        let message: String
    }

    let root: URL
    let limits: ScanLimits
    private(set) var files: [Entry] = []
    private(set) var troubles: [Trouble] = []
    private let realRoot: String

    init(root: URL, limits: ScanLimits) {
        self.root = root
        self.limits = limits
        realRoot = Self.realPath(root.path) ?? root.path
    }

    mutating func run() { visit("", depth: 0) }

    private mutating func visit(_ path: String, depth: Int) {
        let folder = path.isEmpty ? root.path : root.path + "/" + path
        guard depth <= limits.maximumFolderDepth, files.count < limits.maximumFiles else {
            note(
                path, .folderLimit, "folder",
                "lies too deep, or there are too many files, and was not examined")
            return
        }
        guard let stream = opendir(folder) else {
            note(
                path, .folderUnreadable, "folder",
                "cannot be listed: \(String(cString: strerror(errno)))")
            return
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        for name in names.sorted() { look(at: path.isEmpty ? name : path + "/" + name, depth) }
    }

    private mutating func look(at path: String, _ depth: Int) {
        let full = root.path + "/" + path
        var status = stat()
        guard lstat(full, &status) == 0 else {
            note(
                path, .folderUnreadable, "file",
                "cannot be examined: \(String(cString: strerror(errno)))")
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            if path.split(separator: "/").last == ".git" {
                checkGit(path)
            } else {
                visit(path, depth: depth + 1)
            }
        case S_IFREG:
            files.append(
                Entry(url: URL(fileURLWithPath: full), path: path, mode: Int(status.st_mode)))
        case S_IFLNK: follow(path)
        default: note(path, .folderSpecialFile, "special file", "is a pipe, device or socket")
        }
    }

    /// A link within the folder leads to what is scanned anyway; one within a hub cache is its way of
    /// keeping files.
    private mutating func follow(_ path: String) {
        let full = root.path + "/" + path
        guard let target = Self.realPath(full) else {
            note(path, .folderLinkOutside, "link", "leads to nothing that is there")
            return
        }
        if target == realRoot || target.hasPrefix(realRoot + "/") { return }
        var status = stat()
        if let cache = hubCache, target.hasPrefix(cache + "/blobs/"), stat(target, &status) == 0,
            status.st_mode & S_IFMT == S_IFREG
        {
            files.append(
                Entry(url: URL(fileURLWithPath: full), path: path, mode: Int(status.st_mode)))
            return
        }
        note(path, .folderLinkOutside, "link", "leads to \(harmless(target))")
    }

    /// The folder of a hub cache whose `snapshots` the root lies in.
    private var hubCache: String? {
        let parts = realRoot.split(separator: "/").map(String.init)
        guard let index = parts.lastIndex(of: "snapshots"), index > 0 else { return nil }
        return "/" + parts[..<index].joined(separator: "/")
    }

    /// Git's own objects are nothing a loader reads; its hooks are programs.
    private mutating func checkGit(_ path: String) {
        let hooks = root.path + "/" + path + "/hooks"
        guard let stream = opendir(hooks) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix("."), !name.hasSuffix(".sample") {
                note(
                    path + "/hooks/" + name, .codeSource, "program text", "is a hook that git runs")
            }
        }
    }

    private mutating func note(_ path: String, _ rule: ScanRule, _ what: String, _ message: String)
    {
        let full = path.isEmpty ? root.path : root.path + "/" + path
        troubles.append(
            Trouble(
                path: full, name: path.split(separator: "/").last.map(String.init) ?? path,
                rule: rule, what: what, message: message))
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
