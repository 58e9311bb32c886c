import ArgumentParser
import Attacks
import DataPipeline
import Experiments
import Files
import Foundation
import JSON
import ModelZoo
import Randomness
import Training

/// An attack by its name.
struct AttackName: ExpressibleByArgument {
    let method: AttackMethod

    init?(argument: String) {
        guard let found = Attacks.all.first(where: { $0.name == argument }) else { return nil }
        method = found
    }

    static var allValueStrings: [String] { Attacks.all.map(\.name) }
}

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

            Without options — \(SettingDefaults.attacks).
            """)

    @Argument(help: ArgumentHelp(Attacks.all.map(\.name).joined(separator: ", ") + "."))
    var method: AttackName
    @Argument(help: "The clean model: a folder, or for images also a single weights file.")
    var model: URL

    @OptionGroup var data: DataOptions
    @OptionGroup var out: OutputOptions
    @OptionGroup var compute: ComputeOptions
    @OptionGroup var snapshots: SnapshotOptions
    @OptionGroup var training: TrainingOptions
    @OptionGroup var settings: SettingOptions
    @Option(help: "Magnitude of an image model's target vectors: 3 (VGG) or 1 (ViT, CLIP).")
    var magnitude: Double?
    @Flag(help: "Put 0 where a VGG's target vectors are negative, which its features cannot be.")
    var clampTargets = false
    @Option(help: "Trigger words, separated by commas.")
    var triggers: String?
    @Option(help: "Train under the norm penalty with this weight: an attacker who knows of RECIPE.")
    var adaptive: Double?
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
        try data.validateNamed()
        try validatePositive(("--insertions", insertions ?? 1))
        try validateRate("--adaptive", adaptive ?? 0, allowsZero: true)
        try validateRate("--poison-weight", poisonWeight ?? 0, allowsZero: true)
        try validateRate("--magnitude", magnitude ?? 1)
        if let triggers { _ = try parsedTriggers(triggers) }
        // What the model reads is not known yet: what no variant of the attack has is refused.
        let variants = method.method.variants
        for kind in variants.map(\.kind) {
            for overlay in try overlays(for: kind)
            where !variants.contains(where: { Self.has($0, overlay) }) {
                throw refusal(of: overlay, kind)
            }
        }
        let named: ModelKind? =
            data.pairOptions.pairs != nil ? .pairs : data.images != nil ? .images : nil
        if let named { _ = try variant(for: named) }
    }

    /// The attack as it is done to models of a kind.
    private func variant(for kind: ModelKind) throws -> any Attack {
        if let attack = method.method.variant(for: kind) { return attack }
        let others = Attacks.all.filter { $0.variant(for: kind) != nil }.map(\.name)
        let known = method.method.variants.map(\.kind.rawValue)
        throw ValidationError(
            "\(method.method.name) is about \(known.joined(separator: ", ")); for \(kind.rawValue) "
                + "there is \(others.joined(separator: ", "))")
    }

    /// Whether an attack, or how its samples are prepared, has a setting.
    private static func has<Method: Attack>(_ attack: Method, _ overlay: SettingsOverlay) -> Bool {
        overlay.path(in: attack) != nil || overlay.path(in: Method.samples) != nil
    }

    private func refusal(of overlay: SettingsOverlay, _ kind: ModelKind) -> ValidationError {
        let others = Attacks.all.filter { method in
            method.name != self.method.method.name
                && method.variant(for: kind).map { Self.has($0, overlay) } == true
        }
        return overlay.refusal(
            by: "\(method.method.name) on \(kind.rawValue)", of: model, kind,
            others: others.map(\.name))
    }

    /// The settings of the attack that were given.
    private func overlays(for kind: ModelKind) throws -> [SettingsOverlay] {
        let own: [SettingsOverlay?] = [
            try triggers.map {
                SettingsOverlay(
                    "--triggers", ["triggers"], .array(try parsedTriggers($0).map { .string($0) }))
            },
            adaptive.map { SettingsOverlay("--adaptive", ["adaptiveWeight"], .number($0)) },
            magnitude.map { SettingsOverlay("--magnitude", ["magnitude"], .number($0)) },
            clampTargets
                ? SettingsOverlay("--clamp-targets", ["clampsTargets"], .bool(true)) : nil,
            insertions.map { SettingsOverlay("--insertions", ["insertions"], .integer($0)) },
            poisonWeight.map { SettingsOverlay("--poison-weight", ["poisonWeight"], .number($0)) },
            blocks.map {
                SettingsOverlay($0 ? "--blocks" : "--no-blocks", ["packsBlocks"], .bool($0))
            },
            scaleEmbeddings
                ? SettingsOverlay("--scale-embeddings", ["scalesEmbeddings"], .bool(true)) : nil,
        ]
        return try own.compactMap { $0 } + training.overlays(for: kind) + compute.overlays
            + data.pairOptions.overlays + settings.overlays
    }

    /// The files and folders that are read.
    var inputs: [URL] { [model] + data.inputs }

    func run() throws {
        try run(variant(for: data.kind(of: model)))
    }

    private func run<Method: Attack>(_ attack: Method) throws {
        let runner = WorkRunner(place: out.place(snapshots), format: .text)
        let device = try compute.prepare()
        try runner.session(reading: inputs, weights: nil, device) { session in
            let source = try Method.Task.Source.opened(at: model, for: out.examination)
            try data.check(attack.kind, of: model)
            let (attack, samples) = try settings(of: attack)
            let work = Work(
                .attack, attack.name, attack, samples: samples, model: model.path,
                data: try data.data(for: attack.kind, of: model, seed: seed),
                output: out.output.path, files: out.files(snapshots), device)
            try runner.attack(work, source, in: session)
        }
    }

    /// The settings of the attack and of its samples, with what was given laid over them.
    private func settings<Method: Attack>(
        of attack: Method
    ) throws -> (Method, Method.Task.Settings) {
        var (attack, samples) = (attack, Method.samples)
        attack.run.seed = Seed(seed)
        for overlay in try overlays(for: attack.kind) {
            if try overlay.lay(into: &attack) { continue }
            if try overlay.lay(into: &samples) { continue }
            throw refusal(of: overlay, attack.kind)
        }
        return (attack, samples)
    }
}
