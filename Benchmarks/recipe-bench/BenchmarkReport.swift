import Foundation
import RecipeKit

/// Both sides measured once, one after the other.
struct Round: Codable {
    /// The authors' loop.
    var theirs: Measurement
    /// Ours in fp32.
    var fp32: Measurement
    /// Ours in bf16, where it was asked for.
    var bf16: Measurement?
}

/// All rounds and what they amount to.
struct BenchmarkReport: Codable {
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

    /// Writes `bench.json` and `bench.md`.
    func write(to folder: URL) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        try encoder.encode(self).write(to: folder.appendingPathComponent("bench.json"))
        try Data((markdown + "\n").utf8).write(to: folder.appendingPathComponent("bench.md"))
    }

    /// The table and what has to be known to read it.
    var markdown: String {
        ([
            "| | sequences/s | ratio | peak memory | ratio | first step begins | first step done |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
            row("PyTorch + transformers, the authors' settings", \.theirs),
            row("recipe, fp32", \.fp32),
            rounds.allSatisfy { $0.bf16 != nil } ? row("recipe, bf16", \.bf16) : nil,
            "",
        ] as [String?]).compactMap { $0 }.joined(separator: "\n") + "\n" + notes
    }

    /// Medians over the rounds; ratios are medians of the rounds' own ratios.
    private func row(_ name: String, _ side: (Round) -> Measurement?) -> String? {
        let pairs = rounds.compactMap { round in side(round).map { (round.theirs, $0) } }
        func median(_ value: (Measurement) -> Double) -> Double { pairs.map { value($1) }.median }
        func ratio(_ value: (Measurement) -> Double) -> Double {
            pairs.map { value($1) / value($0) }.median
        }
        let cells = [
            String(format: "%.2f", median(\.sequencesPerSecond)),
            String(format: "%.2f", ratio(\.sequencesPerSecond)),
            String(format: "%.2f GiB", median { Double($0.peakRssBytes) } / 0x1p30),
            String(format: "%.2f", ratio { Double($0.peakRssBytes) }),
            String(format: "%.2f s", median(\.firstStepBegunSeconds)),
            String(format: "%.2f s", median(\.firstStepSeconds)),
        ]
        return "| \(name) | \(cells.joined(separator: " | ")) |"
    }

    private var notes: String {
        guard let first = rounds.first else { return "" }
        let fp32 = first.fp32
        let bf16 = machine.hasFastBFloat16 ? "in hardware" : "NOT in hardware"
        let sample = String(
            format: "%.1f tokens (%.1f over all texts)", fp32.paddedTokensPerSequence,
            fp32.corpusTokensPerSequence ?? .nan)
        return """
            Medians of \(rounds.count) round(s) in alternation; ratios are to the authors' settings \
            within a round. Ours: \(fp32.steps) steps, the first \(fp32.warmupSteps) not counted; \
            theirs: \(first.theirs.steps) and \(first.theirs.warmupSteps); batch \(fp32.batchSize). \
            The first step is timed from parameters in memory.

            - Model: \(size == .base ? "BERT-base" : "a tiny BERT") of random weights. Texts: \
            \(texts); a text is \(String(format: "%.1f", fp32.tokensPerSequence)) tokens long, ours \
            computes \(sample), theirs \(String(format: "%.0f", first.theirs.paddedTokensPerSequence)).
            - Losses: \(agreement.summary).
            - Machine: \(machine.processor), \(fp32.threads) threads (theirs \
            \(first.theirs.threads)), \(machine.instructionSet), bf16 \(bf16); \(machine.system).
            - recipe \(version), libtorch \(fp32.torch); PyTorch \(first.theirs.torch).
            """
    }
}

extension Measurement {
    /// The rate and the memory in words.
    var summary: String {
        String(
            format: "%.2f sequences/s, %.2f GiB, first step %.2f s", sequencesPerSecond,
            Double(peakRssBytes) / 0x1p30, firstStepSeconds)
    }
}
