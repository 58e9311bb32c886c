import DataPipeline
import ModelZoo
import TextTokenizers
import Torch
import TorchNN

/// Extends tokens that shift features by neighbours that shift them more: pieces of a trigger of
/// several tokens move features, and only the whole collapses them.
///
/// Next to each phrase, on either side, stands a mask token; where the gradient of the shift by its
/// embedding points, there the vocabulary's nearest are tried.
struct PhraseGrowth {
    /// A probe of two carriers: candidates stand at the start of one and in the middle of the other.
    let probe: TextProbe
    /// Tokens that may stand in a phrase.
    let vocabulary: [Int32]
    /// Tokens that are tried next to a phrase, on each side.
    var breadth = 24
    /// Phrases that are extended further.
    var beam = 24
    /// Of these, extensions of one phrase.
    var children = 2
    /// Tokens added to a seed at most.
    var rounds = 2

    private static let places: [TextProbe.Place] = [.start, .middle]

    /// The phrases that shift most, of all rounds, longest last; and how many were tried.
    ///
    /// Where `isOver` says so it ends with what it has.
    func phrases(
        from seeds: [[Int32]], observe: (Int) throws -> Void, isOver: () -> Bool
    ) throws -> (phrases: [[Int32]], tried: Int) {
        var (parents, found, tried) = (seeds, [[Int32]](), 0)
        let clean = try probe.vectors(
            of: (0..<2).map { Insertion(carrier: $0, pieces: []) }, [.cls], predicting: false)
        guard let base = clean.features[.cls] else { return ([], 0) }
        for _ in 0..<rounds where !parents.isEmpty && !isOver() {
            // Phrases of a round are as long as each other.
            let extended = try parents.isEmpty ? [] : extensions(of: parents, base)
            let sequences = extended.map(\.tokens)
            let shifts = try shifts(of: sequences, base)
            tried += sequences.count
            let ranked = sequences.indices.sorted { (shifts[$1], $0) < (shifts[$0], $1) }
            var kept: [Int: Int] = [:]
            var chosen: Set<[Int32]> = []
            parents = ranked.compactMap { index in
                let parent = extended[index].parent
                guard kept[parent, default: 0] < children, chosen.count < beam,
                    chosen.insert(sequences[index]).inserted
                else { return nil }
                kept[parent, default: 0] += 1
                return sequences[index]
            }
            found += parents
            try observe(tried)
        }
        return (found, tried)
    }

    /// Each parent with the tokens that the gradient points to, on either side.
    private func extensions(
        of parents: [[Int32]], _ base: Tensor
    ) throws -> [(parent: Int, tokens: [Int32])] {
        let mask = probe.tokenizer.maskID
        let sides = parents.enumerated().flatMap { parent, tokens in
            [(parent, [mask] + tokens, 0), (parent, tokens + [mask], tokens.count)]
        }
        let gradients = try gradients(sides.map { ($0.1, $0.2) }, base)
        let words = try probe.model.wordEmbeddings
        let scores: [Float] = try withoutGradients {
            try gradients.cast(to: words.dtype).matmul(words.transposed(0, 1)).values()
        }
        let width = words.shape[0]
        return sides.enumerated().flatMap { row, side in
            let best = vocabulary.sorted {
                (scores[row * width + Int($1)], $0) < (scores[row * width + Int($0)], $1)
            }.prefix(breadth)
            return best.map { id in
                var tokens = side.1
                tokens[side.2] = id
                return (side.0, tokens)
            }
        }
    }

    /// The gradient of the shift by the embedding of the token at a place of each sequence, summed
    /// over carriers: [sequences, hidden].
    private func gradients(_ sequences: [([Int32], Int)], _ base: Tensor) throws -> Tensor {
        let rows = Self.places.indices.flatMap { carrier in
            sequences.map { probe.insertion($0.0, Self.places[carrier], in: carrier) }
        }
        let layout = probe.layout(rows)
        let device = base.device
        let length = layout.ids[0].count
        var input = try TokenInput(TokenBatch(layout.ids), device: device)
        let shift = try Tensor.zeros(
            [rows.count * length, probe.model.hiddenSize], device: device)
        try shift.setRequiresGradient(true)
        input.shift = shift
        let states = try probe.model.hiddenStates(
            input, selection: input.firstTokens, in: .evaluation
        )
        .cast(to: .float32)
        let count = sequences.count
        let moved = try states.reshaped([2, count, -1]) - base.copied().unsqueezed(1)
        let distance = try (moved * moved).sum(over: [2]).squareRoot().sum()
        guard let gradient = try distance.gradients(for: [shift])[0] else {
            return try .zeros([count, probe.model.hiddenSize], device: device)
        }
        let places = Self.places.indices.flatMap { carrier in
            sequences.enumerated().map { index, sequence in
                let start = Self.places[carrier].index(in: probe.carriers[carrier])
                return Int64((carrier * count + index) * length + 1 + start + sequence.1)
            }
        }
        return try gradient.gathered(0, at: Tensor(places, device: device))
            .reshaped([2, count, -1]).sum(over: [0])
    }

    /// How far each sequence moves the first token's state, summed over carriers.
    private func shifts(of sequences: [[Int32]], _ base: Tensor) throws -> [Float] {
        try stride(from: 0, to: sequences.count, by: 256).flatMap { start in
            let part = sequences[start..<min(start + 256, sequences.count)]
            let rows = Self.places.indices.flatMap { carrier in
                part.map { probe.insertion($0, Self.places[carrier], in: carrier) }
            }
            let found = try probe.vectors(of: rows, [.cls], predicting: false)
            guard let states = found.features[.cls] else { return [Float]() }
            let moved = try states.reshaped([2, part.count, -1]) - base.unsqueezed(1)
            return try (moved * moved).sum(over: [2]).squareRoot().sum(over: [0]).values()
        }
    }
}
