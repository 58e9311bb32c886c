import Foundation

/// A column that a reader wants, by the name given or by one of its usual names.
struct ColumnRequest {
    let name: String?
    let usualNames: [String]
    /// What the column holds, for messages.
    let role: String

    static func text(_ name: String?) -> ColumnRequest {
        ColumnRequest(name: name, usualNames: ["sentence", "text", "caption"], role: "text")
    }

    static func label(_ name: String?) -> ColumnRequest {
        ColumnRequest(name: name, usualNames: ["label", "labels", "class"], role: "label")
    }

    /// The column's index; exact spelling goes before the same letters in another case.
    func index(in columns: [String], of file: URL, row: Int) throws -> Int {
        let wanted = name.map { [$0] } ?? usualNames
        if let name, let exact = columns.firstIndex(of: name) { return exact }
        for candidate in wanted {
            if let found = columns.firstIndex(where: {
                $0.lowercased() == candidate.lowercased()
            }) {
                return found
            }
        }
        throw missing(in: columns, of: file, row: row)
    }

    private func missing(in columns: [String], of file: URL, row: Int) -> DataError {
        let expected = name.map { "\"\($0)\"" } ?? usualNames.joined(separator: ", ")
        let found = columns.prefix(8).map { $0.count > 40 ? $0.prefix(40) + "…" : $0 }
        var message =
            "no \(role) column \(expected); columns found: \(found.joined(separator: " | "))"
        if let name, let nearest = Self.nearest(to: name, among: columns) {
            message += "; did you mean \"\(nearest)\"?"
        } else if columns.contains(where: { $0.count > 40 }) {
            message += "; the file seems to have no header: add a first line that names the columns"
        } else {
            message += "; name one of them as the \(role) column"
        }
        return DataError(file: file, row: row, message)
    }

    private static func nearest(to name: String, among columns: [String]) -> String? {
        let distances = columns.filter { $0.count <= 64 }.map { column in
            (column, distance(Array(name.lowercased()), Array(column.lowercased())))
        }
        guard let best = distances.min(by: { $0.1 < $1.1 }), best.1 <= max(1, name.count / 3)
        else { return nil }
        return best.0
    }

    /// Levenshtein distance.
    private static func distance(_ one: [Character], _ other: [Character]) -> Int {
        var previous = Array(0...other.count)
        for (row, character) in one.enumerated() {
            var current = [row + 1]
            for (column, candidate) in other.enumerated() {
                let change = previous[column] + (character == candidate ? 0 : 1)
                current.append(min(change, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[other.count]
    }
}
