import ArgumentParser
import DataPipeline
import Experiments
import Files
import Foundation
import JSON
import ModelZoo
import Provenance
import Randomness
import TorchNN
import Training

extension Schedule.Shape: ExpressibleByArgument {}

struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Continue a model's pre-training, or begin it.",
        discussion: """
            Masked-language modelling over texts, with --images classification of images, or with \
            --pairs contrastive training of a CLIP on images and captions. With a model folder, \
            training goes on from its weights, with no regularizer. With --from-scratch, the argument is a config.json (or a folder with one) and training \
            begins from nothing; a vocabulary comes from --tokenizer, from the config's folder, \
            or, but for a CLIP, is made from the texts.

            Without options — \(SettingDefaults.pretraining).
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

    @OptionGroup var data: DataOptions
    @OptionGroup var out: OutputOptions
    @OptionGroup var compute: ComputeOptions
    @OptionGroup var snapshots: SnapshotOptions
    @OptionGroup var training: TrainingOptions
    @OptionGroup var settings: SettingOptions
    @Flag(help: "Mirror half of the images, drawn anew each epoch.")
    var flips = false
    @Option(help: "How the rate moves: linear (texts, pairs), constant (images) or cosine.")
    var schedule: Schedule.Shape?
    @Option(help: "Steps over which the rate first climbs.")
    var warmupSteps: Int?
    @Option(help: "Decoupled weight decay.")
    var weightDecay: Double?
    @Option(help: "Draw masks once (static) or each epoch (dynamic): dynamic.")
    var masks: TokenMasking.Masks?
    @Option(
        parsing: .upToNextOption,
        help: "Train only parameters that match, as in 'cls.predictions.**'.")
    var train: [String] = []
    @Option(help: "Where all randomness comes from.")
    var seed: UInt64 = 50

    func validate() throws {
        try data.validateNamed()
        try validateRate("--weight-decay", weightDecay ?? 0, allowsZero: true)
        try validateCount("--warmup-steps", warmupSteps ?? 0)
        if vision != nil, !fromScratch || data.pairOptions.pairs == nil {
            throw ValidationError("--vision goes with --from-scratch and --pairs")
        }
    }

    /// The settings that were given.
    private func overlays(for kind: ModelKind) throws -> [SettingsOverlay] {
        let own: [SettingsOverlay?] = [
            flips ? SettingsOverlay("--flips", ["flips"], .bool(true)) : nil,
            schedule.map {
                SettingsOverlay(
                    "--schedule", ["run.training.schedule.shape"], .string($0.rawValue))
            },
            warmupSteps.map {
                SettingsOverlay(
                    "--warmup-steps", ["run.training.schedule.warmupSteps"], .integer($0))
            },
            masks.map { SettingsOverlay("--masks", ["masks"], .string($0.rawValue)) },
            train.isEmpty
                ? nil
                : SettingsOverlay(
                    "--train", ["trained"], try JSONValue(encoding: ParameterPattern(train))),
        ]
        return try own.compactMap { $0 } + training.overlays(for: kind) + compute.overlays
            + data.pairOptions.overlays + settings.overlays
    }

    /// The files and folders that are read.
    var inputs: [URL] { [model] + data.inputs + [vision].compactMap { $0 } }

    func run() throws {
        switch try data.kind(of: model) {
        case .texts: try run(TextTask.self)
        case .images: try run(ImageTask.self)
        case .pairs: try run(PairTask.self)
        }
    }

    private func run<Task: PretrainingTask>(_: Task.Type) throws {
        let runner = WorkRunner(place: out.place(snapshots), format: .text)
        let device = try compute.prepare()
        try runner.session(reading: inputs, weights: nil, device) { session in
            let source =
                try fromScratch ? nil : Task.Source.opened(at: model, for: out.examination)
            try data.check(Task.kind, of: model, begins: fromScratch)
            let (pretraining, samples) = try settings(Task.self)
            let work = Work(
                .pretrain, "pretrain", pretraining, samples: samples,
                model: fromScratch ? nil : model.path, beginning: beginning,
                data: try data.data(for: Task.kind, of: model, seed: seed),
                output: out.output.path, files: out.files(snapshots), device)
            try runner.pretrain(Task.self, work, source, in: session)
        }
    }

    private var beginning: ModelBeginning? {
        guard fromScratch else { return nil }
        var beginning = ModelBeginning(model)
        (beginning.tokenizer, beginning.vision) = (data.pairOptions.tokenizer, vision)
        return beginning
    }

    /// The settings of the training and of its samples, with what was given laid over them.
    private func settings<Task: PretrainingTask>(
        _ task: Task.Type
    ) throws -> (Pretraining, Task.Settings) {
        var (pretraining, samples) = (Pretraining(of: task), task.pretraining.samples)
        pretraining.run.seed = Seed(seed)
        for overlay in try overlays(for: task.kind) {
            if try overlay.lay(into: &pretraining) { continue }
            if try overlay.lay(into: &samples) { continue }
            throw overlay.refusal(by: "pre-training", of: model, task.kind, others: [])
        }
        if let weightDecay {
            pretraining.run.training.optimizer = pretraining.run.training.optimizer.decayed(
                by: weightDecay)
        }
        return (pretraining, samples)
    }
}
