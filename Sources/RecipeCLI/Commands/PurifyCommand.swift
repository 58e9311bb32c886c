import ArgumentParser
import Checkpoints
import DataPipeline
import Defenses
import Experiments
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

            Without options — \(SettingDefaults.purification).
            """)

    @Argument(help: "The suspect model: a folder, or for images also a single weights file.")
    var model: URL

    @OptionGroup var chosen: WeightsOption
    @OptionGroup var choice: MethodOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var out: OutputOptions
    @OptionGroup var compute: ComputeOptions
    @OptionGroup var snapshots: SnapshotOptions
    @OptionGroup var dynamics: DynamicsOptions
    @OptionGroup var card: CardOptions
    @OptionGroup var training: TrainingOptions
    @OptionGroup var settings: SettingOptions
    @Option(help: "Use the images' classes (folder), or keep the features instead (none).")
    var labels: ImageLabels?
    @Option(help: "Use at most this many texts, images or pairs, drawn at random by --seed.")
    var samples: Int?
    @Option(help: "Weight λ of the norms: 1; 0 only pre-trains.")
    var weight: Double?
    @Option(help: "Draw masks once (static) or each epoch (dynamic): static.")
    var masks: TokenMasking.Masks?
    @Option(help: "Where all randomness comes from.")
    var seed: UInt64 = 50
    @Flag(help: "Leave the pre-training loss out: only regularize.")
    var noPretrainingLoss = false
    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    func validate() throws {
        try data.validateNamed()
        try validatePositive(("--samples", samples ?? 1))
        try validateRate("--weight", weight ?? 1, allowsZero: true)
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
        if samples != nil, data.imageOptions.limit != nil || data.texts.sentences != nil {
            let other = data.texts.sentences == nil ? "--limit" : "--sentences"
            throw ValidationError("--samples and \(other) both say how much is used: give one")
        }
    }

    /// The settings of a defense and its samples that were given.
    func overlays(for kind: ModelKind) throws -> [SettingsOverlay] {
        let loss: JSONValue? =
            noPretrainingLoss
            ? .string("none") : labels.map { .string($0 == .none ? "distillation" : "own") }
        let own: [SettingsOverlay?] = [
            weight.map { SettingsOverlay("--weight", ["weight"], .number($0)) },
            loss.map {
                SettingsOverlay(
                    noPretrainingLoss ? "--no-pretraining-loss" : "--labels", ["pretrainingLoss"],
                    $0)
            },
            dynamics.stopRatio.map {
                SettingsOverlay("--stop-ratio", ["run.training.stopRatio"], .number($0))
            },
            masks.map { SettingsOverlay("--masks", ["masks"], .string($0.rawValue)) },
        ]
        return try own.compactMap { $0 } + training.overlays(for: kind) + compute.overlays
            + data.pairOptions.overlays + choice.overlays() + settings.overlays
    }

    /// The files and folders that are read.
    var inputs: [URL] { [model] + data.inputs + [choice.suspects].compactMap { $0 } }

    func run() throws {
        switch try data.kind(of: model) {
        case .texts: try purify(TextTask.self, TextTask.Settings())
        case .images: try purify(ImageTask.self, ImageTask.Settings())
        case .pairs: try purify(PairTask.self, PairTask.Settings())
        }
    }

    private func purify<Task: PretrainingTask>(
        _: Task.Type, _ samples: Task.Settings
    ) throws {
        let runner = WorkRunner(place: out.place(snapshots), format: format)
        let device = try compute.prepare()
        try runner.session(reading: inputs, weights: chosen.weights, device) { session in
            let source = try Task.Source.opened(at: model, for: out.examination)
            // Before any data are read: a wrong option is heard of at once.
            try data.check(Task.kind, of: model)
            let (method, samples) = try settings(source.defaults, samples, Task.kind)
            let readsClasses = (method as? any TrainedDefense)?.hasPretrainingLoss ?? false
            let wanted = try data.data(
                for: Task.kind, of: model, samples: self.samples, seed: seed,
                labels: readsClasses ? .folder : .none)
            if Task.kind == .pairs, !(method is any TrainedDefense) {
                // Captions say nothing of the neurons of the tower of images.
                let tower = try ImageModelFolder(model, for: out.examination)
                return try purify(
                    ImageTask.self, tower, ImageTask.Settings(), wanted, by: method, runner, session
                )
            }
            try purify(Task.self, source, samples, wanted, by: method, runner, session)
        }
    }

    private func purify<Task: PretrainingTask>(
        _: Task.Type, _ source: Task.Source, _ samples: Task.Settings, _ data: AuxiliaryData,
        by method: some Defense, _ runner: WorkRunner, _ session: WorkRunner.Session
    ) throws {
        var files = out.files(snapshots)
        (files.weights, files.keepEpochs) = (chosen.weights, dynamics.keepEpochs)
        (files.baseModel, files.editsCard) = (card.baseModel, !card.noCard)
        files.attests = card.attest
        let work = Work(
            .purify, method.name, method, samples: samples, model: model.path, data: data,
            output: out.output.path, files: files, session.device)
        try runner.purify(Task.self, work, source, in: session)
    }
}
