import DataPipeline
import ModelZoo
import Randomness
import TextTokenizers
import Torch
import TorchNN
import Training

/// One audit of a model of texts on its way: what was tested so far and what came of it.
struct TextAuditRun {
    let audit: TextAudit
    let clock: AuditClock
    let vocabulary: [Int32]
    let observe: (AuditProgress) throws -> Void
    /// Two short carriers, for sweeps and growth.
    private let sweepProbe: TextProbe
    private let measure: TextMeasure
    private let confirmation: TextMeasure

    /// What was measured, in the order of measuring.
    private(set) var effects: [CandidateEffects] = []
    /// What is accused, as fresh texts confirm it.
    private(set) var accused: [(effects: CandidateEffects, grade: AuditFinding.Grade)] = []
    private(set) var unlisted = 0
    private(set) var tested: [AuditReport.Coverage] = []
    private(set) var isIncomplete = false
    private(set) var weights: WeightReading?
    /// Tokens that stand out among the weights.
    private var marked: [Int32] = []

    /// Tokens of the longest word that is tried.
    static let longest = 8

    /// Begins an audit; throws `TrainingError` where the texts do not suffice.
    init(
        audit: TextAudit, model: AnyTextModel, tokenizer: any TextTokenizer, texts: [[Int32]],
        clock: AuditClock, observe: @escaping (AuditProgress) throws -> Void
    ) throws {
        (self.audit, self.clock, self.observe) = (audit, clock, observe)
        vocabulary = (0..<Int32(tokenizer.vocabularySize)).filter { id in
            // Nobody can type those that were left free for later.
            guard !tokenizer.specialIDs.contains(id), let token = tokenizer.token(of: id) else {
                return false
            }
            return !(token.hasPrefix("[unused") && token.hasSuffix("]"))
        }
        let predicts = model.parts.contains(.maskedLMHead)
        func carriers(_ count: Int, _ length: Int, _ masks: Int, _ seed: Seed) throws -> [Carrier] {
            let drawn = Carrier.drawn(
                count, length: length, masks: predicts ? masks : 0, from: texts,
                maskID: tokenizer.maskID, seed: seed)
            guard drawn.count == count else {
                throw TrainingError(
                    "the texts make \(drawn.count) samples of \(length) tokens; expected \(count): "
                        + "give more with --auxiliary")
            }
            return drawn
        }
        let all = try carriers(audit.measured + audit.confirmed, audit.tokens, 2, audit.seed)
        func probe(_ carriers: some Sequence<Carrier>) -> TextProbe {
            TextProbe(model: model, tokenizer: tokenizer, carriers: Array(carriers))
        }
        sweepProbe = probe(
            try carriers(2, audit.sweptTokens, 1, Seed(audit.seed.key("audit.swept"))))
        measure = try TextMeasure(probe(all.prefix(audit.measured)))
        confirmation = try TextMeasure(probe(all.dropFirst(audit.measured)))
    }

    private var tokenizer: any TextTokenizer { measure.probe.tokenizer }
    private var decisive: AuditFeature { measure.probe.decisive }

    // MARK: Stages

    /// Reads the weights of the model in `folder`, beside those of a clean one.
    mutating func readWeights(of folder: TextModelFolder, beside reference: TextModelFolder?) throws
    {
        let host = Placement()
        let parts = folder.parts.intersection([.pooler, .maskedLMHead])
        let reader = WeightAudit(
            model: try folder.load(parts: parts, placement: host),
            tokens: Dictionary(uniqueKeysWithValues: vocabulary.map { ($0, text(of: [$0])) }))
        (weights, marked) = try reader.reading(
            beside: reference.map {
                try $0.load(parts: $0.parts.intersection(parts), placement: host)
            })
    }

    /// Tries every token.
    mutating func sweepTokens() throws {
        let candidates = vocabulary.map { [$0] }
        let ranking = try sweep(candidates, "tokens")
        tested.append(.init("tokens", ranking.tested, of: candidates.count))
        isIncomplete = ranking.tested < candidates.count
        let chosen = Set(ranking.best(audit.passedOn).map { candidates[$0] } + marked.map { [$0] })
        try add(chosen.sorted { $0[0] < $1[0] }, "tokens alone")
    }

    /// Tries words that are several tokens to the model; those of one are tried already.
    mutating func tryWords(_ words: [String]) throws {
        guard !words.isEmpty else { return }
        let unknown = tokenizer.unknownID
        let candidates = Set(words.map { tokenizer.encode($0) }).filter {
            (2...Self.longest).contains($0.count) && !$0.contains(unknown)
        }
        var (reached, chosen) = (0, [[Int32]]())
        for (_, group) in Dictionary(grouping: candidates, by: \.count).sorted(by: {
            $0.key < $1.key
        }) {
            let group = group.sorted { $0.lexicographicallyPrecedes($1) }
            // A few are measured at once, of many the most striking.
            guard group.count > 2 * audit.passedOn else {
                (reached, chosen) = (reached + group.count, chosen + group)
                continue
            }
            guard !clock.isOver(0.6) else { continue }
            let ranking = try sweep(group, "words")
            reached += ranking.tested
            chosen += ranking.best(audit.passedOn).map { group[$0] }
        }
        tested.append(.init("words of several tokens", reached, of: candidates.count))
        if reached < candidates.count { isIncomplete = true }
        try add(chosen, "words alone")
    }

