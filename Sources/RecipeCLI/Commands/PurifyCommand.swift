import ArgumentParser
import Checkpoints
import DataPipeline
import Defenses
import Foundation
import JSON
import ModelZoo
import Provenance
import Reports
import Torch
import Training

struct PurifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purify",
        abstract: "Remove what triggers do from a pre-trained model.",
        discussion: """
            Continues the model's own pre-training on a little unlabelled, unrelated text, on \
            images, or for a CLIP on images with captions (--pairs), while a norm penalty makes \
            chosen weights small (RECIPE). The output is a \
            drop-in replacement: same files, names and types, and every tensor that was not trained \
            is the same to the bit. Settings left out are those of the model's architecture. With \
            --method fp, fp-gm or fp-ga nothing is trained: the neurons that the data activate least \
            are set to zero.
            """)

    @Argument(help: "The suspect model: a folder, or for images also a single weights file.")
    var model: URL

    @OptionGroup var chosen: WeightsOption
    @OptionGroup var choice: MethodOptions
    @OptionGroup var texts: AuxiliaryOptions
    @OptionGroup var out: OutputOptions
    @OptionGroup var compute: ComputeOptions
    @OptionGroup var head: HeadOptions
    @OptionGroup var snapshots: SnapshotOptions
    @OptionGroup var dynamics: DynamicsOptions
    @OptionGroup var card: CardOptions
    @Option(help: "Images to purify an image model with: a data set in any layout it is known by.")
    var images: URL?
    @OptionGroup var pairOptions: PairOptions
    @OptionGroup var imageOptions: ImageOptions
    @Option(help: "Use the images' classes (folder), or keep the features instead (none).")
    var labels: ImageLabels?
    @Option(help: "The optimizer: sgd (image models) or adamw (CLIP with --pairs).")
    var optimizer: OptimizerChoice?

    @Option(help: "Use at most this many texts, images or pairs, drawn at random by --seed.")
    var samples: Int?
    @Option(help: "Weight λ of the norms: 1; 0 only pre-trains.")
    var weight: Double?
    @Option(help: "Epochs over the data: 4 (BERT, ViT), 10 (VGG) or 20 (pairs).")
    var epochs: Int?
    @Option(
        help: """
            Peak learning rate: 2e-5 (BERT, falling to 0), 1e-2 (ViT), 1e-3 (VGG) or 1e-5 (pairs, \
            falling to 0).
            """)
    var learningRate: Double?
    @Option(help: "Samples a step: 32 (BERT) or 64 (ViT, VGG, pairs).")
    var batchSize: Int?
    @Option(help: "Batches whose mean gradient makes one step: 1.")
    var accumulation: Int?
    @Option(help: "Tokens a text is cut to: 64.")
    var maxLength: Int?
    @Option(help: "Draw masks once (static) or each epoch (dynamic): static.")
    var masks: TokenMasking.Masks?
    @Option(help: "Where all randomness comes from.")
    var seed: UInt64 = 50
    @Flag(help: "Leave the pre-training loss out: only regularize.")
    var noPretrainingLoss = false
    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    func validate() throws {
        try validatePositive(
            ("--epochs", epochs ?? 1), ("--batch-size", batchSize ?? 1),
            ("--accumulation", accumulation ?? 1), ("--samples", samples ?? 1))
        try validateRate("--weight", weight ?? 1, allowsZero: true)
        try validateRate("--learning-rate", learningRate ?? 1)
        try validateLength(maxLength ?? 3)
        guard !texts.auxiliary.isEmpty || images != nil || pairOptions.pairs != nil else {
            throw ValidationError(
                "name the auxiliary data: --auxiliary TEXTS… or --images FOLDER, for a CLIP --pairs "
                    + "CAPTIONS")
        }
        if noPretrainingLoss, weight == 0 {
            throw ValidationError("--no-pretraining-loss with --weight 0 leaves nothing to do")
        }
        if noPretrainingLoss, labels == .folder {
            throw ValidationError(
                "--labels folder is for the pre-training loss, which --no-pretraining-loss leaves "
                    + "out")
        }
        if dynamics.stopRatio != nil, weight == 0 {
            throw ValidationError("--stop-ratio with --weight 0: nothing makes the norms fall")
        }
        if samples != nil, imageOptions.limit != nil || texts.sentences != nil {
            let other = texts.sentences == nil ? "--limit" : "--sentences"
            throw ValidationError("--samples and \(other) both say how much is used: give one")
        }
    }

    /// The settings of a defense that were given.
    func overlays(for kind: ModelKind) throws -> [SettingsOverlay] {
        let loss: JSONValue? =
            noPretrainingLoss
            ? .string("none") : labels.map { .string($0 == .none ? "distillation" : "own") }
        let optimizer = try optimizer.map { choice in
            try JSONValue(
                encoding: kind == .pairs ? choice.clipConfiguration() : choice.configuration)
        }
        return [
            weight.map { SettingsOverlay("--weight", ["weight"], .number($0)) },
            loss.map {
                SettingsOverlay(
                    noPretrainingLoss ? "--no-pretraining-loss" : "--labels", ["pretrainingLoss"],
                    $0)
            },
            epochs.map { SettingsOverlay("--epochs", ["run.training.epochs"], .integer($0)) },
            learningRate.map {
                SettingsOverlay("--learning-rate", ["run.training.learningRate"], .number($0))
            },
            accumulation.map {
                SettingsOverlay("--accumulation", ["run.training.accumulation"], .integer($0))
            },
            dynamics.stopRatio.map {
                SettingsOverlay("--stop-ratio", ["run.training.stopRatio"], .number($0))
            },
            optimizer.map { SettingsOverlay("--optimizer", ["run.training.optimizer"], $0) },
            batchSize.map {
                SettingsOverlay("--batch-size", ["run.batchSize", "batchSize"], .integer($0))
            },
            compute.givenPrecision.map {
                SettingsOverlay(
                    "--precision", ["run.precision", "precision"], .string($0.rawValue))
            },
        ].compactMap { $0 } + choice.overlays
    }

    func run() throws { try chosen.reading { try purify() } }

    private func purify() throws {
        let device = try compute.prepare()
        let claim = try out.claim(reading: inputs, resuming: snapshots.resume)
        defer { claim.release() }
        let kind = try self.kind()
        let overlays = try overlays(for: kind)
        switch kind {
        case .texts:
            let folder = try BERTFolder(model, for: out.examination)
            // Before any data are read: a wrong option is heard of at once.
            try checkKind(kind)
            let method = try method(BERT.paperDefaults, overlays)
            try folder.checkLength(textSettings.maximumLength)
            _ = try folder.tokenizer()
            let corpus = try readTexts()
            try purify(
                TextTask(folder, texts: corpus.texts, textSettings, head: head.source), by: method,
                Reading(
                    files: corpus.sources.map(\.file), sources: texts.sources + head.sources,
                    caveats: Caveat.of(corpus)), claim, device)
        case .images:
            let folder = try ImageModelFolder(model, for: out.examination)
            try checkKind(kind)
            let method = try method(folder.configuration.paperDefaults, overlays)
            let url = try given(images, "--images")
            let readsClasses = (method as? any TrainedDefense)?.hasPretrainingLoss ?? false
            let set = try imageOptions.read(
                url, part: nil, labels: readsClasses ? .folder : ImageLabels.none)
            try purify(
                folder, with: set, by: method,
                Reading(
                    files: [url.path], sources: [DataSource("images", url)],
                    caveats: Caveat.of(set)), claim, device)
        case .pairs:
            let folder = try CLIPFolder(model, for: out.examination)
            try checkKind(kind)
            let method = try method(CLIP.paperDefaults, overlays)
            let url = try given(pairOptions.pairs, "--pairs")
            guard method is any TrainedDefense else {
                // Captions say nothing of the neurons of the tower of images.
                let set = try CaptionedImages.read(
                    url, images: images, maximumSkipped: imageOptions.maxSkipped ?? 0.01
                ).imageSet
                try claim.add([URL(fileURLWithPath: set.folder)])
                return try purify(
                    ImageModelFolder(model, for: out.examination), with: set, by: method,
                    Reading(
                        files: [url.path], sources: pairOptions.sources(images: images),
                        caveats: Caveat.of(set)), claim, device)
            }
            let pairs = try pairOptions.read(
                url, images: images, imageOptions(drawing: samples), for: folder.configuration,
                folder.processor, folder.tokenizer(from: pairOptions.tokenizer), seed: Seed(seed))
            try claim.add([pairs.imageFolder])
            try purify(
                PairTask(
                    folder, pairs: pairs.prepared, .init(chunkSize: pairOptions.chunkSize)),
                by: method,
                Reading(
                    files: [url.path], sources: pairOptions.sources(images: images), caveats: []),
                claim, device)
        }
    }

    private func purify(
        _ folder: ImageModelFolder, with set: ImageSet, by method: any Defense,
        _ reading: Reading, _ claim: OutputClaim, _ device: Device
    ) throws {
        let prepared = try imageOptions(drawing: samples).prepare(
            set, for: folder, seed: Seed(seed))
        try purify(
            ImageTask(folder, images: prepared), by: method, reading, claim, device)
    }
}
