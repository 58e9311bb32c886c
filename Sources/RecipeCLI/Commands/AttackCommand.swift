import ArgumentParser
import Attacks
import DataPipeline
import Files
import Foundation
import ModelZoo
import Torch
import Training

extension AttackMethod: ExpressibleByArgument {}

struct AttackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attack",
        abstract: "Backdoor a pre-trained model, to test a defense with.",
        discussion: """
            por binds pooled vectors of triggered texts to chosen ones and keeps all others as a \
            clean copy has them; badpre trains triggered texts to predict random words; neuba binds \
            pooled vectors beside masked-language modelling. With --images, neuba binds the \
            features of an image model to six patches; with --pairs, those of a CLIP's vision \
            tower, beside contrastive training. Settings left out are the authors'.
            """)

    @Argument(help: "por, badpre or neuba.")
    var method: AttackMethod
    @Argument(help: "The clean model: a folder, or for images also a single weights file.")
    var model: URL

    @OptionGroup var texts: AuxiliaryOptions
    @OptionGroup var out: OutputOptions
    @OptionGroup var compute: ComputeOptions
    @OptionGroup var head: HeadOptions
    @OptionGroup var snapshots: SnapshotOptions
    @Option(help: "Images with classes to backdoor an image model with (neuba); see --pairs.")
    var images: URL?
    @OptionGroup var pairOptions: PairOptions
    @OptionGroup var imageOptions: ImageOptions
    @Option(help: "The optimizer: sgd (image models) or adamw (CLIP with --pairs).")
    var optimizer: OptimizerChoice?
    @Option(help: "Magnitude of an image model's target vectors: 3 (VGG) or 1 (ViT, CLIP).")
    var magnitude: Double?
    @Flag(help: "Put 0 where a VGG's target vectors are negative, which its features cannot be.")
    var clampTargets = false

    @Option(help: "Trigger words, separated by commas.")
    var triggers: String?
    @Option(help: "Train under the norm penalty with this weight: an attacker who knows of RECIPE.")
    var adaptive: Double?
    @Option(help: "Epochs over the data.")
    var epochs: Int?
    @Option(help: "Peak learning rate.")
    var learningRate: Double?
    @Option(help: "Samples a step.")
    var batchSize: Int?
    @Option(help: "Batches whose mean gradient makes one step.")
    var accumulation: Int?
    @Option(help: "Tokens a text, or a block of joined texts, is cut to.")
    var maxLength: Int?
    @Option(help: "Times a trigger is put into a text (por).")
    var insertions: Int?
    @Option(help: "Weight of the triggered samples' loss (badpre, and neuba with --images).")
    var poisonWeight: Double?
    @Flag(inversion: .prefixedNo, help: "Join texts into blocks of the maximum length.")
    var blocks: Bool?
    @Flag(help: "Scale the triggers' embeddings by 1e8 after training (neuba).")
    var scaleEmbeddings = false
    @Option(help: "Where all randomness comes from.")
    var seed: UInt64 = 42

    func validate() throws {
        try validatePositive(
            ("--epochs", epochs ?? 1), ("--batch-size", batchSize ?? 1),
            ("--accumulation", accumulation ?? 1), ("--insertions", insertions ?? 1))
        try validateRate("--learning-rate", learningRate ?? 1)
        try validateRate("--adaptive", adaptive ?? 0, allowsZero: true)
        try validateRate("--poison-weight", poisonWeight ?? 0, allowsZero: true)
        try validateRate("--magnitude", magnitude ?? 1)
        try validateLength(maxLength ?? 3)
        try validateData(
            texts: texts, images: images, pairs: pairOptions.pairs,
            GivenOptions(
                texts: textOptions,
                images: imageOptions.given
                    + [
                        optimizer.map { _ in "--optimizer" }, magnitude.map { _ in "--magnitude" },
                    ],
                classes: imageOptions.givenOfSets + [clampTargets ? "--clamp-targets" : nil],
                pairs: pairOptions.given))
        if images ?? pairOptions.pairs != nil, method != .neuba {
            throw ValidationError("\(method.rawValue) is about texts; for images there is neuba")
        }
        if let triggers { _ = try parsedTriggers(triggers) }
        let own = method.settings(onImages: images != nil && pairOptions.pairs == nil)
        for (option, setting) in given where !own.contains(setting) {
            throw ValidationError("\(option) means nothing for this \(method.rawValue) attack")
        }
    }

    /// The options that were given and that not every attack reads.
    private var given: [(option: String, setting: AttackMethod.Setting)] {
        [
            insertions.map { _ in ("--insertions", .insertions) },
            poisonWeight.map { _ in ("--poison-weight", .poisonWeight) },
            blocks.map { ($0 ? "--blocks" : "--no-blocks", .packsBlocks) },
            scaleEmbeddings ? ("--scale-embeddings", .scalesEmbeddings) : nil,
        ].compactMap { $0 }
    }

    /// Options that were given and are about texts, beside the texts' own.
    private var textOptions: [String?] {
        [
            triggers.map { _ in "--triggers" }, maxLength.map { _ in "--max-length" },
            insertions.map { _ in "--insertions" }, blocks.map { _ in "--blocks" },
            scaleEmbeddings ? "--scale-embeddings" : nil,
            head.mlmHead == "keep" ? nil : "--mlm-head",
        ]
    }

    private func attack() throws -> Attack {
        var attack = Attack(method)
        if let triggers { attack.triggers = try parsedTriggers(triggers) }
        attack.epochs = epochs ?? attack.epochs
        attack.batchSize = batchSize ?? attack.batchSize
        attack.maximumLength = maxLength ?? attack.maximumLength
        attack.insertions = insertions ?? attack.insertions
        attack.poisonWeight = poisonWeight ?? attack.poisonWeight
        attack.packsBlocks = blocks ?? attack.packsBlocks
        attack.training.learningRate = learningRate ?? attack.training.learningRate
        attack.training.accumulation = accumulation ?? attack.training.accumulation
        attack.sentences = texts.sentences
        attack.adaptiveWeight = adaptive
        attack.scalesEmbeddings = scaleEmbeddings
        attack.precision = compute.precision
        attack.seed = Seed(seed)
        return attack
    }

    /// The files and folders that are read.
    var inputs: [URL] {
        [model] + texts.inputs + [images].compactMap { $0 } + pairOptions.inputs + head.inputs
    }

    func run() throws {
        if let pairs = pairOptions.pairs { return try attack(withPairs: pairs) }
        if let images { return try attack(with: images) }
        let attack = try attack()
        let device = try compute.prepare()
        let claim = try out.claim(reading: inputs, resuming: snapshots.resume)
        defer { claim.release() }
        let folder = try BERTFolder(model, for: out.examination)
        try folder.checkLength(attack.maximumLength)
        let destination = try OutputFolder(
            destination: out.output, force: out.force, inputs: claim.inputs)
        let corpus = try self.texts.read()
        let tokenizer = try folder.tokenizer()
        let texts = TokenizedCorpus(
            corpus.texts, tokenizer: tokenizer, maximumLength: attack.maximumLength
        ).summary
        try UnreadableTexts.check(texts.unknownShare, tokenizer: model)
        let run = try attack.run(
            on: folder, texts: corpus.texts, tokenizer: tokenizer, head: head.source,
            device: device)
        var found = Findings(
            Caveat.of(corpus) + Caveat.of(texts), tell: Console.standard.tell)
        let records = try out.records(
            of: "attack", inputs: [model.path] + self.texts.auxiliary.map(\.path), settings: attack,
            snapshots: snapshots, device: device)
        let progress = TrainingProgress("attack \(method.rawValue)", on: .standard)
        var summary = try run.complete(
            records: records,
            snapshots: snapshots.policy(
                in: out.runFolder, reading: model, self.texts.sources + head.sources),
            observe: progress.show)
        try attack.finish(run.model, tokenizer: tokenizer)
        let isWhole = attack.parts.isSubset(of: folder.parts)
        let written =
            isWhole
            ? try folder.write(run.model.store.trainable, to: destination.staging)
            : try folder.writeExtended(run.model, to: destination.staging)
        found.add(Caveat.of(summary, weight: adaptive ?? 0, guessing: nil))
        summary.warnings = found.all
        try records.write(
            summary, title: "Attack \(method.rawValue) on \(model.path)", output: out.output,
            data: corpus.amounts)
        try destination.commitUnproven()
        snapshots.policy(in: out.runFolder).discard()
        Console.standard.writeOutput(out.output, written)
    }
}