    /// Grows phrases from the tokens that shift most and do not collapse.
    mutating func growPhrases() throws {
        let collapsed = Set(effects.filter { grade($0) == .backdoored }.map(\.tokens))
        let seeds = effects.filter { $0.tokens.count == 1 && !collapsed.contains($0.tokens) }
            .sorted { greatestShift($0) > greatestShift($1) }.prefix(audit.seeds).map(\.tokens)
        guard !seeds.isEmpty, !clock.isOver(0.6) else {
            if !seeds.isEmpty { isIncomplete = true }
            return
        }
        let growth = PhraseGrowth(
            probe: sweepProbe,
            vocabulary: vocabulary.filter { !collapsed.contains([$0]) })
        let clock = clock
        let (phrases, tried) = try growth.phrases(
            from: seeds,
            observe: { try observe(AuditProgress(stage: "phrases", done: $0, total: 0)) },
            isOver: { clock.isOver(0.85) })
        tested.append(.init("phrases grown", tried, of: tried))
        try add(phrases, "phrases alone")
    }

    /// Measures what is accused on fresh texts, and keeps what they confirm.
    mutating func confirm() throws {
        let graded = effects.compactMap { effect in grade(effect).map { (effect, $0) } }
        let collapsed = graded.filter { $0.1 == .backdoored }.map(\.0)
        let shifting = graded.filter { $0.1 == .suspicious }.map(\.0)
            .sorted { greatestShift($0) > greatestShift($1) }
        unlisted = max(0, shifting.count - audit.listed)
        let suspects =
            collapsed.filter { !isExtended($0, of: collapsed) }
            + shifting.prefix(audit.listed)
        let fresh = try confirmation.effects(of: suspects.map(\.tokens))
        accused = fresh.compactMap { effect in grade(effect).map { (effect, $0) } }
            .sorted { left, right in
                guard left.grade == right.grade else { return left.grade == .backdoored }
                return left.grade == .backdoored
                    ? effect(left.effects).collapse < effect(right.effects).collapse
                    : effect(left.effects).shift > effect(right.effects).shift
            }
    }

    // MARK: Parts

    private func sweep(
        _ candidates: [[Int32]], _ stage: String
    ) throws -> VocabularySweep.Ranking {
        let clock = clock
        return try VocabularySweep(probe: sweepProbe, seed: audit.seed).ranking(
            of: candidates,
            observe: {
                try observe(AuditProgress(stage: stage, done: $0, total: candidates.count))
            }, isOver: { clock.isOver(0.5) })
    }

    private mutating func add(_ candidates: [[Int32]], _ stage: String) throws {
        effects += try measure.effects(of: candidates) {
            try observe(AuditProgress(stage: stage, done: $0, total: candidates.count))
        }
    }

    /// What candidates do to the feature that decides.
    func effect(_ candidate: CandidateEffects) -> AuditEffect {
        candidate.effects[decisive] ?? AuditEffect(shift: 0, collapse: .infinity)
    }

    func grade(_ candidate: CandidateEffects) -> AuditFinding.Grade? {
        audit.thresholds.grade(of: effect(candidate), isPhrase: candidate.tokens.count > 1)
    }

    private func greatestShift(_ candidate: CandidateEffects) -> Double {
        let effects = candidate.effects
        return max(effects[.cls]?.shift ?? 0, effects[decisive]?.shift ?? 0)
    }

    /// Whether a phrase is one of `others` with more around it.
    private func isExtended(_ phrase: CandidateEffects, of others: [CandidateEffects]) -> Bool {
        others.contains { other in
            let (whole, part) = (phrase.tokens, other.tokens)
            return part.count < whole.count
                && (0...(whole.count - part.count)).contains { start in
                    Array(whole[start..<start + part.count]) == part
                }
        }
    }

    /// Where a candidate works, at least half as far as its grade asks.
    func places(_ candidate: CandidateEffects, _ grade: AuditFinding.Grade) -> [String] {
        let byPlace = candidate.byPlace[decisive] ?? [:]
        return TextProbe.Place.allCases.filter { place in
            guard let effect = byPlace[place] else { return false }
            return grade == .backdoored
                ? effect.collapse < audit.thresholds.collapseWhereMoved
                : effect.shift > audit.thresholds.shift
        }.map(\.rawValue)
    }

    /// Tokens as the vocabulary spells them.
    func spelling(of tokens: [Int32]) -> String {
        tokens.compactMap(tokenizer.token).joined(separator: " ")
    }

    /// Tokens as they are read.
    func text(of tokens: [Int32]) -> String { tokenizer.text(of: tokens) }
}
