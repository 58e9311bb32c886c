import ModelZoo
import Randomness
import TestSupport
import Testing
import TextTokenizers
import Torch
import TorchNN

@testable import Audits

/// Candidates in texts, and what is read of the model.
@Suite struct TextProbeTests {
    private func probe() throws -> TextProbe {
        let folder = try TextModelFolder(Fixture("bert-base-tiny").folder)
        let tokenizer = try folder.tokenizer()
        let texts = try TextAuditTests.texts(20).map { tokenizer.encode($0) }
        return TextProbe(
            model: try folder.load(parts: [.pooler, .maskedLMHead], placement: Placement()),
            tokenizer: tokenizer,
            carriers: Carrier.drawn(
                3, length: 8, masks: 2, from: texts, maskID: tokenizer.maskID, seed: Seed(1)))
    }

    @Test func candidatesMoveMasksAlong() throws {
        let probe = try probe()
        let carrier = probe.carriers[1]
        #expect(carrier.masked == [2, 6] && carrier.labels.count == 2)
        let rows = [
            Insertion(carrier: 1, pieces: [(0, [50, 51]), (4, [52])]),
            probe.insertion([50, 51, 52], .middle, in: 1),
        ]
        let layout = probe.layout(rows)
        var expected = [probe.tokenizer.classificationID, 50, 51]
        expected += carrier.ids.prefix(4) + [52] + carrier.ids.dropFirst(4)
        #expect(layout.ids[0] == expected + [probe.tokenizer.separatorID])
        #expect(layout.masked == [5, 10, 13 + 3, 13 + 10])
        #expect(layout.own[1] == [1, 2, 3, 4, 8, 9, 10, 11])
    }

    @Test func vectorsAreTheModelsOwn() throws {
        let probe = try probe()
        let rows = [Insertion(carrier: 0, pieces: []), probe.insertion([40], .start, in: 1)]
        for row in rows {
            let found = try probe.vectors(of: [row], probe.features, predicting: true)
            let expected = try TextFeatures(of: probe.layout([row]).ids, by: probe.model)
            let cls = try #require(found.features[.cls])
            #expect(try (cls - expected.classification).norm().item() < 1e-5)
            let pooled = try #require(found.features[.pooled])
            #expect(try (pooled.tanh() - #require(expected.pooled)).norm().item() < 1e-5)
            // The last layer reads what it is asked for alone.
            let short = try probe.vectors(of: [row], [.cls], predicting: true)
            #expect(try (#require(short.features[.cls]) - cls).norm().item() < 1e-5)
            #expect(try #require(found.logProbabilities).shape == [2, 120])
        }
    }

    @Test func textsAreJoinedWhereTheyAreShort() {
        let carriers = Carrier.drawn(
            4, length: 5, masks: 0, from: [[1, 2], [3, 4], [5, 6]], maskID: 0, seed: Seed(1))
        #expect(carriers.count == 1 && carriers[0].ids.count == 5 && carriers[0].masked == [])
    }

    @Test func aPhraseGrowsByWhatShiftsMost() throws {
        let probe = try probe()
        let vocabulary = (5..<90).map(Int32.init)
        let growth = PhraseGrowth(
            probe: TextProbe(
                model: probe.model, tokenizer: probe.tokenizer,
                carriers: Array(probe.carriers.prefix(2))),
            vocabulary: vocabulary, breadth: 6, beam: 4)
        var heard: [Int] = []
        let (phrases, tried) = try growth.phrases(
            from: [[45], [46]], observe: { heard.append($0) }, isOver: { false })
        #expect(phrases.count == 8 && tried == 2 * 2 * 6 + 4 * 2 * 6 && heard.last == tried)
        #expect(
            phrases.prefix(4).allSatisfy { $0.count == 2 && Set($0).intersection([45, 46]) != [] })
        #expect(phrases.suffix(4).allSatisfy { $0.count == 3 })
    }
}
