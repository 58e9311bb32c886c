import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import TextTokenizers
import Torch
import TorchNN

/// A BERT and texts: masked-language modelling.
public struct TextTask: PretrainingTask {
    /// How texts are read.
    public struct Settings: Sendable, Codable, Equatable {
        /// Tokens a text is cut to, special tokens included.
        public var maximumLength = 64
        /// When masks are drawn.
        public var masks = TokenMasking.Masks.static
        /// How texts are put into batches.
        public var order = BatchOrder.Kind.bucketed

        /// The paper's settings, or texts that are cut to another length.
        public init(maximumLength: Int = 64) { self.maximumLength = maximumLength }
    }

    public static let unit = "texts"
    /// The model.
    public let source: BERTFolder
    public let settings: Settings
    /// Where the masked-language-model head comes from.
    public var head = BERTFolder.HeadSource.keep
    /// The model's tokenizer.
    public let tokenizer: WordPieceTokenizer
    /// The texts as tokens.
    public let corpus: TokenizedCorpus

    /// Tokenizes `texts` for the model; throws where it has no tokenizer that fits, or too few
    /// positions.
    public init(
        _ source: BERTFolder, texts: [String], _ settings: Settings = Settings(),
        head: BERTFolder.HeadSource = .keep
    ) throws {
        try source.checkLength(settings.maximumLength)
        let tokenizer = try source.tokenizer()
        self.init(
            source,
            TokenizedCorpus(texts, tokenizer: tokenizer, maximumLength: settings.maximumLength),
            tokenizer: tokenizer, settings, head: head)
    }

    /// A model with texts that its tokenizer has made tokens of.
    public init(
        _ source: BERTFolder, _ corpus: TokenizedCorpus, tokenizer: WordPieceTokenizer,
        _ settings: Settings = Settings(), head: BERTFolder.HeadSource = .keep
    ) {
        (self.source, self.corpus, self.tokenizer) = (source, corpus, tokenizer)
        (self.settings, self.head) = (settings, head)
    }

    public var folder: ModelFolder { source.folder }
    public var defaults: PaperDefaults { BERT.paperDefaults }
    public var data: DataSummary { DataSummary(texts: corpus.summary) }
    public var caveats: [Caveat] {
        Caveat.of(corpus.summary)
            + Caveat.ofTokenizer(
                tokenizer.vocabularySize, rows: source.configuration.vocabularySize)
    }
    public var headCaveat: Caveat? { nil }

    public func check() throws {
        try UnreadableTexts.check(corpus.summary.unknownShare, tokenizer: folder.url)
    }

    public func checkWritable(_ pattern: ParameterPattern) throws {
        try source.checkWritable(pattern)
    }

    public func backbone(_ placement: Placement, seed: Seed) throws -> BERT {
        try source.load(parts: [], placement: placement, seed: seed)
    }

    public func pretraining(
        _ run: RunSettings, _ placement: Placement, observe: (TrainingEvent) -> Void
    ) throws -> (model: BERT, loss: any Objective<BERT, TokenBatch>) {
        let model = try source.load(
            parts: .maskedLMHead, placement: placement, head: head, seed: run.seed)
        return (model, MaskedLanguageModeling())
    }

    public func guessing(batchSize: Int) -> Caveat.Guessing {
        .init("mlm", among: source.configuration.vocabularySize)
    }

    public func source(batchSize: Int, seed: Seed) -> SampledSource<TokenBatch> {
        .masked(
            corpus.texts, order: BatchOrder(settings.order, batchSize: batchSize),
            masking: tokenizer.masking, masks: settings.masks, seed: seed)
    }

    public func cleanBatches(of size: Int, limit: Int) -> [TokenBatch] {
        let texts = corpus.texts.prefix(limit)
        return stride(from: 0, to: texts.count, by: size).map { start in
            TokenBatch(Array(texts[start..<min(start + size, texts.count)]))
        }
    }

    public func features(
        of model: BERT, on batch: TokenBatch, in pass: Pass
    ) throws -> Tensor {
        let input = try BERTInput(batch, device: model.store.placement.device)
        return try model.encoder(input, selection: input.firstTokens, in: pass)
            .cast(to: .float32)
    }

    public func write(_ model: BERT, to destination: URL) throws -> ModelFolder.WriteReport {
        try source.write(model.store.trainedState, to: destination)
    }

    public func neurons(of model: BERT) -> [NeuronSite] { model.neurons }

    /// Texts of like length go together.
    public var readingOrder: [Int] {
        corpus.texts.indices.sorted {
            (corpus.texts[$0].count, $0) < (corpus.texts[$1].count, $1)
        }
    }

    public func readingBatchSize(_ wanted: Int) -> Int { wanted }

    public func readNeurons(
        of model: BERT, samples: ArraySlice<Int>, _ body: (NeuronReading) throws -> Void
    ) throws {
        let batch = TokenBatch(samples.map { corpus.texts[$0] })
        try model.readNeurons(
            BERTInput(batch, device: model.store.placement.device), body)
    }

    public var digested: any DigestedSamples { TokenSamples(corpus.texts) }

    public func write(
        zeroing rows: [String: [Int]], to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try source.write(zeroing: rows, to: destination)
    }
}
