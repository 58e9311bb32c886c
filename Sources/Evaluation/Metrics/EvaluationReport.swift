import DataPipeline
import Randomness

/// A file or folder that a model was trained or tested on.
public struct DatasetFile: Sendable, Codable, Equatable {
    /// What a file is for.
    public enum Role: String, Sendable, Codable {
        /// Fine-tuning.
        case train
        /// Testing.
        case test
    }

    /// What it is for.
    public let role: Role
    /// Where it is.
    public let path: String
    /// Samples of it that were used.
    public let samples: Int
    /// Samples that these were drawn from; nil where all were used.
    public let available: Int?
    /// Samples that were damaged and left out; nil where there are none.
    public let skipped: Int?

    /// A file, or a folder of files, with so many samples beside some that were damaged; `available`
    /// where these are a part of its samples.
    public init(
        _ role: Role, path: String, samples: Int, available: Int? = nil, skipped: Int = 0
    ) {
        self.role = role
        self.path = path
        self.samples = samples
        self.available = available.flatMap { $0 > samples + skipped ? $0 : nil }
        self.skipped = skipped > 0 ? skipped : nil
    }
}

/// One classifier's accuracy, and how it answers triggers.
public struct SeedResult: Sendable, Codable, Equatable {
    /// The seed that it was fine-tuned with; nil where nothing was trained.
    public let seed: Seed?
    /// The share of test samples it gets right, without triggers.
    public let accuracy: Proportion
    /// How well each trigger works.
    public let triggers: [TriggerResult]
    /// The mean of ASR(t) over triggers, from 0 to 1; nil where none is defined.
    public let aasr: Double?
    /// The largest ASR(t) over triggers, from 0 to 1; nil where none is defined.
    public let masr: Double?
    /// Seconds of fine-tuning.
    public let trainSeconds: Double
    /// Seconds of testing.
    public let evalSeconds: Double
    /// The training loss at the end; nil where nothing was trained or the loss is not finite.
    public let finalLoss: Double?

    /// The result of one seed; AASR and MASR are taken from `triggers`.
    public init(
        seed: Seed?, accuracy: Proportion, triggers: [TriggerResult], trainSeconds: Double,
        evalSeconds: Double, finalLoss: Double? = nil
    ) {
        self.seed = seed
        self.accuracy = accuracy
        self.triggers = triggers
        self.trainSeconds = trainSeconds
        self.evalSeconds = evalSeconds
        // JSON has no word for a loss that is not finite.
        self.finalLoss = finalLoss.flatMap { $0.isFinite ? $0 : nil }
        let rates = triggers.compactMap(\.rate)
        aasr = MeanDeviation(rates)?.mean
        masr = rates.max()
    }

    /// The trigger whose ASR(t) is MASR, the first of equals; nil where none is defined.
    public var strongest: TriggerResult? { triggers.first { $0.rate != nil && $0.rate == masr } }
}

/// What several seeds have in common; rates are from 0 to 1.
public struct EvaluationSummary: Sendable, Codable, Equatable {
    /// The accuracy.
    public let accuracy: MeanDeviation?
    /// The mean attack success over triggers.
    public let aasr: MeanDeviation?
    /// The largest attack success over triggers.
    public let masr: MeanDeviation?

    /// The summary of `seeds`; a metric is nil where it is undefined in every seed.
    public init(_ seeds: [SeedResult]) {
        accuracy = MeanDeviation(seeds.compactMap(\.accuracy.rate))
        aasr = MeanDeviation(seeds.compactMap(\.aasr))
        masr = MeanDeviation(seeds.compactMap(\.masr))
    }
}

/// The clean model that says how high attack success is where there is no backdoor.
public struct EvaluationReference: Sendable, Codable, Equatable {
    /// The model.
    public let model: String
    /// How images were prepared for it, where that is not as for the other model.
    public let preparation: ImagePreparation?
    /// Its results by seed.
    public let seeds: [SeedResult]
    /// What its seeds have in common.
    public let summary: EvaluationSummary

    /// The results of a clean model, made with the settings of the report they stand in.
    public init(model: String, preparation: ImagePreparation? = nil, seeds: [SeedResult]) {
        self.model = model
        self.preparation = preparation
        self.seeds = seeds
        summary = EvaluationSummary(seeds)
    }
}

