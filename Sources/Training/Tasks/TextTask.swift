import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TextTokenizers
import Torch
import TorchNN

/// A text encoder and texts: masked-language modelling.
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

    /// Texts.
    public static let kind = ModelKind.texts
    /// BERT's usual constants: AdamW at 5e-5, falling to 0, one epoch, 32 texts of 128 tokens a step.
    public static var pretraining: (run: RunSettings, samples: Settings) {
        var samples = Settings(maximumLength: 128)
        samples.masks = .dynamic
        let training = TrainingSettings(
            epochs: 1, learningRate: 5e-5,
            undecayed: ParameterPattern(["**.bias", "**.LayerNorm.weight"]))
        return (RunSettings(training, batchSize: 32), samples)
    }
    /// The model.
    public let source: TextModelFolder
    /// How samples are prepared.
    public let settings: Settings
    /// Where the masked-language-model head comes from.
    public var head = TextModelFolder.HeadSource.keep
    /// The model's tokenizer.
    public let tokenizer: any TextTokenizer
    /// The texts as they were read; empty where they came as tokens.
    public let texts: [String]
    /// The texts as tokens.
    public let corpus: TokenizedCorpus

    /// Tokenizes `texts` for the model; throws where it has no tokenizer that fits, or too few
    /// positions.
    public init(
        _ source: TextModelFolder, texts: [String], _ settings: Settings = Settings(),
        head: TextModelFolder.HeadSource = .keep
    ) throws {
        try source.checkLength(settings.maximumLength)
        let tokenizer = try source.tokenizer()
        self.init(
            source,
            TokenizedCorpus(texts, tokenizer: tokenizer, maximumLength: settings.maximumLength),
            of: texts, tokenizer: tokenizer, settings, head: head)
    }

    /// A model with texts that its tokenizer has made tokens of.
    public init(
        _ source: TextModelFolder, _ corpus: TokenizedCorpus, of texts: [String] = [],
        tokenizer: any TextTokenizer,
        _ settings: Settings = Settings(), head: TextModelFolder.HeadSource = .keep
    ) {
        (self.source, self.corpus, self.tokenizer) = (source, corpus, tokenizer)
        (self.texts, self.settings, self.head) = (texts, settings, head)
    }

    /// How many samples there are, and what became of them.
    public var data: DataSummary { DataSummary(texts: corpus.summary) }
    /// What a reader must know of the data.
    public var caveats: [Caveat] {
        Caveat.of(corpus.summary)
            + Caveat.ofTokenizer(
                tokenizer.vocabularySize, rows: source.configuration.vocabularySize)
    }
    /// What is to be said of the head that pre-training reads.
    public var headCaveat: Caveat? { nil }

    /// Throws where most of the texts are unknown tokens.
    public func check() throws {
        try UnreadableTexts.check(corpus.summary.unknownShare, tokenizer: folder.url)
    }

    /// Throws where the parameters that `pattern` selects could not be written back.
    public func checkWritable(_ pattern: ParameterPattern) throws {
        try source.checkWritable(pattern)
    }

    /// The model without heads that pre-training alone reads.
    public func backbone(_ placement: Placement, seed: Seed) throws -> AnyTextModel {
        try source.load(parts: [], placement: placement, seed: seed)
    }

    /// The model with its pooler, where it has one.
    public func featureModel(_ placement: Placement, seed: Seed) throws -> AnyTextModel {
        try source.load(
            parts: source.parts.intersection(.pooler), placement: placement, seed: seed)
    }

    /// Insertions of tokens.
    public func alterations(
        suspects: [String], seed: Seed
    ) throws -> any Alterations<AnyTextModel, TokenBatch> {
        let sequences = try suspects.map { suspect in
            // Pieces of words may be spelled as the vocabulary has them, with spaces between.
            let parts = suspect.split(separator: " ")
            let spelled = parts.compactMap { tokenizer.id(of: String($0)) }
            let ids =
                spelled.count == parts.count && !parts.isEmpty
                ? spelled : tokenizer.encode(suspect)
            guard !ids.isEmpty, !ids.contains(tokenizer.unknownID) else {
                throw TrainingError(
                    "the suspect ‘\(suspect)’ is "
                        + (ids.isEmpty ? "no token" : "unknown") + " to the model's vocabulary")
            }
            return ids
        }
        return TokenAlterations(
            sequences, tokenizer: tokenizer, longest: source.configuration.maximumPositions,
            seed: seed)
    }

    /// The model with its masked-language-model head, or one from elsewhere.
    public func pretraining(
        _ run: RunSettings, _ placement: Placement, whole: Bool, observe: (TrainingEvent) -> Void
    ) throws -> (model: AnyTextModel, loss: any Objective<AnyTextModel, TokenBatch>) {
        let model =
            try whole
            ? self.whole(with: .maskedLMHead, placement, seed: run.seed)
            : source.load(parts: .maskedLMHead, placement: placement, head: head, seed: run.seed)
        return (model, MaskedLanguageModeling())
    }

    /// The model with `parts`, those that it lacks drawn afresh, and with all others that it has but
    /// a classifier.
    public func whole(
        with parts: TextModelParts, _ placement: Placement, seed: Seed
    ) throws -> AnyTextModel {
        try source.load(
            parts: parts.union(source.parts.subtracting(.classifier)), placement: placement,
            head: head, seed: seed)
    }

    /// What guessing costs the pre-training loss.
    public func guessing(batchSize: Int) -> Caveat.Guessing {
        .init("mlm", among: source.configuration.vocabularySize)
    }

    /// Batches of all samples.
    public func source(batchSize: Int, seed: Seed) -> SampledSource<TokenBatch> {
        .masked(
            corpus.texts, order: BatchOrder(settings.order, batchSize: batchSize),
            masking: tokenizer.masking, masks: settings.masks, seed: seed)
    }

    /// Batches of at most `limit` samples as they are.
    public func cleanBatches(of size: Int, limit: Int) -> [TokenBatch] {
        let texts = corpus.texts.prefix(limit)
        return stride(from: 0, to: texts.count, by: size).map { start in
            TokenBatch(Array(texts[start..<min(start + size, texts.count)]))
        }
    }

    /// The last states of the first tokens [rows, hidden], float32.
    public func features(
        of model: AnyTextModel, on batch: TokenBatch, in pass: Pass
    ) throws -> Tensor {
        let input = try TokenInput(batch, device: model.store.placement.device)
        return try model.hiddenStates(input, selection: input.firstTokens, in: pass)
            .cast(to: .float32)
    }

    /// Writes a drop-in replacement with what training changed.
    public func write(_ model: AnyTextModel, to destination: URL) throws -> ModelFolder.WriteReport
    {
        try source.write(model.store.trainedState, to: destination)
    }

    /// The same, or the whole model anew where it has parts that the checkpoint had not.
    public func writeExtended(
        _ model: AnyTextModel, to destination: URL
    ) throws -> ModelFolder.WriteReport {
        model.parts.isSubset(of: source.parts)
            ? try write(model, to: destination)
            : try source.writeExtended(model, to: destination)
    }

    /// The places where the model shows neurons.
    public func neurons(of model: AnyTextModel) -> [NeuronSite] { model.neurons }

    /// Texts of like length go together.
    public var readingOrder: [Int] {
        corpus.texts.indices.sorted {
            (corpus.texts[$0].count, $0) < (corpus.texts[$1].count, $1)
        }
    }

    /// Samples of which neurons can be read at once.
    public func readingBatchSize(_ wanted: Int) -> Int { wanted }

    /// Hands `body` what `samples` make of the neurons at every site.
    public func readNeurons(
        of model: AnyTextModel, samples: ArraySlice<Int>, _ body: (NeuronReading) throws -> Void
    ) throws {
        let batch = TokenBatch(samples.map { corpus.texts[$0] })
        try model.readNeurons(
            TokenInput(batch, device: model.store.placement.device), body)
    }

    /// The texts as token ids.
    public var digested: any DigestedSamples { TokenSamples(corpus.texts) }

    /// Writes a drop-in replacement in which rows of parameters are zero.
    public func write(
        zeroing rows: [String: [Int]], to destination: URL
    ) throws -> ModelFolder.WriteReport {
        try source.write(zeroing: rows, to: destination)
    }
}
