import Foundation
import JSON

/// Rows of a table: of a delimited file with a header, or of JSON lines.
final class TableReader {
    struct Row {
        /// The line it starts on, from 1.
        let number: Int
        /// The requested columns' fields, in the order of the requests.
        let fields: [String]
    }

    /// The most columns that a table may have.
    private static let maximumColumns = 4096
    /// The most lines that a quoted field may span.
    private static let maximumSpan = 200

    private let format: TextFormat
    private let requests: [ColumnRequest]
    private let lines: LineReader
    /// Lines read while looking for the end of a quoted field that has none.
    private var returned: [(row: Int, text: String)] = []
    private var header: [String] = []
    private var columns: [Int] = []
    /// The number of blank lines so far.
    private(set) var blankLines = 0

    var invalidSequences: Int { lines.invalidSequences }

    init(_ lines: LineReader, format: TextFormat, requests: [ColumnRequest]) throws {
        self.lines = lines
        self.format = format
        self.requests = requests
        guard format != .jsonLines else { return }
        guard let first = try nextLine() else {
            throw DataError(file: lines.file, "is blank; expected a header and rows")
        }
        header = try delimitedFields(of: first, expecting: nil)
        guard header.count <= Self.maximumColumns else {
            throw DataError(
                file: lines.file, row: first.row,
                "has \(header.count) columns, above the limit of \(Self.maximumColumns)")
        }
        columns = try requests.map { try $0.index(in: header, of: lines.file, row: first.row) }
    }

    /// The next row, or nil at the end; throws where a row does not fit the header.
    func next() throws -> Row? {
        guard let line = try nextLine() else { return nil }
        if format == .jsonLines {
            return Row(number: line.row, fields: try jsonFields(of: line))
        }
        let fields = try delimitedFields(of: line, expecting: header.count)
        guard fields.count == header.count else {
            let separator = format == .tabSeparated ? "tab" : "comma"
            throw DataError(
                file: lines.file, row: line.row,
                "has \(fields.count) \(separator)-separated fields; the header has"
                    + " \(header.count): \(Self.listed(header)). Quote a field that"
                    + " holds a \(separator)")
        }
        return Row(number: line.row, fields: columns.map { fields[$0] })
    }

    /// The first columns of a header, for messages.
    private static func listed(_ header: [String]) -> String {
        header.prefix(8).map { $0.count > 40 ? $0.prefix(40) + "…" : $0 }.joined(separator: " | ")
            + (header.count > 8 ? " | …" : "")
    }

    private func nextLine() throws -> (row: Int, text: String)? {
        while true {
            let line: (row: Int, text: String)
            if returned.isEmpty {
                guard let text = try lines.next() else { return nil }
                line = (lines.row, text)
            } else {
                line = returned.removeFirst()
            }
            if !line.text.isBlank { return line }
            blankLines += 1
        }
    }

    // MARK: - Delimited

    /// The fields with quotes honoured, or without where only that gives the expected number.
    private func delimitedFields(
        of line: (row: Int, text: String), expecting count: Int?
    ) throws -> [String] {
        let isTabbed = format == .tabSeparated
        let splitter = DelimitedRow(delimiter: UInt8(ascii: isTabbed ? "\t" : ","))
        var outcome = splitter.quotedFields(of: line.text)
        if outcome == .isOpen, !isTabbed {
            outcome = try joinedFields(of: line.text, splitter)
        }
        if case .fields(let fields) = outcome, count == nil || fields.count == count {
            return fields
        }
        let plain = splitter.plainFields(of: line.text)
        guard case .fields(let fields) = outcome, plain.count != count else { return plain }
        return fields
    }

    /// A comma-separated record that goes on over the next lines; they are given back where the
    /// quote that opened it never ends.
    private func joinedFields(
        of text: String, _ splitter: DelimitedRow
    ) throws -> DelimitedRow.Outcome {
        var joined = text
        var taken: [(row: Int, text: String)] = []
        while taken.count < Self.maximumSpan {
            if returned.isEmpty {
                guard let text = try lines.next() else { break }
                taken.append((lines.row, text))
            } else {
                taken.append(returned.removeFirst())
            }
            let added = taken[taken.count - 1].text
            joined += "\n" + added
            guard added.utf8.contains(UInt8(ascii: "\"")) else { continue }
            let outcome = splitter.quotedFields(of: joined)
            if outcome != .isOpen { return outcome }
        }
        returned = taken + returned
        return .isOpen
    }

    // MARK: - JSON

    private func jsonFields(of line: (row: Int, text: String)) throws -> [String] {
        let object: [String: JSONField]
        do {
            let data = Data(line.text.utf8)
            object = try JSONDecoder().decodeStrictly([String: JSONField].self, from: data)
        } catch {
            let reason = (error as? JSONError).map { ": \($0)" } ?? ""
            throw DataError(
                file: lines.file, row: line.row,
                "is not a JSON object\(reason); expected one on each line")
        }
        let keys = object.keys.sorted()
        return try requests.map { request in
            let key = keys[try request.index(in: keys, of: lines.file, row: line.row)]
            guard case .text(let text) = object[key] else {
                throw DataError(
                    file: lines.file, row: line.row,
                    "\"\(key)\" is neither a string nor a whole number; expected the"
                        + " \(request.role)")
            }
            return text
        }
    }
}

/// A JSON value as far as a table needs it.
private enum JSONField: Decodable {
    case text(String)
    case other

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let number = try? container.decode(Int.self) {
            self = .text(String(number))
        } else {
            self = .other
        }
    }
}

extension String {
    /// Whether there is nothing but whitespace.
    var isBlank: Bool { unicodeScalars.allSatisfy(\.properties.isWhitespace) }
}
