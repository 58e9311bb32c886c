import Foundation
import RecipeKit

/// What both sides are given: a model, texts, and the same texts as masked rows.
struct BenchmarkMaterial {
    /// The model's folder.
    let model: URL
    /// The texts.
    let texts: URL
    /// Masked rows of some of them.
    let rows: URL
    /// What the texts are.
    let description: String

    /// Makes in `folder` what `run` asks for, with so many masked rows.
    init(_ run: RunCommand, rows count: Int, in folder: URL) throws {
        let package = run.places.packageFolder
        let bookCorpus = Self.data("text-aux/bookcorpus-20k/train.tsv", near: package)
        let vocabulary: URL?
        if let found = run.texts ?? bookCorpus {
            texts = found
            description = run.texts?.lastPathComponent ?? "BookCorpus-20k"
            vocabulary =
                try run.vocabulary
                ?? Self.data("vocab/bert-base-uncased_vocab.txt", near: package)
                ?? Self.makeVocabulary(of: found, at: folder.appendingPathComponent("vocab.txt"))
        } else {
            RecipeBench.report("no BookCorpus-20k found: measuring on generated texts")
            texts = folder.appendingPathComponent("generated.txt")
            description = "generated texts (no BookCorpus-20k found)"
            vocabulary = nil
            try GeneratedTexts.write(
                max(20_000, count), vocabulary: MakeModelCommand.vocabularySize, to: texts,
                seed: RunSettings(BERT.paperDefaults).seed)
        }
        model = folder.appendingPathComponent("model-\(run.options.modelSize.rawValue)")
        rows = folder.appendingPathComponent("rows.safetensors")
        RecipeBench.report("making the model and the rows in \(folder.path)")
        try MakeModelCommand.make(run.options.modelSize, vocabulary: vocabulary, at: model)
        try PrepareCommand.prepare(
            count, of: texts, for: model, maximumLength: TextTask.Settings().maximumLength, at: rows
        )
    }

    private static func makeVocabulary(of texts: URL, at file: URL) throws -> URL {
        RecipeBench.report("no vocabulary found: making one from the texts")
        let tokens = WordPieceTokenizer.trainVocabulary(
            from: try TextCorpus.read([texts]).texts, size: MakeModelCommand.vocabularySize)
        try Data(tokens.map { $0 + "\n" }.joined().utf8).write(to: file, options: .atomic)
        return file
    }

    /// A file of the real data: under `RECIPE_DATA`, else `.data`, else `../shared/data`.
    static func data(_ path: String, near package: URL) -> URL? {
        let named = ProcessInfo.processInfo.environment["RECIPE_DATA"].flatMap {
            $0.isEmpty ? nil : URL(fileURLWithPath: $0)
        }
        let places = [
            named, package.appendingPathComponent(".data"),
            package.appendingPathComponent("../shared/data"),
        ]
        return places.compactMap { $0?.appendingPathComponent(path).standardizedFileURL }
            .first { FileManager.default.fileExists(atPath: $0.path) }
    }
}
