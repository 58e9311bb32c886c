/// The paragraphs of wikiextractor's documents; a document's first line with text is its title.
final class WikiextractorReader {
    private let lines: LineReader
    private var expectsTitle = false

    var invalidSequences: Int { lines.invalidSequences }

    init(_ lines: LineReader) {
        self.lines = lines
    }

    /// The next paragraph, which may be blank, or nil at the end.
    func next() throws -> String? {
        while let line = try lines.next() {
            if line.utf8.starts(with: "<doc ".utf8) {
                expectsTitle = true
            } else if line.utf8.starts(with: "</doc>".utf8) {
                expectsTitle = false
            } else if expectsTitle, !line.isBlank {
                expectsTitle = false
            } else {
                return line
            }
        }
        return nil
    }
}

extension String {
    /// Whether there are at least `count` words between whitespace.
    func hasWords(_ count: Int) -> Bool {
        var words = 0
        var isInWord = false
        for scalar in unicodeScalars {
            let isSpace = scalar.properties.isWhitespace
            if !isSpace, !isInWord {
                words += 1
                if words >= count { return true }
            }
            isInWord = !isSpace
        }
        return words >= count
    }
}
