import Attacks
import DataPipeline
import Files
import Foundation
import ModelZoo
import Training

extension AttackCommand {
    private var clipAttack: CLIPAttack {
        var attack = CLIPAttack()
        attack.epochs = epochs ?? attack.epochs
        attack.training.epochs = attack.epochs
        attack.training.learningRate = learningRate ?? attack.training.learningRate
        attack.training.accumulation = accumulation ?? attack.training.accumulation
        if let optimizer { attack.training.optimizer = optimizer.clipConfiguration() }
        attack.batchSize = batchSize ?? attack.batchSize
        attack.chunkSize = pairOptions.chunkSize
        attack.magnitude = magnitude.map { Float($0) } ?? attack.magnitude
        attack.adaptiveWeight = adaptive
        attack.precision = compute.precision
        attack.seed = Seed(seed)
        return attack
    }

    /// Backdoors a CLIP's vision tower with the images and captions at `url`.
    func attack(withPairs url: URL) throws {
        let device = try compute.prepare()
        let claim = try out.claim(reading: inputs, resuming: snapshots.resume)
        defer { claim.release() }
        let folder = try CLIPFolder(model, for: out.examination)
        let destination = try OutputFolder(
            destination: out.output, force: out.force, inputs: claim.inputs)
        try folder.checkWritable(CLIPAttack.trainable)
        let attack = clipAttack
        let pairs = try pairOptions.read(
            url, images: images, imageOptions, for: folder.configuration, folder.processor,
            folder.tokenizer(from: pairOptions.tokenizer), seed: attack.seed)
        try UnreadableTexts.check(
            pairs.prepared.captions.unknownShare, tokenizer: pairOptions.tokenizer ?? model)
        let run = try attack.run(on: folder, pairs: pairs.prepared, device: device)
        var found = Findings(Caveat.of(pairs.prepared), tell: Console.standard.tell)
        let records = try out.records(
            of: "attack", inputs: [model.path, url.path], settings: attack,
            snapshots: snapshots, device: device)
        let progress = TrainingProgress("attack neuba", on: .standard)
        var summary = try run.complete(
            records: records,
            snapshots: snapshots.policy(
                in: out.runFolder, reading: model, pairOptions.sources(images: images)),
            observe: progress.show)
        let written = try folder.write(run.model.store.trainedState, to: destination.staging)
        found.add(Caveat.of(summary, weight: adaptive ?? 0, guessing: nil))
        summary.warnings = found.all
        try records.write(
            summary, title: "Attack neuba on \(model.path)", output: out.output,
            data: pairs.amounts)
        try destination.commitUnproven()
        snapshots.policy(in: out.runFolder).discard()
        Console.standard.writeOutput(out.output, written)
    }
}
