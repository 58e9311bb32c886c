import ArgumentParser
import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Randomness
import Training

extension PurifyCommand {
    /// The defense that was chosen, with the settings for a family of models, and how samples are
    /// prepared, with what was given laid over both.
    ///
    /// Refuses what neither has a setting for.
    func settings<Samples: Codable>(
        _ defaults: PaperDefaults, _ samples: Samples, _ kind: ModelKind
    ) throws -> (any Defense, Samples) {
        let chosen = try choice.chosen
        var (method, samples) = (chosen.settings(defaults), samples)
        if var trained = method as? any TrainedDefense {
            trained.run.seed = Seed(seed)
            method = trained
        } else if let option = aboutTraining.first {
            throw ValidationError(
                "\(option) is about training, but --method \(chosen.name) trains nothing")
        }
        if labels != nil, kind != .images {
            throw ValidationError(
                "--labels means nothing for \(model.path), which \(DataOptions.reads(kind))")
        }
        for overlay in try overlays(for: kind) {
            if try overlay.lay(into: &method) { continue }
            if try overlay.lay(into: &samples) { continue }
            throw overlay.refusal(
                by: "--method \(chosen.name)", of: model, kind,
                others: Defenses.all.filter { overlay.path(in: $0.settings(defaults)) != nil }
                    .map(\.name))
        }
        return (method, samples)
    }

    /// Options of runs that train, which are no settings of a defense.
    private var aboutTraining: [String] {
        [
            masks.map { _ in "--masks" }, data.head.mlmHead == "keep" ? nil : "--mlm-head",
            dynamics.keepEpochs.map { _ in "--keep-epochs" },
            snapshots.snapshotEvery > 0 ? "--snapshot-every" : nil,
            data.pairOptions.chunkSize.map { _ in "--chunk-size" },
        ].compactMap { $0 }
    }
}
