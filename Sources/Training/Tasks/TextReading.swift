import Checkpoints
import DataPipeline
import Foundation
import JSON
import ModelZoo
import Randomness
import TextTokenizers
import TorchNN

extension TextTask {
    /// Reads texts for a model.
    public static func read(
        _ data: AuxiliaryData, for source: TextModelFolder, _ settings: Settings,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> ReadData<TextTask> {
        // Before any text is read: a model that cannot take them is told of at once.
        try source.checkLength(settings.maximumLength)
        _ = try source.tokenizer()
        return try reading(corpus(data), for: source, settings, data)
    }

    private static func corpus(_ data: AuxiliaryData) throws -> TextCorpus {
        guard let wanted = data.texts else { throw TrainingError("no texts were named") }
        let corpus = try TextCorpus.read(
            wanted.files, textColumn: wanted.column, limit: wanted.limit,
            minimumWords: wanted.minimumWords)
        return data.samples.map { corpus.randomSubset(of: $0, seed: data.seed) } ?? corpus
    }

    private static func reading(
        _ corpus: TextCorpus, for source: TextModelFolder, _ settings: Settings,
        _ data: AuxiliaryData
    ) throws -> ReadData<TextTask> {
        ReadData(
            try TextTask(
                source, texts: corpus.texts, settings, head: data.texts?.head ?? .keep),
            corpus.sources.map { .init($0.file, $0.rows) }, caveats: Caveat.of(corpus))
    }

    /// Begins a text encoder with a pooler and a masked-language-model head; its vocabulary is the one named,
    /// the one beside the configuration, or one made of the texts.
    public static func begin(
        _ beginning: ModelBeginning, with data: AuxiliaryData, _ settings: Settings, at url: URL,
        seed: Seed, observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws -> ReadData<TextTask> {
        let corpus = try corpus(data)
        var configuration = try JSONFile(reading: beginning.file)
        let architecture =
            try configuration.isNamed
            ? TextConfiguration.architecture(of: configuration) : BERTConfiguration.self
        let tokenizer = try vocabulary(of: beginning, corpus, configuration, architecture)
        configuration.fields["vocab_size"] = .integer(tokenizer.vocabularySize)
        configuration.fields["pad_token_id"] = .integer(Int(tokenizer.paddingID))
        configuration.fields["architectures"] = .array([
            .string(architecture.className(with: [.pooler, .maskedLMHead]))
        ])
        configuration.fields["model_type"] = .string(architecture.modelType)
        let model = try TextConfiguration(configuration).model(
            parts: [.pooler, .maskedLMHead],
            in: ParameterStore(source: FreshSource(seed: seed.key("parameters"))))
        try ModelFolder.create(model.store.parameters, configuration: configuration, at: url)
        try tokenizer.save(to: url)
        return try reading(corpus, for: TextModelFolder(url), settings, data)
    }

    private static func vocabulary(
        of beginning: ModelBeginning, _ corpus: TextCorpus, _ configuration: JSONFile,
        _ architecture: any TextArchitecture.Type
    ) throws -> any TextTokenizer {
        if let tokenizer = beginning.tokenizer {
            return try architecture.tokenizer(in: tokenizer)
        }
        let folder = beginning.file.deletingLastPathComponent()
        let hasOne = ["tokenizer.json", "vocab.txt"].contains {
            FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
        }
        if hasOne { return try architecture.tokenizer(in: folder) }
        return try architecture.tokenizer(
            trainedOn: corpus.texts, size: configuration.integer("vocab_size", minimum: 100))
    }
}

extension JSONFile {
    /// Whether it says of which architecture the model is.
    fileprivate var isNamed: Bool { fields["model_type"] != nil || !architectures.isEmpty }
}
