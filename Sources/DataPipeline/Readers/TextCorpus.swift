import Foundation
import Randomness

/// Texts without labels, as pre-training and attacks take them.
public struct TextCorpus: Hashable, Sendable {
    /// The texts, in the files' order.
    public private(set) var texts: [String] = []
    /// What was read from each file.
    public private(set) var sources: [TextSource] = []
    /// Files of the folders that were named that are of no known kind, by their paths.
    public private(set) var passedOver: [String] = []

    /// Reads `.txt`, `.tsv`, `.csv`, `.jsonl` and wikiextractor files, and folders of them.
    ///
    /// - Parameters:
    ///   - files: Files, or folders, whose files of those kinds are read in order of their paths.
    ///   - textColumn: The column or key with the text; by default `sentence`, else `text`,
    ///     else `caption`.
    ///   - limit: Reading stops after that many texts.
    ///   - minimumWords: Texts with fewer words are skipped, and counted.
    ///
    /// Blank texts are skipped and invalid UTF-8 is replaced; both are counted in `sources`.
    /// Throws `DataError` for a missing, empty or malformed file, and where no text is left.
    public static func read(
        _ files: [URL], textColumn: String? = nil, limit: Int? = nil, minimumWords: Int = 0
    ) throws -> TextCorpus {
        guard let first = files.first else {
            throw DataError(file: URL(fileURLWithPath: "."), "no text file was given; name one")
        }
        if let limit, limit < 1 {
            throw DataError(file: first, "a limit of \(limit) texts; expected 1 or more")
        }
        var corpus = TextCorpus()
        let request = ColumnRequest.text(textColumn)
        let found = try files.map(TextFiles.expand)
        corpus.passedOver = found.flatMap(\.passedOver)
        for file in found.flatMap(\.files) {
            let room = limit.map { $0 - corpus.texts.count } ?? Int.max
            guard room > 0 else { break }
            // In a folder, a file without content is no mistake of the caller's.
            if !files.contains(file), Self.isEmpty(file) { continue }
            var reader = try TextFileReader(file, request: request, minimumWords: minimumWords)
            while reader.source.rows < room, let text = try reader.next() {
                corpus.texts.append(text)
            }
            corpus.sources.append(reader.source)
        }
        if corpus.texts.isEmpty {
            let short = corpus.sources.reduce(0) { $0 + $1.skippedShort }
            throw DataError(
                file: first,
                short > 0
                    ? "no usable text: all \(short) have fewer than \(minimumWords) words"
                    : "no usable text: there is nothing but blank lines and headers")
        }
        return corpus
    }

    /// At most `count` of the texts, drawn by `seed`, in their order; what was read of each file
    /// stays as it was.
    public func randomSubset(of count: Int, seed: Seed) -> TextCorpus {
        var subset = self
        subset.texts = seed.places(count, of: texts.count, "texts.subset").map { texts[$0] }
        return subset
    }

    private static func isEmpty(_ file: URL) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
        return (attributes?[.size] as? NSNumber)?.intValue == 0
    }
}
