import ArgumentParser
import Attacks

/// How labelled texts are read, and how triggers get into them.
struct TriggeredTextOptions: ParsableArguments {
    @Option(help: "Tokens a text is cut to: 128.")
    var maxLength: Int?
    @Option(
        help: """
            Where a trigger goes: random, start, end, or recipe (as the authors put it); by default \
            random.
            """)
    var position: TriggerPosition?
    @Option(help: "Times a trigger is put into a text: 1.")
    var insertions: Int?
    @Option(help: "Column or key that holds the text.")
    var textColumn: String?
    @Option(help: "Column or key that holds the label.")
    var labelColumn: String?

    func validate() throws {
        try validatePositive(("--insertions", insertions ?? 1))
        try validateLength(maxLength ?? 3)
    }

    /// The options that were given.
    var given: [String] {
        [
            maxLength.map { _ in "--max-length" }, position.map { _ in "--position" },
            insertions.map { _ in "--insertions" }, textColumn.map { _ in "--text-column" },
            labelColumn.map { _ in "--label-column" },
        ].compactMap { $0 }
    }
}
