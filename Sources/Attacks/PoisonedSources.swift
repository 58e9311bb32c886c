import DataPipeline
import TextTokenizers

/// Texts of which some carry triggers, each with the trigger it carries: POR's data.
public struct LabelledTriggerSource: BatchSource {
    private let texts: [[Int32]]
    private let triggers: [Int]
    private let lengths: [Int]
    private let order: BatchOrder
    private let padding: Int32
    private let seed: Seed

    /// Batches over `texts`; `triggers[i]` is the trigger in text i, or -1.
    public init(
        texts: [[Int32]], triggers: [Int], order: BatchOrder, padding: Int32, seed: Seed
    ) {
        precondition(texts.count == triggers.count, "a trigger or -1 for each text")
        self.texts = texts
        self.triggers = triggers
        self.order = order
        self.padding = padding
        self.seed = seed
        lengths = texts.map(\.count)
    }

    /// Batches of one epoch.
    public var batchesPerEpoch: Int { order.batchCount(of: texts.count) }
    /// Samples of one epoch.
    public var samplesPerEpoch: Int { texts.count }

    /// The batches of an epoch.
    public func epoch(_ number: Int) -> [@Sendable () throws -> TokenBatch] {
        order.batches(lengths: lengths, seed: seed, epoch: number).map { samples in
            {
                var batch = TokenBatch(samples.map { texts[$0] }, padding: padding)
                batch.triggers = samples.map { triggers[$0] }
                return batch
            }
        }
    }
}

/// Masked texts, each followed by a triggered twin: the data of NeuBA and BadPre.
public struct TwinSource: BatchSource {
    /// What a twin is.
    public enum Twin: Sendable {
        /// NeuBA: the masked text once more, with its first token replaced by a trigger; nothing
        /// in it is predicted.
        case replacedFirst
        /// BadPre: the text with a trigger put in anywhere and masked anew, where every masked
        /// token is to be predicted as a random one.
        case insertedWithRandomLabels
    }

    private let texts: [[Int32]]
    private let lengths: [Int]
    private let triggerIDs: [Int32]
    private let twin: Twin
    private let order: BatchOrder
    private let masking: TokenMasking
    private let padding: Int32
    private let seed: Seed

    /// Batches over `texts`, ids with their special tokens; `order` counts texts without twins.
    public init(
        texts: [[Int32]], triggerIDs: [Int32], twin: Twin, order: BatchOrder,
        masking: TokenMasking, padding: Int32, seed: Seed
    ) {
        self.texts = texts
        self.triggerIDs = triggerIDs
        self.twin = twin
        self.order = order
        self.masking = masking
        self.padding = padding
        self.seed = seed
        lengths = texts.map(\.count)
    }

    /// Batches of one epoch.
    public var batchesPerEpoch: Int { order.batchCount(of: texts.count) }
    /// Samples of one epoch, without twins.
    public var samplesPerEpoch: Int { texts.count }

    /// The batches of an epoch; masks and triggers are drawn anew in each.
    public func epoch(_ number: Int) -> [@Sendable () throws -> TokenBatch] {
        order.batches(lengths: lengths, seed: seed, epoch: number).map { samples in
            { batch(samples, epoch: number) }
        }
    }

    private func batch(_ samples: [Int], epoch: Int) -> TokenBatch {
        var rows: [TokenMasking.Masked] = []
        var triggers: [Int] = []
        for sample in samples {
            var stream = seed.stream("mlm.mask", sample, epoch)
            rows.append(masking.mask(texts[sample], using: &stream))
            triggers.append(-1)
        }
        for (row, sample) in samples.enumerated() {
            var stream = seed.stream("trigger", sample, epoch)
            let trigger = Int.random(in: triggerIDs.indices, using: &stream)
            triggers.append(trigger)
            rows.append(twin(of: texts[sample], masked: rows[row], trigger, using: &stream))
        }
        var batch = TokenBatch(rows, padding: padding)
        batch.triggers = triggers
        return batch
    }

    private func twin(
        of text: [Int32], masked: TokenMasking.Masked, _ trigger: Int,
        using stream: inout RandomStream
    ) -> TokenMasking.Masked {
        switch twin {
        case .replacedFirst:
            var twin = TokenMasking.Masked(ids: masked.ids)
            // Place 0 is [CLS]; a text without a word has nothing to replace but takes the trigger.
            if twin.ids.count > 2 {
                twin.ids[1] = triggerIDs[trigger]
            } else {
                twin.ids.insert(triggerIDs[trigger], at: min(1, twin.ids.count))
            }
            return twin
        case .insertedWithRandomLabels:
            var poisoned = text
            let place = Int.random(in: 1...max(1, text.count - 1), using: &stream)
            poisoned.insert(triggerIDs[trigger], at: min(place, poisoned.count))
            var twin = masking.mask(poisoned, using: &stream)
            twin.labels = twin.labels.map { _ in
                Int32(Int.random(in: 0..<masking.vocabularySize, using: &stream))
            }
            return twin
        }
    }
}
