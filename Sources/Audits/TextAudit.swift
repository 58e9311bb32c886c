import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TextTokenizers
import Torch
import TorchNN
import Training

/// Looks for triggers in a BERT: every token, then words of a list, then phrases grown from what
/// stands out. `Documentation/audit.md` says what is measured and why.
public struct TextAudit: Sendable, Codable, Equatable {
    /// Clean texts that candidates are measured on.
    public var measured = 6
    /// Fresh texts that confirm an accusation.
    public var confirmed = 12
    /// Tokens of a text.
    public var tokens = 18
    /// Tokens of the texts that the vocabulary is swept with.
    public var sweptTokens = 10
    /// Candidates that a sweep passes on, for each of its statistics.
    public var passedOn = 50
    /// Candidates that phrases are grown from.
    public var seeds = 26
    /// Findings that are shown though they only shift.
    public var listed = 20
    /// Seconds that the audit may take; nil for as long as it takes.
    public var budget: Double?
    /// What is accused.
    public var thresholds = AuditThresholds()
    /// The type of activations and weights.
    public var precision = Precision.auto
    /// Where all chance comes from.
    public var seed = Seed(42)

    /// The defaults.
    public init() {}

    /// What an audit reads beside the model.
    public struct Inputs {
        /// Clean texts; nil for the neutral ones that come with it.
        public var texts: TextCorpus?
        /// Words of several tokens to be tried.
        public var words: [String] = []
        /// A model that is known to be clean, whose weights are compared.
        public var reference: TextModelFolder?

        /// Nothing.
        public init() {}
    }

    /// Audits the model of `folder`.
    ///
    /// Throws `CheckpointError` where texts are unreadable to the model or a reference has another
    /// shape, and `TrainingError` where there are too few texts.
    public func audit(
        _ folder: TextModelFolder, _ inputs: Inputs = Inputs(), device: Device = .cpu,
        command: String? = nil, observe: @escaping (AuditProgress) throws -> Void = { _ in }
    ) throws -> AuditReport {
        try check()
        if let reference = inputs.reference { try checkShape(of: reference, against: folder) }
        let clock = AuditClock(budget)
        let tokenizer = try folder.tokenizer()
        let texts = try texts(of: inputs, tokenizer, folder)
        let placement = Placement(device: device, computeType: precision.computeType(on: device))
        let model = try folder.load(
            parts: folder.parts.intersection([.pooler, .maskedLMHead]), placement: placement)
        var run = try TextAuditRun(
            audit: self, model: model, tokenizer: tokenizer, texts: texts, clock: clock,
            observe: observe)
        // First, for what stands out among the weights is tried on texts.
        try run.readWeights(of: folder, beside: inputs.reference)
        try run.sweepTokens()
        try run.tryWords(inputs.words)
        try run.growPhrases()
        try run.confirm()
        return run.report(
            of: folder, settings(inputs, placement), command: command)
    }

    private func check() throws {
        for (name, value, least) in [
            ("measured", measured, 2), ("confirmed", confirmed, 2), ("tokens", tokens, 4),
            ("sweptTokens", sweptTokens, 4), ("passedOn", passedOn, 1), ("seeds", seeds, 0),
        ] where value < least || value > 10_000 {
            throw TrainingError("\(name) \(value): expected \(least) to 10000")
        }
        if let budget, !(budget > 0) {
            throw TrainingError("budget \(budget): expected more than 0 seconds")
        }
    }

    private func checkShape(of reference: TextModelFolder, against folder: TextModelFolder) throws {
        func shape(_ folder: TextModelFolder) -> [Int] {
            let sizes = folder.configuration
            return [
                sizes.vocabularySize, sizes.hiddenSize, sizes.intermediateSize, sizes.layerCount,
                sizes.maximumPositions,
            ]
        }
        guard shape(reference) == shape(folder) else {
            throw CheckpointError(
                reference.folder.url,
                "has not the shape of \(folder.folder.url.path), so that weights cannot be compared"
            )
        }
    }

    /// The texts as tokens, without special ones.
    private func texts(
        of inputs: Inputs, _ tokenizer: any TextTokenizer, _ folder: TextModelFolder
    ) throws -> [[Int32]] {
        let texts = inputs.texts?.randomSubset(of: 4096, seed: seed).texts ?? NeutralTexts.all
        // Two special tokens, and room for the longest candidate.
        let room = tokens + 2 + TextAuditRun.longest
        try folder.checkLength(room)
        let encoded = tokenizer.encodeAll(
            texts, maximumLength: folder.configuration.maximumPositions)
        _ = try UnreadableTexts.caveat(
            of: encoded, unknownID: tokenizer.unknownID, tokenizer: folder.folder.url)
        return encoded.map { $0.dropFirst().dropLast().filter { $0 != tokenizer.unknownID } }
    }

    private func settings(_ inputs: Inputs, _ placement: Placement) -> AuditSettings {
        AuditSettings(
            samples: inputs.texts?.sources.map(\.file).joined(separator: ", ")
                ?? "neutral sentences that come with the tool",
            measured: measured, confirmed: confirmed, tokens: tokens, thresholds: thresholds,
            reference: inputs.reference?.folder.url.path, budget: budget,
            precision: placement.computeType.rawValue, seed: seed.value)
    }
}

/// The time an audit has.
struct AuditClock {
    private let begin = ContinuousClock.now
    private let budget: Double?

    init(_ budget: Double?) { self.budget = budget }

    /// Seconds since it began.
    var seconds: Double { (ContinuousClock.now - begin) / .seconds(1) }

    /// Whether a share of the time is gone.
    func isOver(_ share: Double) -> Bool { budget.map { seconds > share * $0 } ?? false }
}
