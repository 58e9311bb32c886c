import DataPipeline
import ModelZoo
import Training
import TorchNN

/// How a downstream user trains a classifier: everything of it, but neurons that were pruned for good.
public struct FineTuning: Sendable, Codable, Equatable {
    /// Epochs, optimizer and rate.
    public var training: TrainingSettings
    /// Samples a step.
    public var batchSize: Int
    /// The type of activations and frozen weights.
    public var precision = Precision.auto

    /// The paper's for a family of models, on images that lie in some layout where it says more.
    public init(_ paper: PaperDefaults.FineTuning, on layout: ImageLayout? = nil) {
        training = layout.map(paper.training) ?? paper.training
        batchSize = paper.batchSize
    }

    /// Throws `TrainingError` where a figure is beyond any use.
    func check() throws { try RunSettings(training, batchSize: batchSize).check() }
}
