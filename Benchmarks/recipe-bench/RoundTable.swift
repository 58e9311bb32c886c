import Foundation

/// Both sides measured once, one after the other.
struct Round: Codable {
    /// The authors' loop.
    var theirs: LoopMeasurement
    /// Ours in fp32.
    var fp32: LoopMeasurement
    /// Ours in bf16, where it was asked for.
    var bf16: LoopMeasurement?
}

/// Rounds as rows of a Markdown table: medians over the rounds; ratios are medians of the rounds' own
/// ratios to the authors' loop.
struct RoundTable {
    /// One figure of a measurement.
    struct Column {
        /// Its heading.
        let title: String
        /// As `printf` has it, unit included.
        let format: String
        /// Whether the ratio to theirs stands beside it.
        var hasRatio = false
        /// The figure.
        let value: (LoopMeasurement) -> Double
    }

    /// From left to right.
    let columns: [Column]

    /// What every loop has beside its rates.
    static var common: [Column] {
        [
            Column(title: "peak memory", format: "%.2f GiB", hasRatio: true) {
                Double($0.peakRssBytes) / 0x1p30
            },
            Column(title: "first step begins", format: "%.2f s", value: \.firstStepBegunSeconds),
            Column(title: "first step done", format: "%.2f s", value: \.firstStepSeconds),
        ]
    }

    /// The table of a training on `samples` with images in them, which one side reads in the loop and
    /// the other once for all `epochs`.
    static func reading(_ samples: String, epochs: Int) -> RoundTable {
        RoundTable(
            columns: [
                Column(
                    title: "\(samples)/s in the loop", format: "%.2f", hasRatio: true,
                    value: \.samplesPerSecond),
                Column(title: "decoding, each", format: "%.2f ms") {
                    1000 * ($0.decodeSeconds ?? $0.loopDecodeSeconds ?? .nan)
                },
                Column(title: "\(samples)/s end to end", format: "%.2f", hasRatio: true) {
                    $0.endToEndPerSecond(epochs: epochs)
                },
            ] + common)
    }

    /// The headings.
    var header: String {
        let titles = columns.flatMap { $0.hasRatio ? [$0.title, "ratio"] : [$0.title] }
        return "| | \(titles.joined(separator: " | ")) |\n"
            + "| --- |\(String(repeating: " ---: |", count: titles.count))"
    }

    /// The rows of rounds, theirs first; `label` begins each row's name.
    func rows(of rounds: [Round], label: String = "", theirs: String) -> String {
        var sides: [(String, KeyPath<Round, LoopMeasurement?>)] = [
            (theirs, \.someOfTheirs), ("recipe, fp32", \.someOfFP32),
        ]
        if rounds.allSatisfy({ $0.bf16 != nil }) { sides.append(("recipe, bf16", \.bf16)) }
        return sides.map { row(label + $0.0, rounds, $0.1) }.joined(separator: "\n")
    }

    private func row(
        _ name: String, _ rounds: [Round], _ side: KeyPath<Round, LoopMeasurement?>
    ) -> String {
        let pairs = rounds.compactMap { round in
            round[keyPath: side].map { (theirs: round.theirs, own: $0) }
        }
        let cells = columns.flatMap { column in
            let median = pairs.map { column.value($0.own) }.median
            let ratio = pairs.map { column.value($0.own) / column.value($0.theirs) }.median
            return [String(format: column.format, median)]
                + (column.hasRatio ? [String(format: "%.2f", ratio)] : [])
        }
        return "| \(name) | \(cells.joined(separator: " | ")) |"
    }
}

extension Round {
    fileprivate var someOfTheirs: LoopMeasurement? { theirs }
    fileprivate var someOfFP32: LoopMeasurement? { fp32 }
}

/// Everything measured, as a table to read and as JSON beside it.
protocol BenchmarkResults: Encodable {
    /// The table and what has to be known to read it.
    var markdown: String { get }
}

extension BenchmarkResults {
    /// Writes `NAME.json` and `NAME.md`.
    func write(as name: String, to folder: URL) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        try encoder.encode(self).write(to: folder.appendingPathComponent("\(name).json"))
        try Data((markdown + "\n").utf8).write(to: folder.appendingPathComponent("\(name).md"))
    }
}
