import DataPipeline
import Randomness
import TextTokenizers

extension SampledSource where Batch == TokenBatch {
    /// Batches over `texts` of which some carry triggers: POR's data. `triggers[i]` is the trigger
    /// in text i, or -1.
    public static func labelled(
        _ texts: [[Int32]], triggers: [Int], order: BatchOrder, seed: Seed
    ) -> SampledSource {
        precondition(texts.count == triggers.count, "a trigger or -1 for each text")
        return SampledSource(
            lengths: texts.map(\.count), order: order, seed: seed, content: TokenSamples(texts)
        ) { samples, _ in
            var batch = TokenBatch(samples.map { texts[$0] })
            batch.triggers = samples.map { triggers[$0] }
            return batch
        }
    }

    /// Batches of masked texts, each followed by a triggered twin: the data of NeuBA and BadPre.
    ///
    /// `texts` are ids with their special tokens; `order` counts them without twins. Masks and
    /// triggers are drawn anew in each epoch.
    public static func twins(
        _ texts: [[Int32]], by maker: TwinMaker, order: BatchOrder, seed: Seed
    ) -> SampledSource {
        SampledSource(
            lengths: texts.map(\.count), order: order, seed: seed, content: TokenSamples(texts)
        ) { samples, epoch in
            let clean = samples.map { sample in
                var stream = seed.stream("mlm.mask", sample, epoch)
                return maker.masking.mask(texts[sample], using: &stream)
            }
            var triggers = clean.map { _ in -1 }
            let twins = zip(samples, clean).map { sample, masked in
                var stream = seed.stream("trigger", sample, epoch)
                let trigger = Int.random(in: maker.triggerIDs.indices, using: &stream)
                triggers.append(trigger)
                return maker.twin(of: texts[sample], masked: masked, trigger, using: &stream)
            }
            var batch = TokenBatch(clean + twins)
            batch.triggers = triggers
            return batch
        }
    }
}

/// Makes the triggered twin of a text.
public struct TwinMaker: Sendable {
    /// What a twin is.
    public enum Kind: Sendable {
        /// NeuBA: the masked text once more, with its first token replaced by a trigger; nothing
        /// in it is predicted.
        case replacedFirst
        /// BadPre: the text with a trigger put in anywhere and masked anew, where every masked
        /// token is to be predicted as a random one.
        case insertedWithRandomLabels
    }

    /// What a twin is.
    public let kind: Kind
    /// The token of each trigger.
    public let triggerIDs: [Int32]
    /// How texts are masked.
    public let masking: TokenMasking

    /// A maker of twins.
    public init(_ kind: Kind, triggerIDs: [Int32], masking: TokenMasking) {
        self.kind = kind
        self.triggerIDs = triggerIDs
        self.masking = masking
    }

    func twin(
        of text: [Int32], masked: TokenMasking.Masked, _ trigger: Int,
        using stream: inout RandomStream
    ) -> TokenMasking.Masked {
        switch kind {
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
