import Foundation
import RecipeKit

/// All rounds over photographs and what they amount to.
struct VisionReport: Codable, BenchmarkResults {
    /// One architecture.
    struct Row: Codable {
        /// Which.
        var architecture: Architecture
        /// The epochs of a purification, over which decoding once is spread.
        var epochs: Int
        /// The rounds.
        var rounds: [Round]
        /// How far the losses are from each other.
        var agreement: Agreement
    }

    /// How large the models are.
    var size: ModelSize
    /// What the photographs are.
    var photographs: String
    /// The architectures.
    var rows: [Row]
    /// The package's version.
    var version = RecipeKit.version
    /// What it was measured on.
    var machine = Machine()

    /// The table and what has to be known to read it.
    var markdown: String {
        let lines = rows.map { row in
            RoundTable.reading("images", epochs: row.epochs).rows(
                of: row.rounds, label: "\(row.architecture.title(size)): ",
                theirs: "PyTorch + Pillow, the authors' settings")
        }
        return ([RoundTable.reading("images", epochs: 1).header] + lines).joined(separator: "\n")
            + "\n\n" + notes
    }

    private var notes: String {
        guard let first = rows.first?.rounds.first else { return "" }
        let items = rows.map { row in
            let dropout = row.rounds.first.map { String(format: "%g", $0.fp32.dropout) } ?? ""
            return "- \(row.architecture.title(size)) of random weights, 64 × 64 pixels, 1000 "
                + "classes, dropout \(dropout), \(row.epochs) epochs; losses: "
                + "\(row.agreement.summary)."
        }
        return """
            \(first.note(of: rows.first?.rounds.count ?? 0)) Theirs decodes in the loop, at every \
            step; ours decodes each image once and keeps it, so that its rate end to end is that of \
            all epochs with the decoding before them. The first step is timed from parameters and, \
            for ours, decoded images in memory.

            \(items.joined(separator: "\n"))
            - Images: \(photographs), from files in the system's cache.
            \(machine.notes(first, version: version))
            """
    }
}
