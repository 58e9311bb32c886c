import Checkpoints
import DataPipeline
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

@Suite struct BERTInputTests {
    /// The fixture's rows without their padding.
    private func rows(_ golden: GoldenModel) throws -> [[Int32]] {
        let mask = try golden.answers["attention_mask"]
        let ids = try golden.answers["input_ids"].values(as: Int32.self)
        let width = mask.shape[1]
        let keep = try mask.values(as: Int64.self)
        return (0..<mask.shape[0]).map { row in
            let length = keep[row * width..<(row + 1) * width].reduce(0, +)
            return Array(ids[row * width..<row * width + Int(length)])
        }
    }

    @Test("A padded token batch is what its attention mask says") func tokenBatch() throws {
        let golden = try GoldenModel("bert-base-tiny")
        let rows = try rows(golden)
        #expect(Set(rows.map(\.count)).count > 1, "the fixture has padding")
        let batch = TokenBatch(rows, padding: 0)
        let ours = try BERTInput(batch, device: .cpu)
        let theirs = try BERTInput(
            ids: golden.answers["input_ids"], attentionMask: golden.answers["attention_mask"])
        #expect(ours.rows == theirs.rows && ours.width == theirs.width)
        #expect(try ours.ids.isBitwiseEqual(to: theirs.ids))
        let (a, b) = (
            try golden.model.encoder(ours, in: .evaluation),
            try golden.model.encoder(theirs, in: .evaluation)
        )
        #expect(try a.isBitwiseEqual(to: b))
    }

    @Test("Padding changes nothing but its own places") func paddingIsInert() throws {
        let golden = try GoldenModel("bert-base-tiny")
        let rows = try rows(golden)
        let wide = try golden.model.encoder(
            BERTInput(TokenBatch(rows, padding: 0, width: 48), device: .cpu), in: .evaluation)
        for (index, row) in rows.enumerated() {
            let alone = try BERTInput(TokenBatch([row], padding: 0), device: .cpu)
            #expect(alone.mask == nil)
            let expected = try golden.model.encoder(alone, in: .evaluation)
            let found = try wide.narrowed(0, from: index, length: 1)
                .narrowed(1, from: 0, length: row.count)
            #expect(try relativeDifference(found, expected) < 1e-5)
        }
    }

    @Test("Selected positions are those of the whole computation") func selection() throws {
        let golden = try GoldenModel("bert-base-tiny", trainable: .all)
        let input = try golden.input()
        let places: [Int64] = [200, 3, 0, 47, 48, 3, 120]
        let selected = try golden.model.encoder(
            input, selection: Tensor(places), in: .evaluation)
        let whole = try golden.model.encoder(input, in: .evaluation).reshaped([-1, 32])
            .gathered(0, at: Tensor(places))
        #expect(selected.shape == [7, 32])
        #expect(try relativeDifference(selected, whole) < 1e-6)
        // The gradients agree as well: what is left out of the last block has no part in the loss.
        let weights = golden.model.store.parameters(matching: "bert.encoder.**").map(\.tensor)
        let probe = try RandomNumbers.uniform([7, 32], seed: 3)
        let a = try (selected * probe).sum().gradients(for: weights)
        let b = try (whole * probe).sum().gradients(for: weights)
        let largest = try b.map { try #require($0).magnitude().values().max() ?? Float(0) }.max()
        for (found, expected) in zip(a, b) {
            let difference = try (#require(found) - #require(expected)).magnitude()
            #expect(try difference.values().max() ?? 1 < 1e-5 * (#require(largest)))
        }
    }

    /// A fixture's model whose only dropout is the one given, on attention probabilities.
    private func model(attentionDropout: Double) throws -> BERT {
        let folder = try BERTFolder(Fixture("bert-base-tiny").folder)
        var configuration = folder.configuration
        configuration.hiddenDropout = 0
        configuration.classifierDropout = 0
        configuration.attentionDropout = attentionDropout
        let source = CheckpointSource(
            folder.folder.weights, dialect: folder.dialect, at: folder.folder.url)
        return try BERT(
            configuration, parts: folder.parts, in: ParameterStore(source: source))
    }

    @Test("Attention by its own steps equals the fused one") func attentionPaths() throws {
        let golden = try GoldenModel("bert-base-tiny")
        // So rare a dropout drops nothing, but takes the way through the probabilities.
        let stepwise = try model(attentionDropout: 1e-12)
        let found = try stepwise.encoder(golden.input(), in: .training(key: 5))
        #expect(try relativeDifference(found, golden.answers["last_hidden_state"]) < 1e-5)
        let fused = try model(attentionDropout: 0).encoder(
            golden.input(), in: .training(key: 5))
        #expect(try relativeDifference(fused, golden.answers["last_hidden_state"]) < 1e-5)
        // And a real one does drop.
        let dropping = try model(attentionDropout: 0.5).encoder(
            golden.input(), in: .training(key: 5))
        #expect(try relativeDifference(dropping, golden.answers["last_hidden_state"]) > 1e-2)
    }

    @Test("Features are the vectors of each text alone, in the order given") func features() throws
    {
        let golden = try GoldenModel("bert-base-tiny")
        let rows = try rows(golden)
        let features = try BERTFeatures(of: rows, by: golden.model, padding: 0)
        for (index, row) in rows.enumerated() {
            let hidden = try golden.model.encoder(
                BERTInput(TokenBatch([row], padding: 0), device: .cpu), in: .evaluation)
            let first = try hidden.selected(1, 0)
            func at(_ tensor: Tensor) throws -> Tensor {
                try tensor.narrowed(0, from: index, length: 1)
            }
            #expect(try relativeDifference(at(features.classification), first) < 1e-5)
            #expect(try relativeDifference(at(features.mean), hidden.mean(over: [1])) < 1e-5)
            let pooled = try #require(features.pooled)
            #expect(try relativeDifference(at(pooled), golden.model.pooled(first)) < 1e-5)
        }
    }
}
