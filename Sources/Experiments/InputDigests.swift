import DataPipeline
import Files
import Foundation
import JSON

/// Digests of the content of files and folders, read again only where size or time of change are
/// other than they were.
struct InputDigests {
    private struct Entry: Codable, Equatable {
        /// Names, sizes and times of change, as a digest.
        var listing: String
        /// The content, as a digest.
        var content: String
    }

    private let file: URL
    private var known: [String: Entry]

    /// Digests that are kept in `file` from one run to the next.
    init(file: URL) {
        self.file = file
        let data = try? Data(contentsOf: file)
        known =
            data.flatMap { try? JSONDecoder().decodeStrictly([String: Entry].self, from: $0) }
            ?? [:]
    }

    /// The digest of a file, or of all files in a folder and their names there.
    ///
    /// - Throws: ``DataError`` where it is not there or cannot be read.
    mutating func digest(of input: URL) throws -> String {
        let files = try Self.files(at: input)
        let listing = ContentDigest.hex(
            of: Data(
                files.map { "\($0.name)\0\($0.size)\0\($0.changed)" }.joined(separator: "\n").utf8))
        if let entry = known[input.path], entry.listing == listing { return entry.content }
        var hash = ContentDigest()
        for entry in files {
            hash.update(Data("\(entry.name)\0\(entry.size)\0".utf8))
            try Self.read(entry.url) { hash.update($0) }
        }
        let content = hash.finish()
        known[input.path] = Entry(listing: listing, content: content)
        return content
    }

    /// Keeps the digests for the next run.
    func save() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try atomicWrite(try encoder.encode(known), to: file)
    }

    private static func files(
        at input: URL
    ) throws -> [(name: String, url: URL, size: Int, changed: Double)] {
        let root = input.resolvingSymlinksInPath()
        var isFolder: ObjCBool = false
        let manager = FileManager.default
        guard manager.fileExists(atPath: root.path, isDirectory: &isFolder) else {
            throw DataError(file: input, "no such file or folder")
        }
        let names =
            isFolder.boolValue ? (manager.enumerator(atPath: root.path)?.allObjects ?? []) : [""]
        return names.compactMap { $0 as? String }.sorted().compactMap { name in
            let url = name.isEmpty ? root : root.appendingPathComponent(name)
            var status = stat()
            guard stat(url.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                return nil
            }
            #if canImport(Darwin)
                let time = status.st_mtimespec
            #else
                let time = status.st_mtim
            #endif
            return (
                name, url, Int(status.st_size), Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
            )
        }
    }

    private static func read(_ file: URL, _ body: (Data) -> Void) throws {
        guard let handle = try? FileHandle(forReadingFrom: file) else {
            throw DataError(file: file, "cannot be read")
        }
        defer { try? handle.close() }
        while let piece = try handle.read(upToCount: 1 << 22), !piece.isEmpty { body(piece) }
    }
}
