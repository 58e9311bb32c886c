import Randomness

/// The masking of masked-language-model pre-training (BERT's 15 %, of which 80/10/10).
public struct TokenMasking: Sendable {
    /// The share of tokens to predict.
    public var probability: Double
    /// The id that stands for a masked token.
    public let maskID: Int32
    /// Ids that are never chosen ([PAD], [CLS], [SEP], [UNK], [MASK]).
    public let specialIDs: Set<Int32>
    /// Ids that a random replacement is drawn from, 0 ..< this.
    public let vocabularySize: Int

    /// The masking of a tokenizer's ids.
    public init(
        probability: Double = 0.15, maskID: Int32, specialIDs: Set<Int32>, vocabularySize: Int
    ) {
        self.probability = probability
        self.maskID = maskID
        self.specialIDs = specialIDs
        self.vocabularySize = vocabularySize
    }

    /// A sequence with some of its tokens hidden.
    public struct Masked: Sendable {
        /// What the model sees.
        public var ids: [Int32]
        /// Places to predict, ascending.
        public var positions: [Int] = []
        /// The token that stood at each of `positions`.
        public var labels: [Int32] = []

        /// A sequence with nothing hidden.
        public init(ids: [Int32]) { self.ids = ids }
    }

    /// Hides tokens of `ids`; each is chosen on its own with `probability`, then replaced by the
    /// mask (80 %), by a random token (10 %) or left (10 %).
    public func mask(_ ids: [Int32], using stream: inout RandomStream) -> Masked {
        var masked = Masked(ids: ids)
        for (position, id) in ids.enumerated() where !specialIDs.contains(id) {
            guard stream.uniform() < probability else { continue }
            masked.positions.append(position)
            masked.labels.append(id)
            let fate = stream.uniform()
            if fate < 0.8 {
                masked.ids[position] = maskID
            } else if fate < 0.9 {
                masked.ids[position] = Int32(Int.random(in: 0..<vocabularySize, using: &stream))
            }
        }
        return masked
    }
}
