import Foundation

/// Where the package lies, told by where this file was compiled.
public enum PackageFolder {
    /// The folder of `Package.swift`.
    public static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}

/// The data sets that some tests want and that no repository can carry.
///
/// They are looked for in the folder of the environment variable `RECIPE_DATA`, else `.data` in the
/// package, else `shared/data` beside the package.
public enum RealData {
    /// The first of those folders that exists, or nil.
    public static let folder: URL? = candidates.first {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: $0.path, isDirectory: &isFolder)
            && isFolder.boolValue
    }

    /// A file or folder of the data by its path there, or nil where it is not.
    public static func path(_ path: String) -> URL? {
        guard let url = folder?.appending(path: path),
            FileManager.default.fileExists(atPath: url.path)
        else { return nil }
        return url
    }

    /// Whether all of `paths` are there.
    public static func holds(_ paths: String...) -> Bool { paths.allSatisfy { path($0) != nil } }

    /// What a skipped test says.
    public static func isMissing(_ path: String) -> String {
        "needs \(path) in $RECIPE_DATA, .data or ../shared/data"
    }

    private static var candidates: [URL] {
        if let named = ProcessInfo.processInfo.environment["RECIPE_DATA"], !named.isEmpty {
            return [URL(filePath: named)]
        }
        return [
            PackageFolder.root.appending(path: ".data"),
            PackageFolder.root.deletingLastPathComponent().appending(components: "shared", "data"),
        ]
    }
}
