import ArgumentParser
import Foundation
import RecipeKit

struct PrepareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare",
        abstract: "Write masked rows that both sides read.",
        discussion: """
            The rows are the texts that `ours` samples, with the same tokens hidden, padded to the \
            maximum length as the authors' script does.
            """)

    @Argument(help: "The model's folder.", transform: URL.init(fileURLWithPath:))
    var model: URL
    @Argument(help: "The texts.", transform: URL.init(fileURLWithPath:))
    var texts: URL
    @Option(name: .shortAndLong, help: "The file to write.", transform: URL.init(fileURLWithPath:))
    var output: URL
    @Option(help: "Rows to write.")
    var rows = 1024
    @Option(help: "Tokens a text is cut and padded to.")
    var maxLength = TextTask.Settings().maximumLength

    func validate() throws {
        guard rows > 0 else { throw ValidationError("--rows \(rows): expected at least 1") }
    }

    func run() throws {
        try Self.prepare(rows, of: texts, for: model, maximumLength: maxLength, at: output)
    }

    /// Writes `count` masked rows of `texts` for the model's vocabulary.
    static func prepare(
        _ count: Int, of texts: URL, for model: URL, maximumLength: Int, at output: URL
    ) throws {
        let folder = try TextModelFolder(model)
        try folder.checkLength(maximumLength)
        let tokenizer = try folder.tokenizer()
        let seed = RunSettings(BERT.paperDefaults).seed
        let sample = try TextSample(
            count, of: texts, tokenizer: tokenizer, maximumLength: maximumLength, seed: seed)
        try PreparedRows(
            sample.texts, masking: tokenizer.masking, width: maximumLength, seed: seed
        ).write(to: output, padding: tokenizer.paddingID)
    }
}
