import Checkpoints
import DataPipeline
import Files
import Foundation
import ModelZoo
import TextTokenizers
import Torch
import TorchNN
import Training

extension PretrainCommand {
    private var clipPretraining: CLIPPretraining {
        var settings = CLIPPretraining()
        settings.epochs = epochs ?? settings.epochs
        settings.training.epochs = settings.epochs
        settings.training.learningRate = learningRate ?? settings.training.learningRate
        settings.training.schedule = Schedule(
            schedule ?? settings.training.schedule.shape, warmupSteps: warmupSteps)
        settings.training.accumulation = accumulation
        settings.training.optimizer = (optimizer ?? .adamw).clipConfiguration(
            weightDecay: weightDecay)
        settings.training.undecayed = CLIPPretraining.undecayed
        settings.batchSize = batchSize ?? settings.batchSize
        settings.chunkSize = pairOptions.chunkSize
        settings.flips = flips
        if !train.isEmpty { settings.trainable = ParameterPattern(train) }
        settings.precision = compute.precision
        settings.seed = Seed(seed)
        return settings
    }

    /// Pre-trains a CLIP on the images and captions at `url`.
    func pretrain(onPairs url: URL) throws {
        let device = try compute.prepare()
        let claim = try out.claim(reading: inputs, resuming: snapshots.resume)
        defer { claim.release() }
        let destination = try OutputFolder(
            destination: out.output, force: out.force, inputs: claim.inputs)
        if fromScratch {
            try begin(url, clipPretraining, destination, device)
        } else {
            try goOn(url, clipPretraining, destination, device)
        }
    }

    private func begin(
        _ url: URL, _ settings: CLIPPretraining, _ destination: OutputFolder, _ device: Device
    ) throws {
        let isFile = model.pathExtension == "json"
        let file = try JSONFile(
            reading: isFile ? model : model.appendingPathComponent("config.json"))
        let tokenizer = try CLIPTokenizer(
            at: pairOptions.tokenizer ?? file.url.deletingLastPathComponent())
        var configuration = try CLIPConfiguration(file)
        configuration.text.vocabularySize = tokenizer.vocabularySize
        configuration.text.pooling = .firstEnd(Int(tokenizer.endID))
        let vit = try vision.map { try ViTBeginning($0) }
        configuration.vision = vit?.configuration ?? configuration.vision
        let processor =
            vit?.folder.processor
            ?? .clip(side: configuration.vision.imageSize.height)
        let pairs = try pairOptions.read(
            url, images: images, imageOptions, for: configuration, processor, tokenizer,
            seed: settings.seed)
        let fresh = FreshSource(seed: settings.seed.key("parameters"))
        let clip = try CLIP(
            configuration,
            in: ParameterStore(
                source: vit?.source(over: fresh, images: pairs.prepared.images) ?? fresh,
                placement: settings.placement(on: device)))
        try train(clip, pairs, processor, settings, device)
        try CLIPFolder.create(
            clip, processor: processor, tokenizer: tokenizer, at: destination.staging)
        try destination.commitUnproven()
        snapshots.policy(in: out.runFolder).discard()
        Console.standard.writeOutput(out.output)
    }

    private func goOn(
        _ url: URL, _ settings: CLIPPretraining, _ destination: OutputFolder, _ device: Device
    ) throws {
        let folder = try CLIPFolder(model, for: out.examination)
        try folder.checkWritable(settings.trainable)
        let pairs = try pairOptions.read(
            url, images: images, imageOptions, for: folder.configuration, folder.processor,
            folder.tokenizer(from: pairOptions.tokenizer), seed: settings.seed)
        let clip = try folder.load(placement: settings.placement(on: device))
        try train(clip, pairs, folder.processor, settings, device)
        let written = try folder.write(clip.store.trainedState, to: destination.staging)
        try destination.commitUnproven()
        snapshots.policy(in: out.runFolder).discard()
        Console.standard.writeOutput(out.output, written)
    }

    private func train(
        _ clip: CLIP, _ pairs: PairOptions.Reading, _ processor: ImageProcessor,
        _ settings: CLIPPretraining, _ device: Device
    ) throws {
        try UnreadableTexts.check(
            pairs.prepared.captions.unknownShare, tokenizer: pairOptions.tokenizer ?? model)
        let run = try settings.trainer(
            of: clip, pairs: pairs.prepared, normalization: processor.normalization)
        var found = Findings(tell: Console.standard.tell)
        found.add(Caveat.of(pairs.prepared))
        let records = try out.records(
            of: "pretrain", inputs: [model.path, pairs.source.file], settings: settings,
            snapshots: snapshots, device: device)
        let progress = TrainingProgress("pretrain", on: .standard)
        var summary = try run.complete(
            records: records,
            snapshots: snapshots.policy(
                in: out.runFolder, reading: model, pairOptions.sources(images: images)),
            observe: progress.show)
        let choices = fromScratch ? 1 : min(pairs.prepared.count, settings.batchSize)
        found.add(Caveat.of(summary, weight: 0, guessing: .init("contrastive", among: choices)))
        summary.warnings = found.all
        try records.write(
            summary, title: "Pre-training of \(model.path)", output: out.output,
            data: pairs.amounts)
    }
}

/// A ViT as the beginning of a new CLIP's vision tower.
private struct ViTBeginning {
    let folder: ImageModelFolder
    /// The tower that has its sizes.
    let configuration: CLIPVisionConfiguration
    private let vit: ViT

    /// Images over which the spread of the ViT's tokens is measured.
    private static let measured = 64

    init(_ url: URL) throws {
        folder = try ImageModelFolder(url)
        guard case .vit(let sizes) = folder.configuration,
            let vit = try folder.load(head: .none).base as? ViT
        else {
            throw CheckpointError(
                url, "is a \(folder.configuration.title), and a vision tower begins as a ViT",
                advice: "name a ViT with --vision")
        }
        self.vit = vit
        do {
            configuration = try CLIPVisionConfiguration(blocksOf: sizes)
        } catch let error as ViTTowerError {
            throw CheckpointError(url, error.description, advice: "name another with --vision")
        }
    }

    /// The ViT's parameters, and those of `fresh` where it has none.
    func source(
        over fresh: FreshSource, images: PreparedImages
    ) throws -> any ParameterSource {
        let batch = images.batch(Array(0..<min(images.count, Self.measured)))
        return try ViTTowerSource(
            vit, over: fresh, measuredOn: folder.processor.normalization(batch, for: vit))
    }
}
