import Foundation

/// The files and folders that a piece of work reads: nothing that it writes may replace one, hold one
/// or lie within one, and each must stay as it is until the work is done.
///
/// Their state is noted when this is made, before anything is read: sizes, times and numbers of all
/// files, and the digests of the content where the files are few. ``check()`` looks again. Files that
/// come to a folder meanwhile do not count, and neither do pipes and devices.
public final class Inputs: Sendable {
    /// The files and folders.
    public let urls: [URL]
    private let states: [UInt64: State]

    /// The state of a file, small enough to be kept for a million of them.
    private struct State {
        /// Of number, size and time of change of the content.
        var content: Int
        /// Time of change of anything about it, such as its owner or how many names it has.
        var changed: Int64
        var links: UInt64
        var digest: String?
    }

    /// Folders with more files, and files with more bytes in all, are known by sizes and times alone.
    private static let digestedFiles = 64
    private static let digestedBytes: Int64 = 1 << 30

    /// Notes the state of `urls`, of which some may not be there.
    public convenience init(_ urls: [URL]) { self.init(urls, beside: nil) }

    /// The same inputs with others, whose state is noted now.
    public func adding(_ urls: [URL]) -> Inputs { Inputs(urls, beside: self) }

    private init(_ urls: [URL], beside others: Inputs?) {
        self.urls = (others?.urls ?? []) + urls
        var states = others?.states ?? [:]
        for url in urls {
            var files: [(path: String, stamp: FileStamp)] = []
            Self.walk(url.path) { files.append(($0, $1)) }
            let isDigested =
                files.count <= Self.digestedFiles
                && files.reduce(0) { $0 + $1.stamp.size } <= Self.digestedBytes
            for (path, stamp) in files {
                states[Self.key(path)] = State(
                    content: Self.content(stamp), changed: stamp.changed, links: stamp.links,
                    digest: isDigested
                        ? try? ContentDigest.hex(ofFile: URL(fileURLWithPath: path)) : nil)
            }
        }
        self.states = states
    }

    /// Nothing that is read.
    public static let none = Inputs([])

    // MARK: Outputs

    /// Throws ``OutputError`` where writing `output` would touch an input, by whatever names.
    public func refuse(output: URL) throws { try Self.refuse(output: output, touching: urls) }

    /// Throws ``OutputError`` where writing `output` would touch one of `urls`.
    public static func refuse(output: URL, touching urls: [URL]) throws {
        let output = output.standardizedFileURL
        let above = identities(above: output)
        let own = FileStamp(output.path)?.identity
        for input in urls {
            let isWithin = FileStamp(input.path).map { above.contains($0.identity) } ?? false
            let holds = own.map { identities(above: input.standardizedFileURL).contains($0) }
            let resolved = input.resolvingSymlinksInPath()
            let reallyHolds = own.map { identities(above: resolved).contains($0) }
            // Of what is not there yet, the names alone can tell.
            let isNamed =
                parts(output).starts(with: parts(input))
                || parts(input).starts(with: parts(output))
            if isWithin || holds == true || reallyHolds == true || isNamed {
                throw OutputError.overlapsInput(path: output.path, input: input.path)
            }
        }
    }

    /// The numbers of a path and of the folders above it, by its names and by where links lead.
    private static func identities(above url: URL) -> Set<FileStamp.Identity> {
        var identities: Set<FileStamp.Identity> = []
        for start in [url, URL(fileURLWithPath: parts(url).joined(separator: "/"))] {
            var url = start
            while true {
                if let stamp = FileStamp(url.path) { identities.insert(stamp.identity) }
                guard url.pathComponents.count > 1 else { break }
                url.deleteLastPathComponent()
            }
        }
        return identities
    }

    /// The parts of a path with its links followed, also where its last parts are not there yet.
    private static func parts(_ url: URL) -> [String] {
        var existing = url.standardizedFileURL, missing: [String] = []
        while FileStamp(existing.path, followingLinks: false) == nil,
            existing.pathComponents.count > 1
        {
            missing.insert(existing.lastPathComponent, at: 0)
            existing.deleteLastPathComponent()
        }
        return existing.resolvingSymlinksInPath().pathComponents + missing
    }

    // MARK: Changes

    /// Throws ``OutputError/inputChanged(path:how:)`` for a file that is not as it was.
    public func check() throws {
        var found: OutputError?
        var seen: Set<UInt64> = []
        for url in urls where found == nil {
            Self.walk(url.path) { path, stamp in
                let key = Self.key(path)
                guard found == nil, let state = states[key] else { return }
                seen.insert(key)
                guard Self.hasChanged(path, stamp, state) else { return }
                found = .inputChanged(path: path, how: "changed")
            }
        }
        if let found { throw found }
        try MappedBytes.checkAllIntact()
        guard seen.count < states.count else { return }
        let url = urls.first { FileStamp($0.path) == nil } ?? urls.first
        throw OutputError.inputChanged(
            path: url?.path ?? "an input", how: "was removed, in whole or in part,")
    }

    private static func hasChanged(_ path: String, _ stamp: FileStamp, _ state: State) -> Bool {
        guard content(stamp) == state.content else { return true }
        guard stamp.changed != state.changed else { return false }
        guard let digest = state.digest else {
            // Another name for the file is no other content.
            return stamp.links == state.links
        }
        return (try? ContentDigest.hex(ofFile: URL(fileURLWithPath: path))) != digest
    }

    private static func key(_ path: String) -> UInt64 {
        UInt64(bitPattern: Int64(path.hashValue))
    }

    private static func content(_ stamp: FileStamp) -> Int {
        var hasher = Hasher()
        hasher.combine(stamp.identity)
        hasher.combine(stamp.size)
        hasher.combine(stamp.modified)
        return hasher.finalize()
    }

    /// Hands over every regular file at or below `root`, links followed.
    private static func walk(_ root: String, _ body: (String, FileStamp) -> Void) {
        var visited: Set<FileStamp.Identity> = []
        var waiting = [root]
        while let path = waiting.popLast() {
            guard let stamp = FileStamp(path) else { continue }
            switch stamp.kind {
            case .file: body(path, stamp)
            case .folder:
                guard visited.insert(stamp.identity).inserted else { continue }
                let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
                waiting += names.map { path + "/" + $0 }
            case .link, .other: break
            }
        }
    }
}
