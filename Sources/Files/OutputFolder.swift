import CFiles
import Foundation

/// An output folder that is filled beside its place and takes its name only when it is whole.
///
/// Until ``commit()`` the destination is untouched. An output that is neither committed nor
/// discarded is removed when its last reference goes, or by ``Unfinished/removeAll()``. What stands
/// at the destination is replaced only with `force`, and only where it was written by an output
/// folder itself and nothing was added: ``manifestName`` says so.
public struct OutputFolder: Sendable {
    /// Where the output will stand, as an absolute path.
    public let destination: URL
    /// The folder to fill, beside the destination.
    public let staging: URL

    private let force: Bool
    private let inputs: Inputs
    private let stage: Stage

    /// Prepares an output folder, making its parent folders where they are missing.
    ///
    /// - Parameters:
    ///   - destination: Where the output will stand.
    ///   - force: Whether what stands there may be replaced; it stays until the output is whole.
    ///   - inputs: What is read; the output may not replace, hold or lie in any of it, and is not
    ///     committed where some of it changed meanwhile.
    /// - Throws: ``OutputError`` when the destination exists without `force`, was written by
    ///   something else, touches an input, is being written, or cannot be written.
    public init(destination: URL, force: Bool, inputs: Inputs = .none) throws {
        let destination = destination.standardizedFileURL
        try Self.check(destination, force: force, inputs: inputs)
        let made = try makeFolder(destination.deletingLastPathComponent())
        self.destination = destination
        self.force = force
        self.inputs = inputs
        do {
            stage = try Stage(for: destination, made: made)
        } catch {
            for folder in made.reversed() { rmdir(folder) }
            throw error
        }
        staging = URL(fileURLWithPath: stage.path, isDirectory: true)
    }

    /// The same with inputs whose state is noted now.
    public init(destination: URL, force: Bool, inputs: [URL]) throws {
        try self.init(destination: destination, force: force, inputs: Inputs(inputs))
    }

    /// Throws what ``init(destination:force:inputs:)-(_,_,Inputs)`` would, as far as it can be told
    /// without writing anything.
    public static func check(_ destination: URL, force: Bool, inputs: Inputs) throws {
        let destination = destination.standardizedFileURL
        let path = destination.path
        guard destination.pathComponents.count > 1 else {
            throw OutputError.unusableDestination(path: path, reason: "it is the root folder")
        }
        try inputs.refuse(output: destination)
        guard let stamp = FileStamp(path, followingLinks: false) else { return }
        guard force else { throw OutputError.destinationExists(path: path) }
        try checkReplaceable(destination, stamp)
    }

    /// Gives the filled folder its name; what stood there, allowed by `force`, is removed after.
    ///
    /// - Throws: ``OutputError``; the staged output is then removed and what stood there stands
    ///   again.
    public func commit() throws {
        guard stage.isOpen else { throw OutputError.outputClosed(path: destination.path) }
        do {
            try inputs.check()
            try writeManifest()
            // From here on nobody else removes it: what has its name is whole.
            guard stage.release() else { throw OutputError.outputClosed(path: destination.path) }
            try moveIntoPlace()
        } catch {
            Unfinished.insert(stage.path)
            discard()
            throw error
        }
        stage.unlock()
    }

    /// Removes what was staged and leaves the destination as it was.
    public func discard() { stage.remove() }

    private func moveIntoPlace() throws {
        let path = destination.path
        guard let stamp = FileStamp(path, followingLinks: false) else {
            let code = cf_rename_new(staging.path, path)
            guard code == 0 else {
                throw code == EEXIST
                    ? OutputError.destinationExists(path: path)
                    : OutputError.system(code, path: path)
            }
            return synchronizeFolder(destination.deletingLastPathComponent().path)
        }
        guard force else { throw OutputError.destinationExists(path: path) }
        try Self.checkReplaceable(destination, stamp)
        guard FileStamp(staging.path) != nil else { throw OutputError.system(ENOENT, path: path) }
        var code = cf_exchange(staging.path, path)
        if code != 0 { code = exchangeByNames() }
        guard code == 0 else { throw OutputError.system(code, path: path) }
        synchronizeFolder(destination.deletingLastPathComponent().path)
        // The new output stands; an old one that cannot be removed is no reason to fail.
        try? FileManager.default.removeItem(atPath: staging.path)
    }

    /// Where a file system cannot exchange two names at once.
    private func exchangeByNames() -> Int32 {
        let (path, aside) = (destination.path, Unfinished.name(for: destination.path))
        guard rename(path, aside) == 0 else { return errno }
        guard rename(staging.path, path) == 0 else {
            let code = errno
            rename(aside, path)
            return code
        }
        rename(aside, staging.path)
        return 0
    }

    // MARK: What may be replaced

    /// The file in each output folder that lists what was written there.
    public static let manifestName = ".recipe"

    /// Whether `file` is such a list, and nothing else under its name.
    public static func isManifest(_ file: URL) -> Bool {
        guard file.lastPathComponent == manifestName,
            let stamp = FileStamp(file.path, followingLinks: false), stamp.kind == .file
        else { return false }
        return manifest(at: file) != nil
    }

    private static func manifest(at file: URL) -> Manifest? {
        // A list of a hundred thousand long names is no larger.
        guard let stamp = FileStamp(file.path), stamp.kind == .file, stamp.size < 32 << 20,
            let data = try? Data(contentsOf: file)
        else { return nil }
        return try? JSONDecoder().decode(Manifest.self, from: data)
    }

    private struct Manifest: Codable {
        var about =
            "Written by recipe, which replaces this folder only while it holds nothing else."
        var files: [String]
    }

