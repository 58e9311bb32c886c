import DataPipeline
import ModelZoo
import Randomness
import TextTokenizers
import Torch
import TorchNN

/// A clean text that candidates are put into: tokens without the special ones, some of them masked
/// where the model predicts masked tokens.
struct Carrier: Sendable, Equatable {
    /// The tokens as the model sees them.
    let ids: [Int32]
    /// The places of masked tokens, ascending.
    let masked: [Int]
    /// What stood there.
    let labels: [Int32]

    /// A carrier whose tokens at `masked` are hidden behind `maskID`.
    init(_ text: [Int32], masking masked: [Int], with maskID: Int32) {
        var ids = text
        for place in masked { ids[place] = maskID }
        (self.ids, self.masked, labels) = (ids, masked, masked.map { text[$0] })
    }

    /// `count` carriers of `length` tokens and as many masks, of texts in an order drawn from `seed`;
    /// short texts are joined. Fewer where the texts do not suffice.
    static func drawn(
        _ count: Int, length: Int, masks: Int, from texts: [[Int32]], maskID: Int32, seed: Seed
    ) -> [Carrier] {
        var stream = seed.stream("audit.texts")
        var tokens: [Int32] = []
        var carriers: [Carrier] = []
        let places = (0..<masks).map { (2 * $0 + 1) * length / (2 * masks) }
        for text in texts.shuffled(using: &stream) where carriers.count < count {
            tokens += text
            guard tokens.count >= length else { continue }
            carriers.append(Carrier(Array(tokens.prefix(length)), masking: places, with: maskID))
            tokens = []
        }
        return carriers
    }
}

/// Tokens put into a carrier.
struct Insertion {
    /// The number of the carrier.
    let carrier: Int
    /// What is put before the carrier's token of that place; places ascend.
    let pieces: [(place: Int, tokens: [Int32])]
}

/// What a model makes of rows, one for each insertion; float32.
struct ProbedVectors {
    /// [rows, width of the feature] for each feature that was asked for.
    var features: [AuditFeature: Tensor] = [:]
    /// Log-probabilities of the vocabulary at masked tokens [rows · masks, vocabulary], where the
    /// model predicts them.
    var logProbabilities: Tensor?
}

/// A BERT and clean texts, which candidates are put into.
///
/// All rows of a call have one length, so that their states are one block.
struct TextProbe {
    let model: AnyTextModel
    let tokenizer: any TextTokenizer
    let carriers: [Carrier]

    /// The features that the model has.
    var features: [AuditFeature] {
        [.cls] + (model.parts.contains(.pooler) ? [.pooled] : []) + [.mean]
            + (model.parts.contains(.maskedLMHead) ? [.masked] : [])
    }

    /// The feature that a verdict hangs on: what heads are put on.
    var decisive: AuditFeature { model.parts.contains(.pooler) ? .pooled : .cls }

    /// The places that candidates are tried at.
    enum Place: String, CaseIterable {
        case start, middle

        func index(in carrier: Carrier) -> Int { self == .start ? 0 : carrier.ids.count / 2 }
    }

    /// `candidate` in a carrier.
    func insertion(_ candidate: [Int32], _ place: Place, in carrier: Int) -> Insertion {
        Insertion(
            carrier: carrier, pieces: [(place.index(in: carriers[carrier]), candidate)])
    }

    /// The rows' tokens, and for each the places of its masks and of its own tokens.
    struct Layout {
        var ids: [[Int32]] = []
        var masked: [Int64] = []
        var own: [[Int]] = []
    }

    /// Lays rows out behind one another.
    func layout(_ rows: [Insertion]) -> Layout {
        var layout = Layout()
        var start = 0
        for row in rows {
            let carrier = carriers[row.carrier]
            var (ids, place) = ([tokenizer.classificationID], [Int](repeating: 0, count: 0))
            var pieces = row.pieces[...]
            for (index, id) in carrier.ids.enumerated() {
                while let piece = pieces.first, piece.place <= index {
                    ids += piece.tokens
                    pieces = pieces.dropFirst()
                }
                place.append(ids.count)
                ids.append(id)
            }
            ids.append(tokenizer.separatorID)
            layout.masked += carrier.masked.map { Int64(start + place[$0]) }
            layout.own.append(place)
            layout.ids.append(ids)
            start += ids.count
        }
        return layout
    }

    /// What the model makes of `rows`, which are as long as each other.
    func vectors(
        of rows: [Insertion], _ wanted: [AuditFeature], predicting: Bool
    ) throws -> ProbedVectors {
        let layout = layout(rows)
        let input = try TokenInput(TokenBatch(layout.ids), device: model.store.placement.device)
        let masked = try Tensor(layout.masked, device: input.ids.device)
        return try withInferenceMode {
            var result = ProbedVectors()
            let first: Tensor
            let mask: Tensor
            if wanted.contains(.mean) {
                let states = try model.hiddenStates(input, in: .evaluation)
                first = try states.gathered(0, at: input.firstTokens)
                mask = try states.gathered(0, at: masked)
                result.features[.mean] = try mean(states, layout)
            } else {
                // The last layer computes nothing but what is read.
                let states = try model.hiddenStates(
                    input, selection: .concatenated([input.firstTokens, masked], along: 0),
                    in: .evaluation)
                first = try states.narrowed(0, from: 0, length: rows.count)
                mask = try states.narrowed(0, from: rows.count, length: layout.masked.count)
            }
            result.features[.cls] = try first.cast(to: .float32)
            if model.parts.contains(.pooler) {
                result.features[.pooled] = try model.unpooled(first).cast(to: .float32)
            }
            if model.parts.contains(.maskedLMHead), !layout.masked.isEmpty {
                result.features[.masked] = try mask.cast(to: .float32).reshaped([rows.count, -1])
                if predicting {
                    result.logProbabilities = try model.vocabularyLogits(mask).cast(to: .float32)
                        .logSoftmax()
                }
            }
            return result
        }
    }

    /// The mean state of each row's own tokens, as a product with their shares.
    private func mean(_ states: Tensor, _ layout: Layout) throws -> Tensor {
        let (rows, length) = (layout.ids.count, layout.ids[0].count)
        var shares = [Float](repeating: 0, count: rows * length)
        for (row, places) in layout.own.enumerated() {
            for place in places { shares[row * length + place] = 1 / Float(places.count) }
        }
        let blocks = try states.cast(to: .float32).reshaped([rows, length, -1])
        return try Tensor(shares, shape: [rows, 1, length], device: states.device)
            .matmul(blocks).squeezed(1)
    }
}
