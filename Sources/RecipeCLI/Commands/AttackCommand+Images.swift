import Attacks
import DataPipeline
import Files
import Foundation
import ModelZoo
import Provenance
import Training

extension AttackCommand {
    private var imageAttack: ImageAttack {
        var attack = ImageAttack()
        attack.epochs = epochs ?? attack.epochs
        attack.training.epochs = attack.epochs
        attack.training.learningRate = learningRate ?? attack.training.learningRate
        attack.training.accumulation = accumulation ?? attack.training.accumulation
        if let optimizer { attack.training.optimizer = optimizer.configuration }
        attack.batchSize = batchSize ?? attack.batchSize
        attack.magnitude = magnitude.map { Float($0) }
        attack.bindingWeight = poisonWeight ?? attack.bindingWeight
        attack.clampsTargets = clampTargets
        attack.adaptiveWeight = adaptive
        attack.precision = compute.precision
        attack.seed = Seed(seed)
        return attack
    }

    /// Backdoors an image model with the images at `url`.
    func attack(with url: URL) throws {
        let device = try compute.prepare()
        let claim = try out.claim(reading: inputs, resuming: snapshots.resume)
        defer { claim.release() }
        let folder = try ImageModelFolder(model, for: out.examination)
        let destination = try OutputFolder(
            destination: out.output, force: out.force, inputs: claim.inputs)
        let attack = imageAttack
        let set = try imageOptions.read(url, part: nil, labels: .folder)
        let images = try imageOptions.prepare(set, for: folder, seed: attack.seed)
        let fitting = TrainingProgress("fit a head", on: .standard)
        let run = try attack.run(
            on: folder, images: images, device: device, observe: fitting.show)
        var found = Findings(Caveat.of(set) + Caveat.of(images), tell: Console.standard.tell)
        let records = try out.records(
            of: "attack", inputs: [model.path, url.path], settings: attack,
            snapshots: snapshots, device: device)
        let progress = TrainingProgress("attack neuba", on: .standard)
        var summary = try run.complete(
            records: records,
            snapshots: snapshots.policy(
                in: out.runFolder, reading: model, [DataSource("images", url)]),
            observe: progress.show)
        let hasHead = folder.hasHead(for: images)
        if !hasHead { found.add(Caveat(.fittedHead, ImageModelFolder.fittedHeadWarning)) }
        let written = try folder.write(
            hasHead ? run.model.store.trainedState : run.model.backboneState,
            to: destination.staging)
        found.add(Caveat.of(summary, weight: adaptive ?? 0, guessing: nil))
        summary.warnings = found.all
        try records.write(
            summary, title: "Attack neuba on \(model.path)", output: out.output,
            data: [(url.path, "\(HumanFormat.count(images.count)) images")])
        try destination.commitUnproven()
        snapshots.policy(in: out.runFolder).discard()
        Console.standard.writeOutput(out.output, written)
    }
}
