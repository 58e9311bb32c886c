import Foundation

/// An output folder that is filled beside its place and takes its name only when it is whole.
///
/// Until ``commit()`` the destination is untouched. An output that is neither committed nor
/// discarded is removed when its last reference goes, or by ``removeAllStaging()``.
public struct OutputFolder: Sendable {
    /// Where the output will stand, as an absolute path.
    public let destination: URL
    /// The folder to fill, beside the destination.
    public let staging: URL

    private let force: Bool
    private let stage: Stage

    /// Prepares an output folder, making its parent folders where they are missing.
    ///
    /// - Parameters:
    ///   - destination: Where the output will stand.
    ///   - force: Whether what stands there may be replaced; it stays until the output is whole.
    ///   - inputs: Files and folders that are read; the output may not replace one or lie in one.
    /// - Throws: ``RunError`` when the destination exists without `force`, touches an input, or
    ///   cannot be written.
    public init(destination: URL, force: Bool, inputs: [URL] = []) throws {
        let destination = destination.standardizedFileURL
        let path = destination.path
        guard destination.pathComponents.count > 1 else {
            throw RunError.unusableDestination(path: path, reason: "it is the root folder")
        }
        try Self.check(destination, against: inputs)
        guard force || !Self.exists(path) else { throw RunError.destinationExists(path: path) }
        try Self.checkReplaceable(path)

        let parent = destination.deletingLastPathComponent()
        try makeFolder(parent)
        let name = destination.lastPathComponent
        staging = parent.appendingPathComponent(".\(name).partial-\(getpid())", isDirectory: true)
        self.destination = destination
        self.force = force
        stage = try Stage(at: staging.path, for: path)
    }

    /// Gives the filled folder its name; what stood there, allowed by `force`, is removed after.
    ///
    /// - Throws: ``RunError``; the staged output is then removed and what stood there stands again.
    public func commit() throws {
        guard stage.isOpen else { throw RunError.outputClosed(path: destination.path) }
        do {
            try moveIntoPlace()
            stage.release()
        } catch {
            discard()
            throw error
        }
    }

    /// Removes what was staged and leaves the destination as it was.
    public func discard() { stage.remove() }

    /// Removes what every unfinished output of this process has staged: to be called when the
    /// process is about to end early, from an ordinary thread (not from within a signal handler
    /// itself, which may not take locks or allocate memory).
    public static func removeAllStaging() { Stage.removeAll() }

    private func moveIntoPlace() throws {
        guard Self.exists(destination.path) else {
            return try Self.move(staging.path, to: destination.path)
        }
        guard force else { throw RunError.destinationExists(path: destination.path) }
        let aside = destination.deletingLastPathComponent()
            .appendingPathComponent(".\(destination.lastPathComponent).replaced-\(getpid())").path
        try? FileManager.default.removeItem(atPath: aside)
        try Self.move(destination.path, to: aside)
        do {
            try Self.move(staging.path, to: destination.path)
        } catch {
            try Self.move(aside, to: destination.path)
            throw error
        }
        // The new output stands; an old one that cannot be removed is no reason to fail.
        try? FileManager.default.removeItem(atPath: aside)
    }

    private static func move(_ source: String, to target: String) throws {
        guard rename(source, target) == 0 else { throw RunError.system(errno, path: target) }
    }

    /// Refuses an output that would replace an input, or lie in one.
    private static func check(_ destination: URL, against inputs: [URL]) throws {
        let output = resolved(destination)
        for input in inputs {
            let source = resolved(input)
            if output.starts(with: source) || source.starts(with: output) {
                throw RunError.overlapsInput(path: destination.path, input: input.path)
            }
        }
    }

    /// The parts of a path with its links followed, also where its last parts are not there yet.
    private static func resolved(_ url: URL) -> [String] {
        var existing = url.standardizedFileURL, missing: [String] = []
        while !exists(existing.path), existing.pathComponents.count > 1 {
            missing.insert(existing.lastPathComponent, at: 0)
            existing.deleteLastPathComponent()
        }
        return existing.resolvingSymlinksInPath().pathComponents + missing
    }

    /// Refuses to replace what is not a folder: `--force` with a mistyped name must not cost a file.
    private static func checkReplaceable(_ path: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
        guard isFolder.boolValue else {
            throw RunError.unusableDestination(path: path, reason: "it is a file, not a folder")
        }
    }

    /// Whether something has the name, be it a link that leads nowhere.
    private static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }
}

/// Makes a folder, and those above it, where they are missing.
func makeFolder(_ url: URL) throws {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) {
        guard isFolder.boolValue else {
            throw RunError.unusableDestination(path: url.path, reason: "it is a file, not a folder")
        }
        return
    }
    let parent = url.deletingLastPathComponent()
    if parent.pathComponents.count < url.pathComponents.count { try makeFolder(parent) }
    // Another process may make it at the same time.
    guard mkdir(url.path, 0o755) == 0 || errno == EEXIST else {
        throw RunError.system(errno, path: url.path)
    }
}

/// A staged folder, removed with its last reference unless it was released.
private final class Stage: Sendable {
    private let path: String

    private static let open = Registry()

    init(at path: String, for destination: String) throws {
        guard Self.open.insert(path) else {
            throw RunError.unusableDestination(
                path: destination, reason: "this process is already writing it")
        }
        // Left by an earlier process that had the same number and was killed.
        try? FileManager.default.removeItem(atPath: path)
        guard mkdir(path, 0o755) == 0 else {
            let code = errno
            Self.open.remove(path)
            throw RunError.system(code, path: destination)
        }
        // Last, for a class whose properties are all set runs its deinit when init throws.
        self.path = path
    }

    deinit { remove() }

    var isOpen: Bool { Self.open.contains(path) }

    /// Leaves the folder alone from now on.
    func release() { Self.open.remove(path) }

    func remove() {
        if Self.open.remove(path) { Self.erase(path) }
    }

    static func removeAll() {
        for path in open.removeAll() { erase(path) }
    }

    private static func erase(_ path: String) {
        // Another thread may be adding files at the same moment; so it is tried again.
        for _ in 0..<3 where FileManager.default.fileExists(atPath: path) {
            try? FileManager.default.removeItem(atPath: path)
        }
    }
}

/// The staged folders of this process.
private final class Registry: @unchecked Sendable {
    private let lock = NSLock()
    private var paths: Set<String> = []

    func insert(_ path: String) -> Bool { lock.withLock { paths.insert(path).inserted } }
    @discardableResult func remove(_ path: String) -> Bool {
        lock.withLock { paths.remove(path) != nil }
    }
    func contains(_ path: String) -> Bool { lock.withLock { paths.contains(path) } }
    func removeAll() -> Set<String> {
        lock.withLock {
            defer { paths = [] }
            return paths
        }
    }
}