    /// The content of the list of a folder's files.
    public static func manifest(of folder: URL) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(Manifest(files: entries(of: folder)))
    }

    /// Lists the staged files, and sees them onto the disk.
    private func writeManifest() throws {
        guard let data = try? Self.manifest(of: staging) else {
            throw OutputError.notEncodable(
                path: destination.path, reason: "its files cannot be listed")
        }
        for name in Self.entries(of: staging) + [""] {
            try synchronize(staging.appendingPathComponent(name).path)
        }
        do {
            try atomicWrite(data, to: staging.appendingPathComponent(Self.manifestName))
        } catch OutputError.diskFull {
            throw OutputError.diskFull(path: destination.path)
        }
    }

    private func synchronize(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            // Links, and what may not be read, are as they were made.
            guard errno != ENOENT else { throw OutputError.system(ENOENT, path: destination.path) }
            return
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
            throw OutputError.system(errno, path: destination.path)
        }
    }

    /// The paths of all that is in a folder but for folders and the manifest, in order.
    private static func entries(of folder: URL) -> [String] {
        let names = FileManager.default.enumerator(atPath: folder.path)?.allObjects ?? []
        return names.compactMap { $0 as? String }.filter { name in
            let path = folder.appendingPathComponent(name).path
            return name != manifestName
                && FileStamp(path, followingLinks: false)?.kind != .folder
        }.sorted()
    }

    /// Refuses to replace what nobody wrote here: `--force` with a mistyped name must cost nothing.
    private static func checkReplaceable(_ destination: URL, _ stamp: FileStamp) throws {
        let path = destination.path
        switch stamp.kind {
        case .folder: break
        case .file:
            throw OutputError.unusableDestination(path: path, reason: "it is a file, not a folder")
        case .link:
            throw OutputError.notOurs(path: path, reason: "is a link")
        case .other:
            throw OutputError.unusableDestination(path: path, reason: "it is no folder")
        }
        let working = FileManager.default.currentDirectoryPath
        if (working + "/").hasPrefix(path + "/")
            || FileStamp(working)?.identity == stamp.identity
        {
            throw OutputError.unusableDestination(
                path: path, reason: "it is the working folder, or holds it")
        }
        let present = entries(of: destination)
        guard let manifest = manifest(at: destination.appendingPathComponent(manifestName)) else {
            let isEmpty = try? FileManager.default.contentsOfDirectory(atPath: path).isEmpty
            if isEmpty == true { return }
            throw OutputError.notOurs(path: path, reason: "was not written by recipe")
        }
        if let foreign = Set(present).subtracting(manifest.files).min() {
            throw OutputError.notOurs(
                path: path, reason: "holds \(foreign), which recipe did not write")
        }
    }
}

/// Makes a folder, and those above it, where they are missing; returns those that were made.
@discardableResult
public func makeFolder(_ url: URL) throws -> [String] {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) {
        guard isFolder.boolValue else {
            throw OutputError.unusableDestination(
                path: url.path, reason: "it is a file, not a folder")
        }
        return []
    }
    let parent = url.deletingLastPathComponent()
    let above =
        parent.pathComponents.count < url.pathComponents.count ? try makeFolder(parent) : []
    // Another process may make it at the same time.
    if mkdir(url.path, 0o755) == 0 { return above + [url.path] }
    let code = errno
    guard code == EEXIST else {
        for folder in above.reversed() { rmdir(folder) }
        throw OutputError.system(code, path: url.path)
    }
    return above
}

/// A staged folder with the locks on it and on its destination, removed with its last reference
/// unless it was released.
private final class Stage: Sendable {
    let path: String
    private let descriptor: Int32
    private let lock: FileLock
    private let destination: String
    private let made: [String]

    /// The destinations that this process is writing.
    private static let destinations = Locked<Set<String>>([])

    init(for url: URL, made: [String]) throws {
        let destination = url.path
        let lock = try FileLock(of: url)
        guard Self.destinations.withLock({ $0.insert(destination).inserted }) else {
            throw OutputError.inUse(path: destination, process: getpid())
        }
        do {
            Unfinished.removeLeftovers(of: destination)
            (path, descriptor) = try Self.make(for: destination)
        } catch {
            Self.destinations.withLock { _ = $0.remove(destination) }
            throw error
        }
        // Last, for a class whose properties are all set runs its deinit when init throws.
        self.lock = lock
        self.destination = destination
        self.made = made
    }

    private static func make(for destination: String) throws -> (String, Int32) {
        while true {
            let path = Unfinished.name(for: destination)
            if mkdir(path, 0o755) != 0 {
                if errno == EEXIST { continue }
                throw OutputError.system(errno, path: destination)
            }
            Unfinished.insert(path)
            let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if descriptor >= 0, Unfinished.lock(descriptor, at: path) { return (path, descriptor) }
            let code = errno
            Unfinished.remove(path)
            rmdir(path)
            guard descriptor >= 0 else { throw OutputError.system(code, path: destination) }
            close(descriptor)
        }
    }

    deinit {
        remove()
        close(descriptor)
    }

    var isOpen: Bool { Unfinished.contains(path) }

    /// Takes the folder from those that are removed at an early end; false where it was removed.
    func release() -> Bool { Unfinished.remove(path) }

    func remove() {
        if Unfinished.remove(path) {
            Unfinished.erase(path)
            unlock()
            for folder in made.reversed() { rmdir(folder) }
        } else {
            unlock()
        }
    }

    func unlock() {
        Self.destinations.withLock { _ = $0.remove(destination) }
        lock.release()
    }
}
