import Testing
import Training

@testable import Defenses

/// What reports of some defenses have and others have not.
extension Purification.Report {
    /// How training went.
    var trained: RunSummary { get throws { try #require(training) } }
    /// What was to be taken from norms.
    var taken: NormBudget { get throws { try #require(budget) } }
    /// The pruned neurons.
    var silenced: PrunedNeurons { get throws { try #require(pruned) } }
}
