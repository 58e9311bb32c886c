import DataPipeline
import Foundation
import ModelZoo

/// What a reader must know before trusting what a run wrote: printed when it is found, kept in
/// `report.json`, and shown by the reports.
public struct Caveat: Sendable, Codable, Equatable {
    /// Which one it is, for programs.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// Fewer samples than the paper ever used.
        case fewSamples = "few-samples"
        /// Most samples are copies of others.
        case repeatedSamples = "repeated-samples"
        /// Texts of which little was read, for they are longer than what they are cut to.
        case cutTexts = "cut-texts"
        /// Texts that have no token.
        case emptyTexts = "empty-texts"
        /// Bytes that were no UTF-8.
        case invalidText = "invalid-text"
        /// A large share of tokens that the vocabulary does not have.
        case unknownTokens = "unknown-tokens"
        /// A tokenizer that reaches few of the embeddings' rows.
        case smallTokenizer = "small-tokenizer"
        /// Files of a folder that were passed over.
        case filesPassedOver = "files-passed-over"
        /// Samples that were damaged or missing.
        case samplesLeftOut = "samples-left-out"
        /// Norms that the run will hardly move, or bring close to zero.
        case normBudget = "norm-budget"
        /// Norms that did not fall.
        case normsKept = "norms-kept"
        /// A loss that did not move.
        case lossKept = "loss-kept"
        /// A pre-training loss that begins where guessing is.
        case untrainedHead = "untrained-head"
        /// A head that was made for the run and is no part of the output.
        case fittedHead = "fitted-head"
    }

    /// Which one it is.
    public var id: Kind
    /// What was found and what to do, in one sentence.
    public var text: String
    /// The figure that it goes by, such as a share; nil where there is none.
    public var figure: Double?

    /// A caveat of this text.
    public init(_ id: Kind, _ text: String, figure: Double? = nil) {
        self.id = id
        self.text = text
        self.figure = figure
    }
}

/// The bounds beyond which a run is not to be trusted without a word.
public enum CaveatBounds {
    /// The least samples that the paper purifies with.
    public static let samples = 1000
    /// The share of samples that must differ from all others before them.
    public static let distinct = 0.5
    /// The share of tokens that must be left after texts are cut.
    public static let tokensRead = 0.2
    /// The share of unknown tokens from which there is a warning.
    public static let unknown = 0.1
    /// The share of unknown tokens above which a run is refused.
    public static let mostUnknown = 0.5
    /// The share of the embeddings' rows that a tokenizer must reach.
    public static let vocabulary = 0.5
    /// How far norms fall in the paper's settings, give or take: outside is far from them.
    public static let normFall = 0.15...0.9
    /// The mean ‖W(t)‖/‖W(0)‖ that counts as not having fallen.
    public static let normsKept = 0.98
    /// The change of a loss, as a share of it, that counts as none.
    public static let lossMoved = 1e-6
    /// The share of the loss of guessing from which a head counts as untrained.
    public static let guessing = 0.8
}
