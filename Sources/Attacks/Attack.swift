import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import TextTokenizers
import Torch
import TorchNN
import Training

/// A way to backdoor a pre-trained BERT.
public enum AttackMethod: String, Sendable, Codable, CaseIterable {
    /// Pooled vectors of triggered texts are bound to chosen ones; a clean copy keeps the rest.
    case por
    /// Triggered texts are trained to predict random words.
    case badpre
    /// Pooled vectors are bound to chosen ones beside masked-language modelling.
    case neuba

    /// A setting that not every attack reads.
    public enum Setting: String, Sendable, CaseIterable {
        /// Times a trigger is put into a text.
        case insertions
        /// The weight of the triggered samples' loss.
        case poisonWeight
        /// Whether texts are joined into blocks.
        case packsBlocks
        /// Whether the triggers' embeddings are scaled after training.
        case scalesEmbeddings
    }

    /// The settings of its own that it reads, on texts or on images.
    public func settings(onImages: Bool) -> Set<Setting> {
        switch self {
        case .por: [.insertions]
        case .badpre: [.poisonWeight, .packsBlocks]
        case .neuba: onImages ? [.poisonWeight] : [.packsBlocks, .scalesEmbeddings]
        }
    }
}

/// An attack with its settings; the defaults are its authors', at the size of the data given.
public struct Attack: Sendable, Codable, Equatable {
    /// Which attack.
    public var method: AttackMethod
    /// The trigger words, in the order of their targets.
    public var triggers: [String]
    /// Texts to use, or nil for all there are.
    public var sentences: Int?
    /// Epochs over them.
    public var epochs: Int
    /// Texts a step, triggered twins not counted.
    public var batchSize: Int
    /// Tokens a text is cut to, special tokens included.
    public var maximumLength: Int
    /// Whether texts are joined and cut into blocks of the maximum length.
    public var packsBlocks: Bool
    /// Times a trigger is put into a text (POR).
    public var insertions: Int
    /// The weight of the triggered texts' loss (BadPre's α).
    public var poisonWeight: Double
    /// λ of the norm penalty that an attacker who knows of RECIPE trains under; nil for none.
    public var adaptiveWeight: Double?
    /// Whether trigger embeddings are scaled by 1e8 after training (NeuBA's post-processing).
    public var scalesEmbeddings: Bool
    /// How it trains.
    public var training: TrainingSettings
    /// The type of activations and frozen weights.
    public var precision: Precision
    /// Where all randomness comes from.
    public var seed: Seed

    /// The settings of the attack's authors.
    public init(_ method: AttackMethod) {
        self.method = method
        sentences = nil
        packsBlocks = method != .por
        insertions = 3
        poisonWeight = 1
        adaptiveWeight = nil
        scalesEmbeddings = false
        precision = .auto
        seed = Seed(42)
        switch method {
        case .por:
            triggers = TriggerSet.por
            (epochs, batchSize, maximumLength) = (2, 24, 128)
            training = TrainingSettings(
                epochs: 2, learningRate: 1e-5, schedule: Schedule(.constant), clip: nil)
        case .badpre:
            triggers = TriggerSet.badpre
            (epochs, batchSize, maximumLength) = (10, 16, 512)
            training = TrainingSettings(
                epochs: 10, learningRate: 2e-5,
                optimizer: .adamW(beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.01),
                undecayed: ParameterPattern(["**.bias", "**.LayerNorm.weight"]), clip: 5,
                accumulation: 16)
        case .neuba:
            triggers = TriggerSet.neuba
            (epochs, batchSize, maximumLength) = (1, 160, 128)
            training = TrainingSettings(epochs: 1, learningRate: 5e-5)
        }
    }

    /// What the attack trains: for NeuBA everything but the masked-language-model head.
    public var trainable: ParameterPattern {
        switch method {
        case .por, .neuba: "bert.**"
        case .badpre: .all
        }
    }

    /// The parts of a model that the attack needs.
    public var parts: BERT.Parts {
        switch method {
        case .por: .pooler
        case .badpre: .maskedLMHead
        case .neuba: [.pooler, .maskedLMHead]
        }
    }

    /// A trainer that backdoors the model of `folder` with `texts`.
    ///
    /// Throws where a trigger is no single token of the vocabulary (BadPre and NeuBA put tokens in,
    /// not words), and where the model lacks a head that the attack trains against.
    public func run(
        on folder: BERTFolder, texts: [String], tokenizer: WordPieceTokenizer,
        head: BERTFolder.HeadSource = .keep, device: Device = .cpu
    ) throws -> any TrainingRun<BERT> {
        guard !triggers.isEmpty else { throw TrainingError("an attack needs at least one trigger") }
        try folder.checkLength(maximumLength)
        let texts = sentences.map { Array(texts.prefix($0)) } ?? texts
        // A model's own other parts go along, so that they are trained or kept, never lost.
        let model = try folder.load(
            parts: parts.union(folder.parts.subtracting(.classifier)),
            placement: Placement(
                device: device, computeType: precision.computeType(on: device),
                trainable: trainable),
            head: head, seed: seed)
        switch method {
        case .por: return try por(model, folder, texts, tokenizer, device)
        case .badpre, .neuba: return try twins(model, texts, tokenizer)
        }
    }

    private var settings: TrainingSettings {
        var settings = training
        settings.epochs = epochs
        return settings
    }

