import ArgumentParser
import Attacks
import Documents
import JSON
import Training

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

    /// How triggers get into texts, as far as it was given.
    var overlays: [SettingsOverlay] {
        [
            maxLength.map { SettingsOverlay("--max-length", ["maximumLength"], .integer($0)) },
            position.map { SettingsOverlay("--position", ["position"], .string($0.rawValue)) },
            insertions.map { SettingsOverlay("--insertions", ["insertions"], .integer($0)) },
        ].compactMap { $0 }
    }

    /// The columns that were given, by their options' names.
    var given: [String] {
        [textColumn.map { _ in "--text-column" }, labelColumn.map { _ in "--label-column" }]
            .compactMap { $0 }
    }
}
