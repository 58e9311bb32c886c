import ArgumentParser
import Checkpoints
import DataPipeline
import Files
import Foundation
import ModelZoo
import Provenance
import Torch
import TorchNN
import Training

extension PretrainCommand {
    private var imagePretraining: ImagePretraining {
        var settings = ImagePretraining()
        settings.epochs = epochs ?? settings.epochs
        settings.training.epochs = settings.epochs
        settings.training.learningRate = learningRate ?? settings.training.learningRate
        settings.training.schedule = Schedule(
            schedule ?? settings.training.schedule.shape, warmupSteps: warmupSteps)
        settings.training.accumulation = accumulation
        switch optimizer ?? .sgd {
        case .sgd: settings.training.optimizer = .sgd(weightDecay: weightDecay)
        case .adamw: settings.training.optimizer = .adamW(weightDecay: weightDecay)
        }
        settings.training.undecayed = ParameterPattern(
            ["**.bias", "**.layernorm*.weight", "**.cls_token", "**.position_embeddings"])
        settings.batchSize = batchSize ?? settings.batchSize
        settings.flips = flips
        settings.precision = compute.precision
        settings.seed = Seed(seed)
        return settings
    }

    /// Pre-trains an image model on the images at `url`.
    func pretrain(on url: URL) throws {
        let device = try compute.prepare()
        let claim = try out.claim(reading: inputs, resuming: snapshots.resume)
        defer { claim.release() }
        let destination = try OutputFolder(
            destination: out.output, force: out.force, inputs: claim.inputs)
        let settings = imagePretraining
        let set = try imageOptions.read(url, part: nil, labels: .folder)
        if fromScratch {
            try begin(set, settings, destination, device)
        } else {
            try goOn(set, settings, destination, device)
        }
    }

    private func begin(
        _ set: ImageSet, _ settings: ImagePretraining, _ destination: OutputFolder,
        _ device: Device
    ) throws {
        let isFile = model.pathExtension == "json"
        let file = try JSONFile(
            reading: isFile ? model : model.appendingPathComponent("config.json"))
        let configuration = try ImageConfiguration(file).withHead(labels: set.classNames.count)
        let processor = ImageProcessor(resize: .exactly(configuration.imageSize))
        let images = try imageOptions.prepare(
            set, imageOptions.preparation(for: configuration, processor), seed: settings.seed)
        let model = try configuration.model(
            in: ParameterStore(
                source: FreshSource(seed: settings.seed.key("parameters")),
                placement: settings.placement(on: device)))
        try train(model, images, processor, settings, Caveat.of(set), device)
        try ImageModelFolder.create(
            model, processor: processor, labels: set.classNames, at: destination.staging)
        try destination.commitUnproven()
        snapshots.policy(in: out.runFolder).discard()
        Console.standard.writeOutput(out.output)
    }

    private func goOn(
        _ set: ImageSet, _ settings: ImagePretraining, _ destination: OutputFolder,
        _ device: Device
    ) throws {
        let folder = try ImageModelFolder(model, for: out.examination)
        let images = try imageOptions.prepare(set, for: folder, seed: settings.seed)
        let fitting = TrainingProgress("fit a head", on: .standard)
        let model = try folder.loadForTraining(
            images: images, fitting: HeadFitting(), precision: settings.precision,
            seed: settings.seed, device: device, observe: fitting.show)
        let hasHead = folder.hasHead(for: images)
        let fitted = hasHead ? [] : [Caveat(.fittedHead, ImageModelFolder.fittedHeadWarning)]
        try train(model, images, folder.processor, settings, Caveat.of(set) + fitted, device)
        let written = try folder.write(
            hasHead ? model.store.trainedState : model.backboneState,
            to: destination.staging)
        try destination.commitUnproven()
        snapshots.policy(in: out.runFolder).discard()
        Console.standard.writeOutput(out.output, written)
    }

    private func train(
        _ model: AnyImageModel, _ images: PreparedImages, _ processor: ImageProcessor,
        _ settings: ImagePretraining, _ caveats: [Caveat], _ device: Device
    ) throws {
        let run = try settings.trainer(
            of: model, images: images, normalization: processor.normalization)
        var found = Findings(tell: Console.standard.tell)
        found.add(caveats + Caveat.of(images))
        let records = try out.records(
            of: "pretrain", inputs: [self.model.path] + [images.name], settings: settings,
            snapshots: snapshots, device: device)
        let progress = TrainingProgress("pretrain", on: .standard)
        var summary = try run.complete(
            records: records,
            snapshots: snapshots.policy(
                in: out.runFolder, reading: self.model,
                self.images.map { [DataSource("images", $0)] } ?? []),
            observe: progress.show)
        let choices = fromScratch ? 1 : images.classNames.count
        found.add(
            Caveat.of(summary, weight: 0, guessing: .init("classification", among: choices)))
        summary.warnings = found.all
        try records.write(
            summary, title: "Pre-training of \(self.model.path)", output: out.output,
            data: [(images.name, "\(HumanFormat.count(images.count)) images")])
    }
}
