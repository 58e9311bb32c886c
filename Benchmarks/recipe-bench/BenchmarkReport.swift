import Foundation
import RecipeKit

/// All rounds over texts and what they amount to.
struct BenchmarkReport: Codable, BenchmarkResults {
    /// How large the model is.
    var size: ModelSize
    /// What the texts are.
    var texts: String
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
        let rate = RoundTable.Column(
            title: "sequences/s", format: "%.2f", hasRatio: true, value: \.samplesPerSecond)
        let table = RoundTable(columns: [rate] + RoundTable.common)
        return table.header + "\n"
            + table.rows(of: rounds, theirs: "PyTorch + transformers, the authors' settings")
            + "\n\n" + notes
    }

    private var notes: String {
        guard let first = rounds.first else { return "" }
        let ours = first.fp32.tokens
        let sample = String(
            format: "%.1f tokens (%.1f over all texts)", ours?.paddedPerSequence ?? .nan,
            ours?.perCorpusText ?? .nan)
        let length = String(format: "%.1f", ours?.perSequence ?? .nan)
        let theirs = String(format: "%.0f", first.theirs.tokens?.paddedPerSequence ?? .nan)
        return """
            \(first.note(of: rounds.count)) The first step is timed from parameters in memory.

            - Model: \(size == .base ? "BERT-base" : "a tiny BERT") of random weights. Texts: \
            \(texts); a text is \(length) tokens long, ours computes \(sample), theirs \(theirs).
            - Losses: \(agreement.summary).
            \(machine.notes(first, version: version))
            """
    }
}

extension Round {
    /// How it was measured, of so many rounds alike.
    func note(of rounds: Int) -> String {
        """
        Medians of \(rounds) round(s) in alternation; ratios are to the authors' settings within a \
        round. Ours: \(fp32.steps) steps, the first \(fp32.warmupSteps) not counted; theirs: \
        \(theirs.steps) and \(theirs.warmupSteps); batch \(fp32.batchSize).
        """
    }
}

extension Machine {
    /// What `round` was measured on and with, as items of a list.
    func notes(_ round: Round, version: String) -> String {
        """
        - Machine: \(processor), \(round.fp32.threads) threads (theirs \(round.theirs.threads)), \
        \(instructionSet), bf16 \(hasFastBFloat16 ? "in hardware" : "NOT in hardware"); \(system).
        - recipe \(version), libtorch \(round.fp32.torch); PyTorch \(round.theirs.torch).
        """
    }
}
