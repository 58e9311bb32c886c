import Foundation
import RecipeKit

/// All rounds over images with captions and what they amount to.
struct CLIPReport: Codable, BenchmarkResults {
    /// How large the model is.
    var size: ModelSize
    /// What the pairs are.
    var pairs: String
    /// The epochs of a purification, over which reading once is spread.
    var epochs: Int
    /// The rounds.
    var rounds: [Round]
    /// How far the losses are from each other.
    var agreement: Agreement
    /// The package's version.
    var version = RecipeKit.version
    /// What it was measured on.
    var machine = Machine()

    /// The table and what has to be known to read it.
    var markdown: String {
        let table = RoundTable.reading("pairs", epochs: epochs)
        return table.header + "\n"
            + table.rows(of: rounds, theirs: "PyTorch + transformers + Pillow") + "\n\n" + notes
    }

    private var notes: String {
        guard let first = rounds.first else { return "" }
        let own = String(format: "%.1f", first.fp32.tokens?.perSequence ?? .nan)
        let theirs = String(format: "%.0f", first.theirs.tokens?.paddedPerSequence ?? .nan)
        return """
            \(first.note(of: rounds.count)) Theirs decodes and tokenizes in the loop, at every step; \
            ours does so once and keeps it, so that its rate end to end is that of all \(epochs) \
            epochs with the reading before them. The first step is timed from parameters and, for \
            ours, decoded images in memory.

            - Model: \(size == .base ? "CLIP ViT-B/32, 224 × 224 pixels," : "a tiny CLIP") of random \
            weights, everything trained. A caption is \(own) tokens long; ours computes those, \
            theirs \(theirs).
            - Losses: \(agreement.summary).
            - Pairs: \(pairs), images from files in the system's cache.
            \(machine.notes(first, version: version))
            """
    }
}
