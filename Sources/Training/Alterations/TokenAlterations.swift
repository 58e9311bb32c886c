import DataPipeline
import ModelZoo
import Randomness
import TextTokenizers
import Torch
import TorchNN

/// Twins of texts with tokens put in: suspects that an audit found, and random ones.
///
/// The groups are the states of all tokens but the first, the first tokens' states, and where the model
/// has a pooler its output before the activation, which POR drives into saturation.
public final class TokenAlterations: Alterations {
    /// Token sequences under suspicion.
    public let suspects: [[Int32]]
    private let singles: [[Int32]]
    private let phrases: [[Int32]]
    private let random: [Int32]
    private let longest: Int
    private let seed: Seed
    private var drawn = 0

    /// Insertions of `suspects`, and of tokens of a vocabulary into texts of at most `longest` tokens.
    public init(
        _ suspects: [[Int32]], tokenizer: any TextTokenizer, longest: Int, seed: Seed
    ) {
        self.suspects = suspects
        singles = suspects.filter { $0.count == 1 }
        phrases = suspects.filter { $0.count > 1 }
        random = (0..<Int32(tokenizer.vocabularySize)).filter {
            !tokenizer.specialIDs.contains($0) && tokenizer.token(of: $0) != nil
        }
        (self.longest, self.seed) = (longest, seed)
    }

    /// Any insertion moves the states of a text a little.
    public var hasMargin: Bool { true }

    /// The clean texts' states.
    public func features(of model: AnyTextModel, on batch: TokenBatch) throws -> [Tensor] {
        try groups(
            of: Self.texts(of: batch).map { Twin(ids: $0, origins: Array($0.indices)) }, model)
    }

    /// One twin of each text.
    public func altered(of model: AnyTextModel, on batch: TokenBatch) throws -> AlteredFeatures {
        try altered(of: model, on: batch) { self.insertion(&$0) }
    }

    /// One twin of each text, with random tokens in it.
    public func alteredAtRandom(
        of model: AnyTextModel, on batch: TokenBatch
    ) throws -> AlteredFeatures {
        try altered(of: model, on: batch) { self.randomTokens(&$0) }
    }

    /// How many twins were made: what random choices hang on.
    public var state: String? { String(drawn) }

    /// Goes on after so many twins.
    public func restore(_ state: String) throws {
        guard let count = Int(state), count >= 0 else {
            throw TrainingError("the snapshot does not say how many texts were altered")
        }
        drawn = count
    }

    // MARK: Twins

    /// A text, and for each of its tokens its place in the clean text; nil for one that was put in.
    private struct Twin {
        var ids: [Int32]
        var origins: [Int?]
    }

    private func altered(
        of model: AnyTextModel, on batch: TokenBatch,
        _ insertion: (inout RandomStream) -> [[Int32]]
    ) throws -> AlteredFeatures {
        let texts = Self.texts(of: batch)
        let twins = texts.map { text in
            var stream = seed.stream("unlearning.tokens", drawn)
            drawn += 1
            var twin = Twin(ids: text, origins: Array(text.indices))
            for run in insertion(&stream) { insert(run, into: &twin, &stream) }
            return twin
        }
        // Of all tokens of the batch but the first of each text, in order.
        var (start, tokens) = (0, [Int64]())
        for (text, twin) in zip(texts, twins) {
            tokens += twin.origins.compactMap { $0 }.filter { $0 > 0 }
                .map { Int64(start + $0 - 1) }
            start += text.count - 1
        }
        let rows = texts.indices.map(Int64.init)
        let groups = try groups(of: twins, model)
        return AlteredFeatures(groups, rows: [tokens] + groups.dropFirst().map { _ in rows })
    }

    /// What is put into a text: half of the time a suspect, where there are any.
    private func insertion(_ stream: inout RandomStream) -> [[Int32]] {
        let draw = stream.uniform()
        if !phrases.isEmpty {
            if draw < 0.4 { return [phrases[Int.random(in: phrases.indices, using: &stream)]] }
            if draw < 0.6, !singles.isEmpty { return severalSingles(&stream) }
        } else if draw < 0.5, !singles.isEmpty {
            return [singles[Int.random(in: singles.indices, using: &stream)]]
        }
        return randomTokens(&stream)
    }

    private func severalSingles(_ stream: inout RandomStream) -> [[Int32]] {
        (0..<Int.random(in: 1...3, using: &stream)).map { _ in
            singles[Int.random(in: singles.indices, using: &stream)]
        }
    }

    private func randomTokens(_ stream: inout RandomStream) -> [[Int32]] {
        (0..<Int.random(in: 1...3, using: &stream)).map { _ in
            [random[Int.random(in: random.indices, using: &stream)]]
        }
    }

    /// Puts a run of tokens behind the first token, or anywhere before the last.
    private func insert(_ run: [Int32], into twin: inout Twin, _ stream: inout RandomStream) {
        guard twin.ids.count + run.count <= longest else { return }
        let isFirst = stream.uniform() < 0.25
        let place = isFirst ? 1 : Int.random(in: 1..<twin.ids.count, using: &stream)
        twin.ids.insert(contentsOf: run, at: place)
        twin.origins.insert(contentsOf: run.map { _ in nil }, at: place)
    }

    // MARK: States

    private func groups(of twins: [Twin], _ model: AnyTextModel) throws -> [Tensor] {
        let device = model.store.placement.device
        let batch = TokenBatch(twins.map(\.ids))
        let input = try TokenInput(batch, device: device)
        let hidden = try model.hiddenStates(input, in: .evaluation)
        var kept: [Int64] = []
        for (start, twin) in zip(batch.offsets, twins) {
            kept += twin.origins.enumerated().compactMap { place, origin in
                (origin ?? 0) > 0 ? Int64(start + place) : nil
            }
        }
        let first = try hidden.gathered(0, at: input.firstTokens)
        var groups = [try hidden.gathered(0, at: Tensor(kept, device: device)), first]
        if model.parts.contains(.pooler) { groups.append(try model.unpooled(first)) }
        return try groups.map { try $0.cast(to: .float32) }
    }

    /// The texts of a batch, with what was masked put back.
    private static func texts(of batch: TokenBatch) -> [[Int32]] {
        var ids = batch.ids
        for (place, label) in zip(batch.predicted, batch.predictedLabels) {
            ids[Int(place)] = label
        }
        return (0..<batch.rows).map { row in
            ids[batch.offsets[row]..<batch.offsets[row + 1]].map { Int32($0) }
        }
    }
}
