import DataPipeline
import ModelZoo
import TextTokenizers
import Training

/// Texts of a task as BadPre and NeuBA take them, and the tokens of the triggers.
struct TwinTexts {
    private let texts: [[Int32]]
    private let triggerIDs: [Int32]
    private let masking: TokenMasking

    /// Cuts the texts of `task` to `length` tokens, or joins and cuts them into blocks of so many.
    ///
    /// Throws where a trigger is no single token of the vocabulary: `attack` puts tokens in, not words.
    init(
        _ triggers: [String], of task: TextTask, length: Int, inBlocks: Bool, by attack: String
    ) throws {
        try TriggerSet.check(triggers)
        let tokenizer = task.tokenizer
        triggerIDs = try Self.triggerIDs(triggers, tokenizer, by: attack)
        masking = tokenizer.masking
        guard length > 3 else {
            throw TrainingError("texts of \(length) tokens are too short for \(attack)")
        }
        let encoded = tokenizer.encodeAll(
            task.texts, maximumLength: inBlocks ? 1 << 20 : length
        ).filter { $0.count > 2 }
        texts =
            inBlocks
            ? TextPacking.blocks(
                encoded, length: length, first: tokenizer.classificationID,
                last: tokenizer.separatorID)
            : encoded
    }

    /// Batches of texts with their twins.
    func source(_ kind: TwinMaker.Kind, _ run: RunSettings) -> SampledSource<TokenBatch> {
        .twins(
            texts, by: TwinMaker(kind, triggerIDs: triggerIDs, masking: masking),
            order: BatchOrder(.bucketed, batchSize: run.batchSize), seed: run.seed)
    }

    /// The token of each trigger.
    static func triggerIDs(
        _ triggers: [String], _ tokenizer: any TextTokenizer, by attack: String
    ) throws -> [Int32] {
        try triggers.map { trigger in
            let ids = tokenizer.encode(trigger)
            guard let id = ids.first, ids.count == 1, id != tokenizer.unknownID else {
                throw TrainingError(
                    "the trigger ‘\(trigger)’ is \(ids.count) tokens of this vocabulary"
                        + (ids.contains(tokenizer.unknownID) ? ", unknown ones" : "")
                        + "; \(attack) needs a word that is a single token")
            }
            return id
        }
    }
}