/// What evaluating a model came to: accuracy, attack success, and how they were had.
public struct EvaluationReport: Sendable, Codable, Equatable {
    /// The model.
    public let model: String
    /// The files it was trained and tested on.
    public let data: [DatasetFile]
    /// The names of the labels, in order.
    public let labelNames: [String]
    /// Test samples.
    public let testCount: Int
    /// Those that are training samples too; nil where nobody looked for them.
    public let sharedSamples: SharedSamples?
    /// What became of the pooler before fine-tuning; nil where models have none.
    public let poolerPolicy: PoolerPolicy?
    /// How it was fine-tuned and tested.
    public let settings: EvaluationSettings
    /// The command that made it, where there was one.
    public let command: String?
    /// The results by seed; a single one, without a seed, where nothing was trained.
    public let seeds: [SeedResult]
    /// What the seeds have in common.
    public let summary: EvaluationSummary
    /// The clean model's results, where it was evaluated.
    public let reference: EvaluationReference?
    /// AASR less the clean model's, from -1 to 1; nil without a reference.
    public let excessAASR: Double?

    /// The report of `seeds`; what they have in common is worked out here.
    public init(
        model: String, data: [DatasetFile], labelNames: [String], testCount: Int,
        sharedSamples: SharedSamples? = nil, poolerPolicy: PoolerPolicy? = nil,
        settings: EvaluationSettings, command: String? = nil, seeds: [SeedResult],
        reference: EvaluationReference? = nil
    ) {
        self.model = model
        self.data = data
        self.labelNames = labelNames
        self.testCount = testCount
        self.sharedSamples = sharedSamples
        self.poolerPolicy = poolerPolicy
        self.settings = settings
        self.command = command
        self.seeds = seeds
        summary = EvaluationSummary(seeds)
        self.reference = reference
        excessAASR = summary.excessAASR(over: reference?.summary)
    }

    /// Insertions that truncation cut off again, in all seeds and triggers together.
    public var lostInsertions: Int { seeds.flatMap(\.triggers).reduce(0) { $0 + $1.lost } }

    /// Mean and deviation over seeds of ASR(t, l), `[triggers][labels]`, from 0 to 1; nil where it
    /// is undefined.
    public var labelRates: [[MeanDeviation?]] {
        (seeds.first?.triggers ?? []).indices.map { trigger in
            labelNames.indices.map { label in
                MeanDeviation(
                    seeds.compactMap { seed in
                        guard seed.triggers.indices.contains(trigger),
                            seed.triggers[trigger].perLabel.indices.contains(label)
                        else { return nil }
                        return seed.triggers[trigger].perLabel[label].proportion.rate
                    })
            }
        }
    }
}

extension EvaluationSummary {
    /// AASR less that of a clean model, from -1 to 1; nil where either is undefined.
    public func excessAASR(over clean: EvaluationSummary?) -> Double? {
        guard let own = aasr?.mean, let floor = clean?.aasr?.mean else { return nil }
        return own - floor
    }
}

/// Several evaluations side by side, such as clean, without defense and purified.
public struct EvaluationComparison: Sendable, Codable, Equatable {
    /// One named evaluation.
    public struct Entry: Sendable, Codable, Equatable {
        /// What the row is called.
        public let name: String
        /// Its results.
        public let report: EvaluationReport

        /// An evaluation called `name`.
        public init(_ name: String, _ report: EvaluationReport) {
            self.name = name
            self.report = report
        }
    }

    /// What is compared.
    public let title: String
    /// The evaluations, in the order of the table.
    public let entries: [Entry]
    /// The name of the entry that is the clean model, if one is: the floor of the others.
    public let cleanEntry: String?

    /// A comparison; an error where two entries share a name or `cleanEntry` names none of them.
    public init(title: String, entries: [Entry], cleanEntry: String? = nil) throws {
        let names = entries.map(\.name)
        if let name = names.enumerated().first(where: { names[..<$0].contains($1) })?.element {
            throw MetricError("two evaluations are called ‘\(name)’: give each a name of its own")
        }
        if let cleanEntry, !names.contains(cleanEntry) {
            throw MetricError(
                "no evaluation is called ‘\(cleanEntry)’: expected one of "
                    + names.joined(separator: ", "))
        }
        self.title = title
        self.entries = entries
        self.cleanEntry = cleanEntry
    }

    /// AASR of `entry` less the clean entry's, or where none is named the entry's own reference's;
    /// nil for the clean entry itself and without either.
    public func excessAASR(of entry: Entry) -> Double? {
        guard let cleanEntry else { return entry.report.excessAASR }
        guard entry.name != cleanEntry else { return nil }
        let clean = entries.first { $0.name == cleanEntry }
        return entry.report.summary.excessAASR(over: clean?.report.summary)
    }
}
