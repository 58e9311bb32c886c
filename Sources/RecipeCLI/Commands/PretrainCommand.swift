import ArgumentParser
import Checkpoints
import DataPipeline
import Files
import Foundation
import ModelZoo
import TextTokenizers
import Torch
import TorchNN
import Training

extension Schedule.Shape: ExpressibleByArgument {}

struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Continue a model's pre-training, or begin it.",
        discussion: """
            Masked-language modelling over texts, with --images classification of images, or with \
            --pairs contrastive training of a CLIP on images and captions. With a model folder, training goes on from its weights, with no regularizer. With \
            --from-scratch, the argument is a config.json (or a folder with one) and training \
            begins from nothing; a vocabulary comes from --tokenizer, from the config's folder, \
            or, but for a CLIP, is made from the texts.
            """)

    @Argument(help: "The model's folder; with --from-scratch, a config.json or its folder.")
    var model: URL

    @Flag(help: "Begin from nothing but a configuration.")
    var fromScratch = false
    @Option(
        help: """
            Begin a new CLIP's vision tower as this ViT, whose sizes it then has and which says how \
            images are prepared.
            """)
    var vision: URL?

    @OptionGroup var texts: AuxiliaryOptions
    @OptionGroup var out: OutputOptions
    @OptionGroup var compute: ComputeOptions
    @OptionGroup var head: HeadOptions
    @OptionGroup var snapshots: SnapshotOptions
    @Option(help: "Images with classes to train an image model on.")
    var images: URL?
    @OptionGroup var pairOptions: PairOptions
    @OptionGroup var imageOptions: ImageOptions
    @Option(help: "The optimizer: sgd (image models) or adamw (CLIP with --pairs).")
    var optimizer: OptimizerChoice?
    @Flag(help: "Mirror half of the images, drawn anew each epoch.")
    var flips = false

    @Option(help: "Epochs over the data: 1 (texts), 50 (images) or 10 (pairs).")
    var epochs: Int?
    @Option(help: "Peak learning rate: 5e-5 (texts), 1e-2 (images) or 1e-5 (pairs).")
    var learningRate: Double?
    @Option(help: "How the rate moves: linear (texts, pairs), constant (images) or cosine.")
    var schedule: Schedule.Shape?
    @Option(help: "Steps over which the rate first climbs.")
    var warmupSteps = 0
    @Option(help: "Decoupled weight decay.")
    var weightDecay = 0.0
    @Option(help: "Samples a step: 32 texts, 512 images or 64 pairs.")
    var batchSize: Int?
    @Option(help: "Batches whose mean gradient makes one step.")
    var accumulation = 1
    @Option(help: "Tokens a text is cut to: 128.")
    var maxLength: Int?
    @Option(help: "Draw masks once (static) or each epoch (dynamic): dynamic.")
    var masks: TokenMasking.Masks?
    @Option(
        parsing: .upToNextOption,
        help: "Train only parameters that match, as in 'cls.predictions.**'.")
    var train: [String] = []
    @Option(help: "Where all randomness comes from.")
    var seed: UInt64 = 50

    func validate() throws {
        try validatePositive(
            ("--epochs", epochs ?? 1), ("--batch-size", batchSize ?? 1),
            ("--accumulation", accumulation))
        try validateRate("--learning-rate", learningRate ?? 1)
        try validateRate("--weight-decay", weightDecay, allowsZero: true)
        try validateLength(maxLength ?? 3)
        try validateData(
            texts: texts, images: images, pairs: pairOptions.pairs, givenOptions)
        try validateCount("--warmup-steps", warmupSteps)
        if pairOptions.tokenizer != nil, !fromScratch, pairOptions.pairs == nil {
            throw ValidationError("--tokenizer goes with --from-scratch or --pairs")
        }
        if vision != nil, !fromScratch || pairOptions.pairs == nil {
            throw ValidationError("--vision goes with --from-scratch and --pairs")
        }
    }

    private var givenOptions: GivenOptions {
        let training = train.isEmpty ? nil : "--train"
        let tokenizer = pairOptions.tokenizer.map { _ in "--tokenizer" }
        // Pairs have both of them too.
        let shared = pairOptions.pairs == nil ? [training, tokenizer] : []
        return GivenOptions(
            texts: [
                maxLength.map { _ in "--max-length" }, masks.map { _ in "--masks" },
                head.mlmHead == "keep" ? nil : "--mlm-head",
            ] + shared,
            images: imageOptions.given
                + [optimizer.map { _ in "--optimizer" }, flips ? "--flips" : nil],
            classes: imageOptions.givenOfSets,
            pairs: pairOptions.given.filter { $0 != "--tokenizer" })
    }

    private var settings: Pretraining {
        var settings = Pretraining()
        settings.epochs = epochs ?? settings.epochs
        settings.learningRate = learningRate ?? settings.learningRate
        settings.schedule = Schedule(schedule ?? .linear, warmupSteps: warmupSteps)
        settings.weightDecay = weightDecay
        settings.batchSize = batchSize ?? settings.batchSize
        settings.accumulation = accumulation
        settings.maximumLength = maxLength ?? settings.maximumLength
        settings.masks = masks ?? settings.masks
        if !train.isEmpty { settings.trainable = ParameterPattern(train) }
        settings.precision = compute.precision
        settings.seed = Seed(seed)
        return settings
    }

    /// The files and folders that are read.
    var inputs: [URL] {
        [model] + texts.inputs + [images, vision].compactMap { $0 } + pairOptions.inputs
            + head.inputs
    }

    func run() throws {
        if let pairs = pairOptions.pairs { return try pretrain(onPairs: pairs) }
        if let images { return try pretrain(on: images) }
        let device = try compute.prepare()
        let claim = try out.claim(reading: inputs, resuming: snapshots.resume)
        defer { claim.release() }
        let destination = try OutputFolder(
            destination: out.output, force: out.force, inputs: claim.inputs)
        let corpus = try texts.read()
        if fromScratch {
            try begin(corpus, destination, device)
        } else {
            try goOn(corpus, destination, device)
        }
    }

    private func goOn(_ corpus: TextCorpus, _ destination: OutputFolder, _ device: Device) throws {
        let folder = try BERTFolder(model, for: out.examination)
        try folder.checkLength(settings.maximumLength)
        let tokenizer = try folder.tokenizer()
        let bert = try folder.load(
            parts: folder.parts.union(.maskedLMHead).subtracting(.classifier),
            placement: settings.placement(on: device), head: head.source, seed: Seed(seed))
        try train(bert, tokenizer, corpus, device)
        let isWhole = folder.parts.contains(.maskedLMHead)
        let written =
            isWhole
            ? try folder.write(bert.store.trainable, to: destination.staging)
            : try folder.writeExtended(bert, to: destination.staging)
        try destination.commitUnproven()
        snapshots.policy(in: out.runFolder).discard()
        Console.standard.writeOutput(out.output, written)
    }

    private func begin(_ corpus: TextCorpus, _ destination: OutputFolder, _ device: Device) throws {
        let isFile = model.pathExtension == "json"
        let file = isFile ? model : model.appendingPathComponent("config.json")
        var configuration = try JSONFile(reading: file)
        let tokenizer = try vocabulary(
            corpus, configuration, near: file.deletingLastPathComponent())
        configuration.fields["vocab_size"] = .integer(tokenizer.vocabularySize)
        configuration.fields["pad_token_id"] = .integer(Int(tokenizer.paddingID))
        configuration.fields["architectures"] = .array([.string("BertForMaskedLM")])
        configuration.fields["model_type"] = .string("bert")
        let sizes = try BERTConfiguration(configuration)
        guard settings.maximumLength <= sizes.maximumPositions else {
            throw ValidationError(
                "--max-length \(settings.maximumLength): the configuration has "
                    + "\(sizes.maximumPositions) positions")
        }
        let bert = try BERT(
            sizes, parts: [.pooler, .maskedLMHead],
            in: ParameterStore(
                source: FreshSource(seed: Seed(seed).key("parameters")),
                placement: settings.placement(on: device)))
        try train(bert, tokenizer, corpus, device)
        try ModelFolder.create(
            bert.store.parameters, configuration: configuration, at: destination.staging)
        try tokenizer.save(to: destination.staging)
        try destination.commitUnproven()
        snapshots.policy(in: out.runFolder).discard()
        Console.standard.write(out.output.path)
    }

    /// The vocabulary named, the one beside the configuration, or one made from the texts.
    private func vocabulary(
        _ corpus: TextCorpus, _ configuration: JSONFile, near folder: URL
    ) throws -> WordPieceTokenizer {
        if let tokenizer = pairOptions.tokenizer {
            return try WordPieceTokenizer(folder: tokenizer)
        }
        let manager = FileManager.default
        let hasOne = ["tokenizer.json", "vocab.txt"].contains {
            manager.fileExists(atPath: folder.appendingPathComponent($0).path)
        }
        if hasOne { return try WordPieceTokenizer(folder: folder) }
        return try WordPieceTokenizer(
            vocabulary: WordPieceTokenizer.trainVocabulary(
                from: corpus.texts, size: configuration.integer("vocab_size", minimum: 100)))
    }

    private func train(
        _ bert: BERT, _ tokenizer: WordPieceTokenizer, _ corpus: TextCorpus, _ device: Device
    ) throws {
        let tokenized = TokenizedCorpus(
            corpus.texts, tokenizer: tokenizer, maximumLength: settings.maximumLength)
        try UnreadableTexts.check(
            tokenized.summary.unknownShare, tokenizer: pairOptions.tokenizer ?? model)
        let trainer = try settings.trainer(of: bert, texts: tokenized.texts, tokenizer: tokenizer)
        var found = Findings(tell: Console.standard.tell)
        found.add(Caveat.of(corpus) + Caveat.of(tokenized.summary))
        found.add(
            Caveat.ofTokenizer(
                tokenizer.vocabularySize, rows: bert.configuration.vocabularySize))
        let records = try out.records(
            of: "pretrain", inputs: [model.path] + texts.auxiliary.map(\.path), settings: settings,
            snapshots: snapshots, device: device)
        let progress = TrainingProgress("pretrain", on: .standard)
        var summary = try trainer.complete(
            records: records,
            snapshots: snapshots.policy(
                in: out.runFolder, reading: model,
                texts.sources + pairOptions.sources(images: nil)),
            observe: progress.show)
        // A model that begins from nothing is meant to begin where guessing is.
        let choices = fromScratch ? 1 : bert.configuration.vocabularySize
        found.add(Caveat.of(summary, weight: 0, guessing: .init("mlm", among: choices)))
        summary.warnings = found.all
        try records.write(
            summary, title: "Pre-training of \(model.path)", output: out.output,
            data: corpus.amounts)
    }
}
