import Foundation

/// A folder of its own for a test, removed at its end.
public final class Scratch {
    /// The folder.
    public let url: URL

    /// Makes it.
    public init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("recipe-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// A file or folder in it.
    public subscript(_ name: String) -> URL { url.appendingPathComponent(name) }

    /// Writes a file, and the folders above it.
    public func put(_ text: String, at name: String) throws {
        let file = self[name]
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// What lies in a folder in it, in order.
    public func names(in folder: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(
            atPath: folder.isEmpty ? url.path : self[folder].path
        ).sorted()
    }
}

/// The text of a file.
public func text(at url: URL) throws -> String { try String(contentsOf: url, encoding: .utf8) }