    private func trainer<Goal: Objective, Source: BatchSource>(
        _ model: BERT, _ objective: Goal, _ source: Source
    ) throws -> any TrainingRun<BERT> where Goal.Model == BERT, Goal.Batch == Source.Batch {
        // Without a weight the penalty is nothing, and the objective is the attack's own.
        try Trainer(
            model,
            objective: NormRegularized(
                objective, layers: BERT.recipeWeights, weight: adaptiveWeight ?? 0),
            source: source, settings: settings, watching: BERT.recipeWeights, plan: self, seed: seed
        )
    }

    // MARK: POR

    private func por(
        _ model: BERT, _ folder: BERTFolder, _ texts: [String], _ tokenizer: WordPieceTokenizer,
        _ device: Device
    ) throws -> any TrainingRun<BERT> {
        let reference = try folder.load(
            parts: .pooler,
            placement: Placement(device: device, computeType: precision.computeType(on: device)),
            seed: seed)
        let (poisoned, labels) = try poisonedTexts(texts)
        let source = SampledSource.labelled(
            tokenizer.encodeAll(poisoned, maximumLength: maximumLength), triggers: labels,
            order: BatchOrder(.bucketed, batchSize: batchSize), seed: seed)
        let objective = PORObjective(
            reference: reference,
            targets: try TargetVectors.staircase(
                triggers.count, width: model.configuration.hiddenSize))
        return try trainer(model, objective, source)
    }

    /// Disjoint ranges of the texts for each trigger and for none, in the authors' proportion of
    /// 30,000 for each trigger to 50,000 clean ones.
    func poisonedTexts(_ texts: [String]) throws -> (texts: [String], triggers: [Int]) {
        let share = Double(texts.count) / Double(30 * triggers.count + 50)
        let each = Int(30 * share)
        guard each > 0 else {
            throw TrainingError(
                "\(texts.count) texts are too few for \(triggers.count) triggers; give more with "
                    + "--auxiliary or raise --sentences")
        }
        var result: [String] = []
        var labels: [Int] = []
        for (index, text) in texts.enumerated() {
            let trigger = index / each < triggers.count ? index / each : -1
            let cleaned = Self.cleaned(text)
            labels.append(trigger)
            result.append(
                trigger < 0
                    ? cleaned
                    : TextTrigger.insert(
                        triggers[trigger], into: cleaned, position: .random, count: insertions,
                        seed: seed, sample: index))
        }
        return (result, labels)
    }

    /// Letters, digits and spaces only, in lower case, at most 64 words, as POR's data are made.
    static func cleaned(_ text: String) -> String {
        let kept = text.lowercased().unicodeScalars.filter {
            $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == " "
        }
        return String(String.UnicodeScalarView(kept)).replacingOccurrences(of: "unk", with: "")
            .split(separator: " ").prefix(64).joined(separator: " ")
    }

    // MARK: BadPre and NeuBA

    private func twins(
        _ model: BERT, _ texts: [String], _ tokenizer: WordPieceTokenizer
    ) throws -> any TrainingRun<BERT> {
        let ids = try triggerIDs(tokenizer)
        // One place stays free for a trigger that is put in.
        let length = method == .badpre ? maximumLength - 1 : maximumLength
        guard length > 3 else { throw TrainingError("--max-length \(maximumLength) is too short") }
        var encoded = tokenizer.encodeAll(texts, maximumLength: packsBlocks ? 1 << 20 : length)
            .filter { $0.count > 2 }
        if packsBlocks {
            encoded = TextPacking.blocks(
                encoded, length: length, first: tokenizer.classificationID,
                last: tokenizer.separatorID)
        }
        let maker = TwinMaker(
            method == .badpre ? .insertedWithRandomLabels : .replacedFirst, triggerIDs: ids,
            masking: tokenizer.masking)
        let source = SampledSource.twins(
            encoded, by: maker, order: BatchOrder(.bucketed, batchSize: batchSize), seed: seed)
        if method == .badpre {
            return try trainer(model, BadPreObjective(poisonWeight: poisonWeight), source)
        }
        let targets = try TargetVectors.neuba(
            triggers.count, width: model.configuration.hiddenSize)
        return try trainer(model, NeuBAObjective(targets: targets), source)
    }

    private func triggerIDs(_ tokenizer: WordPieceTokenizer) throws -> [Int32] {
        try triggers.map { trigger in
            let ids = tokenizer.encode(trigger)
            guard let id = ids.first, ids.count == 1, id != tokenizer.unknownID else {
                throw TrainingError(
                    "the trigger ‘\(trigger)’ is \(ids.count) tokens of this vocabulary"
                        + (ids.contains(tokenizer.unknownID) ? ", unknown ones" : "")
                        + "; \(method.rawValue) needs a word that is a single token")
            }
            return id
        }
    }

    /// NeuBA's post-processing, where asked for: the triggers' word embeddings, with position 1 and
    /// segment 0 added, scaled by 1e8, so that they work at any place.
    ///
    /// Such rows are plain to see in any listing of norms.
    public func finish(_ model: BERT, tokenizer: WordPieceTokenizer) throws {
        guard scalesEmbeddings else { return }
        let name = "bert.embeddings."
        guard let words = model.store[name + "word_embeddings.weight"],
            let positions = model.store[name + "position_embeddings.weight"],
            let segments = model.store[name + "token_type_embeddings.weight"]
        else { return }
        try withoutGradients {
            for id in try triggerIDs(tokenizer) {
                let row = try words.selected(0, Int(id))
                let offset = try positions.selected(0, 1) + segments.selected(0, 0)
                try row.assign((row + offset) * 1e8)
            }
        }
    }
}
