/// The name among `candidates` that `name` was most likely meant to be; nothing when none is near.
///
/// Near is within a third of the name's length in insertions, deletions, replacements and swaps of
/// neighbours, letter case aside. Of equally near names the first counts.
public func suggestion(for name: String, among candidates: some Sequence<String>) -> String? {
    // Longer than any name, and quadratic to compare.
    guard !name.isEmpty, name.utf8.count <= 200 else { return nil }
    let wanted = Array(name.lowercased())
    let limit = max(1, wanted.count / 3)
    var nearest: (name: String, distance: Int)?
    for candidate in candidates where abs(candidate.count - wanted.count) <= limit {
        let distance = editDistance(wanted, Array(candidate.lowercased()))
        if distance <= limit, distance < wanted.count, distance < nearest?.distance ?? .max {
            nearest = (candidate, distance)
        }
    }
    return nearest?.name
}

/// How many insertions, deletions, replacements and swaps of neighbours turn one word into the other
/// (optimal string alignment).
func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        for column in right.indices {
            let same = left[row] == right[column]
            var best = min(last[column + 1] + 1, current[column] + 1, last[column] + (same ? 0 : 1))
            if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                best = min(best, beforeLast[column - 1] + 1)
            }
            current.append(best)
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
