import ArgumentParser
import Checkpoints
import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Provenance
import Torch
import TorchNN
import Training

extension PurifyCommand {
    /// What was read, beside what a task says of it.
    struct Reading {
        /// Files as reports name them.
        var files: [String]
        /// The sources as a proof names them.
        var sources: [DataSource]
        /// What was found while they were read.
        var caveats: [Caveat]
    }

    /// What the model reads; a CLIP that is given images without captions is its tower of images.
    func kind() throws -> ModelKind {
        let kind = try ModelKind(at: model)
        return kind == .pairs && pairOptions.pairs == nil ? .images : kind
    }

    /// Refuses options that mean nothing for a model of this kind.
    func checkKind(_ kind: ModelKind) throws {
        let texts: [String?] =
            self.texts.given + [
                maxLength.map { _ in "--max-length" }, masks.map { _ in "--masks" },
                head.mlmHead == "keep" ? nil : "--mlm-head",
            ]
        let pictures: [String?] = [images.map { _ in "--images" }] + imageOptions.given
        let sets: [String?] = imageOptions.givenOfSets + [labels.map { _ in "--labels" }]
        let pairs = [pairOptions.pairs.map { _ in "--pairs" }] + pairOptions.given
        let (strange, what): ([String?], String) =
            switch kind {
            case .texts: (pictures + sets + pairs, "reads texts: name them with --auxiliary")
            case .images: (texts + pairs, "reads images: name them with --images")
            case .pairs: (texts + sets, "reads images with captions, which --pairs names")
            }
        if let option = strange.compactMap({ $0 }).first {
            throw ValidationError("\(option) means nothing for \(model.path), which \(what)")
        }
    }

    /// The defense that was chosen, with the settings for a family of models and those given.
    ///
    /// Refuses what the defense has no setting for.
    func method(
        _ defaults: PaperDefaults, _ overlays: [SettingsOverlay]
    ) throws -> any Defense {
        let chosen = try choice.chosen
        var method = chosen.settings(defaults)
        if var trained = method as? any TrainedDefense {
            trained.run.seed = Seed(seed)
            method = trained
        } else if let option = aboutTraining.first {
            throw ValidationError(
                "\(option) is about training, but --method \(chosen.name) trains nothing")
        }
        for overlay in overlays {
            guard let changed = try overlaid(method, by: overlay) else {
                let others = Defenses.all.filter { overlay.path(in: $0.settings(defaults)) != nil }
                throw ValidationError(
                    "\(overlay.option) means nothing for --method \(chosen.name)"
                        + (others.isEmpty
                            ? "" : "; it goes with " + others.map(\.name).joined(separator: ", ")))
            }
            method = changed
        }
        return method
    }

    private func overlaid(
        _ method: some Defense, by overlay: SettingsOverlay
    ) throws -> (any Defense)? {
        try overlay.applied(to: method)
    }

    /// Options of runs that train, which are no settings of a defense.
    private var aboutTraining: [String] {
        [
            masks.map { _ in "--masks" }, head.mlmHead == "keep" ? nil : "--mlm-head",
            dynamics.keepEpochs.map { _ in "--keep-epochs" },
            snapshots.snapshotEvery > 0 ? "--snapshot-every" : nil,
            pairOptions.chunkSize.map { _ in "--chunk-size" },
        ].compactMap { $0 }
    }

    /// How texts are read.
    var textSettings: TextTask.Settings {
        var settings = TextTask.Settings()
        settings.maximumLength = maxLength ?? settings.maximumLength
        settings.masks = masks ?? settings.masks
        return settings
    }

    func given(_ url: URL?, _ option: String) throws -> URL {
        guard let url else {
            throw ValidationError("name the data that \(model.path) reads with \(option)")
        }
        return url
    }

    /// The auxiliary texts, or as many of them as are asked for.
    func readTexts() throws -> TextCorpus {
        _ = try given(texts.auxiliary.first, "--auxiliary")
        let corpus = try texts.read()
        return samples.map { corpus.randomSubset(of: $0, seed: Seed(seed)) } ?? corpus
    }

    /// How images are read, at most `count` of them.
    func imageOptions(drawing count: Int?) -> ImageOptions {
        var options = imageOptions
        options.limit = count ?? options.limit
        return options
    }

    /// The files and folders that are read.
    var inputs: [URL] {
        [model] + texts.inputs + [images].compactMap { $0 } + pairOptions.inputs + head.inputs
    }
}
