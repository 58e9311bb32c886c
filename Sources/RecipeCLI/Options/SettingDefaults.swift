import Attacks
import DataPipeline
import ModelZoo
import TorchNN
import Training

/// What settings are where none are given, as help shows it: made of the values themselves.
enum SettingDefaults {
    /// Those of RECIPE for each family.
    static let purification = list(
        Architectures.all.map { ($0.family, RunSettings($0.defaults), $0.kind) })

    /// Those of each attack.
    static let attacks = list(
        Attacks.all.flatMap { method in
            method.variants.map {
                ("\(method.name) on \($0.kind.rawValue)", $0.run, $0.kind)
            }
        })

    /// Those of pre-training on each kind of data.
    static let pretraining = list([
        ("texts", TextTask.pretraining.run, .texts), ("images", ImageTask.pretraining.run, .images),
        ("pairs", PairTask.pretraining.run, .pairs),
    ])

    private static func list(_ entries: [(name: String, run: RunSettings, kind: ModelKind)])
        -> String
    {
        entries.map { "\($0.name): \(text($0.run, $0.kind))" }.joined(separator: "; ")
    }

    private static func text(_ run: RunSettings, _ kind: ModelKind) -> String {
        let training = run.training
        let epochs = training.epochs == 1 ? "1 epoch" : "\(training.epochs) epochs"
        let rate = NumberText.exact(training.learningRate)
        let accumulated = training.accumulation == 1 ? "" : " \(training.accumulation) times"
        return
            "\(epochs), \(training.optimizer.name) at \(rate) (\(training.schedule.shape.rawValue))"
            + ", \(run.batchSize) \(kind.rawValue)\(accumulated) a step"
    }
}
