import Foundation

/// Finds text files and tells their formats.
enum TextFiles {
    private static let formats: [String: TextFormat] = [
        "txt": .lines, "tsv": .tabSeparated, "csv": .commaSeparated, "jsonl": .jsonLines,
    ]

    /// The file itself, or a folder's files of known kinds, however deep, in order of their paths.
    static func expand(_ url: URL) throws -> (files: [URL], passedOver: [String]) {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory),
            isDirectory.boolValue
        else { return ([url], []) }
        let paths: [String]
        do {
            paths = try FileManager.default.subpathsOfDirectory(atPath: url.path)
        } catch {
            throw DataError(file: url, "cannot be listed: \(error.localizedDescription)")
        }
        let all = paths.sorted().map { url.appendingPathComponent($0) }.filter(isVisibleFile)
        let files = all.filter(isKnown)
        guard !files.isEmpty else {
            throw DataError(
                file: url,
                "holds no text files; expected .txt, .tsv, .csv, .jsonl or wiki_NN files")
        }
        return (files, all.filter { !isKnown($0) }.map(\.path))
    }

    /// The format, by the name and by what the file begins with.
    static func format(of lines: LineReader) throws -> TextFormat {
        let format = formats[lines.file.pathExtension.lowercased()]
        let isExtracted = lines.beginning.starts(with: "<doc ".utf8)
        if isExtracted, format == nil || format == .lines { return .wikiextractor }
        guard let format else {
            throw DataError(
                file: lines.file,
                "is of an unknown kind; expected .txt, .tsv, .csv, .jsonl, or wikiextractor's"
                    + " <doc …>")
        }
        return format
    }

    private static func isVisibleFile(_ file: URL) -> Bool {
        FileStatus(file.path)?.isFolder == false && !file.lastPathComponent.hasPrefix(".")
    }

    private static func isKnown(_ file: URL) -> Bool {
        let isNumbered = file.lastPathComponent.hasPrefix("wiki_") && file.pathExtension.isEmpty
        return isNumbered || formats[file.pathExtension.lowercased()] != nil
    }
}
