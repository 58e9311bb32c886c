import Checkpoints
import DataPipeline
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

@Suite struct TokenInputTests {
    @Test("A row's vectors do not depend on its neighbours") func rowsAreApart() throws {
        let golden = try GoldenModel("bert-base-tiny")
        let rows = try golden.rows()
        #expect(Set(rows.map(\.count)).count > 1, "the fixture's rows differ in length")
        let batch = TokenBatch(rows)
        let together = try golden.model.hiddenStates(
            TokenInput(batch, device: .cpu), in: .evaluation)
        for (index, row) in rows.enumerated() {
            let alone = try TokenInput(TokenBatch([row]), device: .cpu)
            let expected = try golden.model.hiddenStates(alone, in: .evaluation)
            let found = try together.narrowed(
                0, from: batch.offsets[index], length: row.count)
            #expect(try relativeDifference(found, expected) < 1e-5)
        }
    }

    @Test("Selected positions are those of the whole computation") func selection() throws {
        let golden = try GoldenModel("bert-base-tiny", trainable: .all)
        let input = try golden.input()
        let places: [Int64] = [100, 3, 0, 47, 48, 3, 60]
        let selected = try golden.model.hiddenStates(
            input, selection: Tensor(places), in: .evaluation)
        let whole = try golden.model.hiddenStates(input, in: .evaluation)
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
        let folder = try TextModelFolder(Fixture("bert-base-tiny").folder)
        var configuration = try #require(folder.configuration.base as? BERTConfiguration)
        configuration.hiddenDropout = 0
        configuration.classifierDropout = 0
        configuration.attentionDropout = attentionDropout
        let source = CheckpointSource(
            folder.folder.weights, dialect: folder.dialect, at: folder.folder.url)
        return try BERT(
            configuration, parts: folder.parts, in: ParameterStore(source: source))
    }

    @Test("Attention's dropout drops in training alone") func attentionDropout() throws {
        let golden = try GoldenModel("bert-base-tiny")
        let expected = try golden.ofTokens(golden.answers["last_hidden_state"])
        let model = try model(attentionDropout: 0.5)
        let still = try model.hiddenStates(golden.input(), in: .evaluation)
        #expect(try relativeDifference(still, expected) < 1e-5)
        let dropping = try model.hiddenStates(golden.input(), in: .training(key: 5))
        #expect(try relativeDifference(dropping, expected) > 1e-2)
    }

    @Test("Features are the vectors of each text alone, in the order given") func features() throws
    {
        let golden = try GoldenModel("bert-base-tiny")
        let rows = try golden.rows()
        let features = try TextFeatures(of: rows, by: golden.model)
        for (index, row) in rows.enumerated() {
            let hidden = try golden.model.hiddenStates(
                TokenInput(TokenBatch([row]), device: .cpu), in: .evaluation)
            let first = try hidden.narrowed(0, from: 0, length: 1)
            func at(_ tensor: Tensor) throws -> Tensor {
                try tensor.narrowed(0, from: index, length: 1)
            }
            #expect(try relativeDifference(at(features.classification), first) < 1e-5)
            #expect(
                try relativeDifference(
                    at(features.mean), hidden.mean(over: [0], keepingDimensions: true)) < 1e-5)
            let pooled = try #require(features.pooled)
            #expect(try relativeDifference(at(pooled), golden.model.pooled(first)) < 1e-5)
        }
    }
}
