import Foundation
import Randomness

/// Texts with a class each, as fine-tuning and evaluation take them.
public struct LabelledTexts: Hashable, Sendable {
    /// The texts, in the file's order.
    public private(set) var texts: [String]
    /// Each text's class, an index into `labelNames`.
    public private(set) var labels: [Int]
    /// Each text's line in the file, counted from 1 with the header.
    public private(set) var rows: [Int]
    /// The place of each among the usable texts of its file, counted from 0: what random places of
    /// triggers hang on, so that a text has the same ones in a subset as in the whole file.
    public private(set) var indices: [Int]
    /// The classes' names as the file spells them.
    public let labelNames: [String]
    /// What was read from the file.
    public let source: TextSource

    /// Reads a `.tsv`, `.csv` or `.jsonl` file with a text and a label column.
    ///
    /// - Parameters:
    ///   - textColumn: By default `sentence`, else `text`, in any case.
    ///   - labelColumn: By default `label`, else `labels` or `class`, in any case.
    ///   - labelNames: The classes, in order. Give a test file those of its training file.
    ///
    /// Without `labelNames`, labels that are exactly the numbers 0 to k − 1 stay as they are; others
    /// are sorted, whole numbers by value, and become indices. Rows with a blank text are skipped.
    /// Throws `DataError` for a malformed file, a blank or unknown label (with its row), and where
    /// no text is left.
    public static func read(
        _ file: URL, textColumn: String? = nil, labelColumn: String? = nil,
        labelNames: [String]? = nil
    ) throws -> LabelledTexts {
        let lines = try LineReader(file)
        let format = try TextFiles.format(of: lines)
        guard [.tabSeparated, .commaSeparated, .jsonLines].contains(format) else {
            throw DataError(
                file: file, "has no labels; expected .tsv or .csv with a header, or .jsonl")
        }
        let table = try TableReader(
            lines, format: format, requests: [.text(textColumn), .label(labelColumn)])
        var source = TextSource(file: file.path, format: format)
        var texts: [String] = []
        var spellings: [(label: String, row: Int)] = []
        while let row = try table.next() {
            if row.fields[0].isBlank {
                source.skippedEmpty += 1
                continue
            }
            guard !row.fields[1].isBlank else {
                throw DataError(file: file, row: row.number, "the label is blank; expected a class")
            }
            texts.append(row.fields[0])
            spellings.append((row.fields[1], row.number))
        }
        guard !texts.isEmpty else {
            throw DataError(file: file, "no usable text: there is nothing but a header and blanks")
        }
        source.rows = texts.count
        source.skippedEmpty += table.blankLines
        source.invalidSequences = table.invalidSequences
        let names = labelNames ?? Self.names(of: spellings.map(\.label))
        let labels = try Self.indices(of: spellings, among: names, in: file)
        return LabelledTexts(
            texts: texts, labels: labels, rows: spellings.map(\.row),
            indices: Array(texts.indices), labelNames: names, source: source)
    }

    /// A random subset of at most `count` texts, in the file's order; the same for the same seed.
    ///
    /// The classes' names stay those of the whole file, also where no text of a class was drawn.
    public func randomSubset(of count: Int, seed: Seed) -> LabelledTexts {
        let chosen = seed.places(count, of: texts.count, "texts.subset")
        var subset = self
        subset.texts = chosen.map { texts[$0] }
        subset.labels = chosen.map { labels[$0] }
        subset.rows = chosen.map { rows[$0] }
        subset.indices = chosen.map { indices[$0] }
        return subset
    }

    private static func names(of labels: [String]) -> [String] {
        let distinct = Set(labels)
        let numbers = distinct.compactMap { Int($0) }
        guard numbers.count == distinct.count else { return distinct.sorted() }
        return Set(numbers).sorted().map(String.init)
    }

    private static func indices(
        of labels: [(label: String, row: Int)], among names: [String], in file: URL
    ) throws -> [Int] {
        let indices = Dictionary(
            names.enumerated().map { ($0.element, $0.offset) },
            uniquingKeysWith: { first, _ in first })
        return try labels.map { label, row in
            // "01" and "1" are one number.
            if let index = indices[label] ?? Int(label).flatMap({ indices[String($0)] }) {
                return index
            }
            let known = names.prefix(12).joined(separator: ", ")
            throw DataError(
                file: file, row: row,
                "the label \"\(label.prefix(40))\" is unknown; expected one of: \(known)")
        }
    }
}
