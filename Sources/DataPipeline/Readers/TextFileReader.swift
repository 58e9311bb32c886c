import Foundation

/// The usable texts of one file, one after the other.
struct TextFileReader {
    private enum Content {
        case lines(LineReader)
        case table(TableReader)
        case wiki(WikiextractorReader)
    }

    private let content: Content
    private let minimumWords: Int
    private(set) var source: TextSource

    init(_ file: URL, request: ColumnRequest, minimumWords: Int) throws {
        let lines = try LineReader(file)
        let format = try TextFiles.format(of: lines)
        switch format {
        case .lines: content = .lines(lines)
        case .wikiextractor: content = .wiki(WikiextractorReader(lines))
        case .tabSeparated, .commaSeparated, .jsonLines:
            content = .table(try TableReader(lines, format: format, requests: [request]))
        }
        self.minimumWords = minimumWords
        source = TextSource(file: file.path, format: format)
    }

    mutating func next() throws -> String? {
        while let text = try nextRow() {
            if text.isBlank {
                source.skippedEmpty += 1
            } else if minimumWords > 1, !text.hasWords(minimumWords) {
                source.skippedShort += 1
            } else {
                source.rows += 1
                return text
            }
        }
        return nil
    }

    /// The next row, blank or not; counts what the reader below it skipped or replaced.
    private mutating func nextRow() throws -> String? {
        switch content {
        case .lines(let lines):
            let text = try lines.next()
            source.invalidSequences = lines.invalidSequences
            return text
        case .table(let table):
            let blankBefore = table.blankLines
            let row = try table.next()
            source.skippedEmpty += table.blankLines - blankBefore
            source.invalidSequences = table.invalidSequences
            return row?.fields[0]
        case .wiki(let wiki):
            let text = try wiki.next()
            source.invalidSequences = wiki.invalidSequences
            return text
        }
    }
}
