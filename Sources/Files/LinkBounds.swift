import Foundation

/// Where links in a model's folder may lead: to files within it, and from a hub cache's
/// `snapshots/REVISION` to its `blobs`.
///
/// What else a stranger's link names is not the model's, and neither it nor its digest is anybody's to
/// give away.
public struct LinkBounds: Sendable {
    /// Real paths, each with a `/` at its end.
    private let allowed: [String]

    /// The bounds of a folder; nil where nothing is there.
    public init?(of folder: URL) {
        guard let real = Self.realPath(folder.path) else { return nil }
        allowed = [real + "/"] + [Self.blobs(of: real)].compactMap { $0 }
    }

    /// Whether the file at `path`, links followed, lies within the bounds.
    public func holds(_ path: String) -> Bool {
        guard let real = Self.realPath(path) else { return false }
        return allowed.contains(where: real.hasPrefix)
    }

    /// A path without links; nil where nothing is there.
    public static func realPath(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    /// A hub cache's folder of contents, for a folder in one of its snapshots.
    private static func blobs(of path: String) -> String? {
        let parts = path.split(separator: "/").map(String.init)
        // models--OWNER--NAME/snapshots/REVISION, and folders therein.
        guard let place = parts.lastIndex(of: "snapshots"), place > 0, parts.count > place + 1
        else { return nil }
        return realPath("/" + parts[..<place].joined(separator: "/") + "/blobs").map { $0 + "/" }
    }
}
