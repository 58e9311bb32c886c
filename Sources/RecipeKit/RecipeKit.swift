@_exported import Attacks
@_exported import Audits
@_exported import Checkpoints
@_exported import DataPipeline
@_exported import Defenses
@_exported import Documents
@_exported import Evaluation
@_exported import Experiments
@_exported import Files
@_exported import JSON
@_exported import ModelZoo
@_exported import Provenance
@_exported import Randomness
@_exported import Reports
@_exported import Scanning
@_exported import TensorFormats
@_exported import TextTokenizers
@_exported import Torch
@_exported import TorchNN
@_exported import Training

/// The package as one import.
public enum RecipeKit {
    /// The package's version.
    public static let version = Tool.version
}
