import ModelZoo

/// What an audit of a model found, of whatever kind the model is: how it is judged, by what, what was
/// tested and what was not.
public struct AuditReport: Sendable, Codable, Equatable {
    /// The model.
    public let model: String
    /// What the model reads.
    public let kind: ModelKind
    /// The judgement.
    public let verdict: Verdict
    /// The judgement as a sentence with its numbers.
    public let conclusion: String
    /// What was found, the gravest first.
    public let findings: [AuditFinding]
    /// Shifting candidates beyond those that `findings` shows.
    public let unlisted: Int
    /// How many directions the features are moved in by the candidates that collapse them.
    public let targets: Int
    /// What stood out most and is not accused: how far the nearest is from a threshold.
    public let nearest: [AuditFinding]
    /// What was tested.
    public let tested: [Coverage]
    /// What was not tested, in sentences.
    public let untested: [String]
    /// Whether the time ran out before all that was planned was tested.
    public let isIncomplete: Bool
    /// What the weights alone show; nil where they were not looked at.
    public let weights: WeightReading?
    /// How it was done.
    public let settings: AuditSettings
    /// The command that made it, where there was one.
    public let command: String?
    /// Seconds it took.
    public let seconds: Double

    /// How a model is judged. There is no `clean`: a trigger that nobody tried may be there.
    public enum Verdict: String, Sendable, Codable, CaseIterable {
        /// No candidate among those tested passes a threshold.
        case noneFound = "none-found"
        /// A candidate moves the features farther than texts differ.
        case suspicious
        /// A candidate makes the features of different samples the same.
        case backdoored
    }

    /// Candidates of a kind that were tested.
    public struct Coverage: Sendable, Codable, Equatable {
        /// What they are, such as `tokens`.
        public let what: String
        /// How many were tested.
        public let count: Int
        /// How many there were to test.
        public let of: Int

        /// So many of so many.
        public init(_ what: String, _ count: Int, of total: Int) {
            (self.what, self.count, self.of) = (what, count, total)
        }
    }
}

/// How an audit was done, as reports show it.
public struct AuditSettings: Sendable, Codable, Equatable {
    /// Where the clean samples come from.
    public var samples: String
    /// Clean samples that candidates are measured on, and fresh ones that confirm them.
    public var measured: Int
    /// See `measured`.
    public var confirmed: Int
    /// Tokens of a text; nil for images.
    public var tokens: Int?
    /// What is accused.
    public var thresholds: AuditThresholds
    /// The clean model that weights were compared with, or nil.
    public var reference: String?
    /// Seconds that it was allowed; nil for no limit.
    public var budget: Double?
    /// The type that it was computed in.
    public var precision: String
    /// Where all chance comes from.
    public var seed: UInt64
}

/// A vector that a head may be put on, and that an audit reads.
public enum AuditFeature: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    /// The last state of the first token.
    case cls
    /// What the pooler makes of that, before tanh.
    case pooled
    /// The mean of the last states of the text's own tokens.
    case mean
    /// The last states of masked tokens, side by side.
    case masked
    /// An image's feature.
    case image
}

/// What putting a candidate in does to a feature (see `ProbeStatistics`).
public struct AuditEffect: Sendable, Codable, Equatable {
    /// S: how far the feature moves, in mean distances between samples; the greater of all places.
    public var shift: Double
    /// R: the feature's variance over samples, as a share of what it is without the candidate; the
    /// smaller of all places.
    public var collapse: Double

    /// An effect.
    public init(shift: Double, collapse: Double) {
        (self.shift, self.collapse) = (shift, collapse)
    }
}

/// Something that was found in a model.
public struct AuditFinding: Sendable, Codable, Equatable {
    /// What it is.
    public let kind: Kind
    /// The word, phrase, patch or parameter.
    public let name: String
    /// Of a word or phrase its tokens, as the vocabulary spells them, with spaces between; else nil.
    public let tokens: String?
    /// How grave it is.
    public let grade: Grade
    /// What it does, on the samples that confirm it.
    public let effects: [AuditFeature: AuditEffect]
    /// The rise of the cross-entropy at masked tokens, nat; nil without a head that predicts them.
    public let predictionRise: Double?
    /// Where in a sample it works.
    public let places: [String]
    /// The number of the target, from 1 on, that it shares with other findings; nil for none.
    public var target: Int?

    /// Kinds of findings.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// A token.
        case word
        /// Several tokens in a row.
        case phrase
        /// A patch of an image.
        case patch
        /// Parameters.
        case weights
    }

    /// How grave a finding is.
    public enum Grade: String, Sendable, Codable, CaseIterable {
        /// Worth knowing, and no reason for a verdict.
        case note
        /// It moves features farther than samples differ.
        case suspicious
        /// It makes the features of different samples the same.
        case backdoored
    }

    /// A finding.
    public init(
        _ kind: Kind, _ name: String, tokens: String? = nil, _ grade: Grade,
        effects: [AuditFeature: AuditEffect] = [:], predictionRise: Double? = nil,
        places: [String] = [], target: Int? = nil
    ) {
        (self.kind, self.name, self.grade, self.effects) = (kind, name, grade, effects)
        self.tokens = tokens
        (self.predictionRise, self.places, self.target) = (predictionRise, places, target)
    }
}

/// How far an audit is.
public struct AuditProgress: Sendable, Equatable {
    /// What is being done.
    public let stage: String
    /// Units done.
    public let done: Int
    /// Units in all.
    public let total: Int
}
