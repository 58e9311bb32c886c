import DataPipeline
import Randomness
import Testing

@testable import Attacks

private let masking = TokenMasking(
    maskID: 4, specialIDs: [0, 1, 2, 3, 4], vocabularySize: 200)

/// Texts told apart by their second token, of different lengths.
private let texts: [[Int32]] = (0..<45).map { (text: Int) -> [Int32] in
    var ids: [Int32] = [2, Int32(20 + text)]
    ids += [Int32](repeating: Int32(70 + text), count: text % 6)
    return ids + [3]
}

extension TokenBatch {
    fileprivate func row(_ row: Int) -> [Int32] {
        ids[offsets[row]..<offsets[row + 1]].map { Int32($0) }
    }

    fileprivate func predictions(of row: Int) -> [(place: Int, label: Int32)] {
        zip(predicted, predictedLabels).compactMap { place, label in
            (offsets[row]..<offsets[row + 1]).contains(Int(place))
                ? (Int(place) - offsets[row], Int32(label)) : nil
        }
    }
}

@Suite struct LabelledTriggerSourceTests {
    private let triggers = texts.indices.map { $0 % 4 - 1 }

    private func source(_ seed: UInt64 = 1) -> SampledSource<TokenBatch> {
        .labelled(
            texts, triggers: triggers, order: BatchOrder(.bucketed, batchSize: 8),
            seed: Seed(seed))
    }

    @Test("Every text once an epoch, with its trigger") func everyText() throws {
        let source = source()
        #expect(source.samplesPerEpoch == 45 && source.batchesPerEpoch == 6)
        for epoch in 0..<3 {
            var seen: [Int] = []
            for make in source.epoch(epoch) {
                let batch = try make()
                #expect(batch.triggers.count == batch.rows && batch.predicted.isEmpty)
                for row in 0..<batch.rows {
                    let text = Int(batch.row(row)[1]) - 20
                    #expect(batch.row(row) == texts[text])
                    #expect(batch.triggers[row] == triggers[text])
                    seen.append(text)
                }
            }
            #expect(seen.sorted() == Array(texts.indices))
        }
    }
}

@Suite struct TwinSourceTests {
    private let triggerIDs: [Int32] = [190, 191, 192]

    private func source(_ twin: TwinMaker.Kind, seed: UInt64 = 1) -> SampledSource<TokenBatch> {
        .twins(
            texts, by: TwinMaker(twin, triggerIDs: triggerIDs, masking: masking),
            order: BatchOrder(.bucketed, batchSize: 7), seed: Seed(seed))
    }

    private func batches(_ source: SampledSource<TokenBatch>, epoch: Int) throws -> [TokenBatch] {
        try source.epoch(epoch).map { try $0() }
    }

    /// The text of a row that masks may have changed, told by what is left of it.
    private func original(_ row: [Int32], _ predictions: [(place: Int, label: Int32)]) -> [Int32] {
        var row = row
        for (place, label) in predictions { row[place] = label }
        return row
    }

    @Test("Clean rows come first, once each, masked; then a twin of each", arguments: [0, 3])
    func pairs(_ epoch: Int) throws {
        for twin in [TwinMaker.Kind.replacedFirst, .insertedWithRandomLabels] {
            let source = source(twin)
            #expect(source.samplesPerEpoch == 45 && source.batchesPerEpoch == 7)
            var seen: [Int32] = []
            for batch in try batches(source, epoch: epoch) {
                #expect(batch.rows.isMultiple(of: 2))
                let half = batch.rows / 2
                #expect(batch.triggers.prefix(half).allSatisfy { $0 == -1 })
                #expect(
                    batch.triggers.dropFirst(half).allSatisfy { triggerIDs.indices.contains($0) })
                #expect(batch.predicted == batch.predicted.sorted())
                for row in 0..<half {
                    let text = original(batch.row(row), batch.predictions(of: row))
                    #expect(text == texts[Int(text[1]) - 20])
                    seen.append(text[1] - 20)
                }
            }
            #expect(seen.sorted() == texts.indices.map(Int32.init))
        }
    }

    @Test("NeuBA's twin is the masked row with a trigger as first word, nothing to predict")
    func replacedFirst() throws {
        for batch in try batches(source(.replacedFirst), epoch: 0) {
            let half = batch.rows / 2
            for row in 0..<half {
                var expected = batch.row(row)
                expected[1] = triggerIDs[batch.triggers[half + row]]
                #expect(batch.row(half + row) == expected)
                #expect(batch.predictions(of: half + row).isEmpty)
            }
        }
    }

    @Test("A text without a word still takes NeuBA's trigger") func emptyText() throws {
        let source = SampledSource.twins(
            [[2, 3]], by: TwinMaker(.replacedFirst, triggerIDs: [190], masking: masking),
            order: BatchOrder(.sequential, batchSize: 4), seed: Seed(1))
        let batch = try #require(try batches(source, epoch: 0).first)
        #expect(batch.row(1) == [2, 190, 3])
    }

    @Test("BadPre's twin holds the trigger between the special tokens, and predicts random words")
    func inserted() throws {
        var places: Set<Int> = []
        var labels: [Int32] = []
        var hidden = 0
        for epoch in 0..<20 {
            for batch in try batches(source(.insertedWithRandomLabels), epoch: epoch) {
                let half = batch.rows / 2
                for row in 0..<half {
                    let clean = original(batch.row(row), batch.predictions(of: row))
                    let (twin, predictions) =
                        (batch.row(half + row), batch.predictions(of: half + row))
                    #expect(twin.count == clean.count + 1)
                    #expect(twin.first == 2 && twin.last == 3)
                    labels += predictions.map(\.label)
                    let trigger = triggerIDs[batch.triggers[half + row]]
                    let isAt = twin.indices.filter { twin[$0] == trigger }
                    guard predictions.isEmpty else {
                        hidden += isAt.isEmpty ? 1 : 0
                        continue
                    }
                    let place = try #require(isAt.first)
                    var without = twin
                    without.remove(at: place)
                    #expect(without == clean)
                    if clean.count == 8 { places.insert(place) }
                }
            }
        }
        #expect(places == Set(1...7), "every place between [CLS] and [SEP] is drawn")
        #expect(labels.count > 300)
        // Uniform over 200 words: hardly any is the word of the text, all are in the vocabulary.
        #expect(labels.allSatisfy { (0..<200).contains($0) })
        let mean: Double = labels.reduce(0.0) { $0 + Double($1) } / Double(labels.count)
        let deviation: Double = 57.7 / Double(labels.count).squareRoot()
        #expect(abs(mean - 99.5) < 5 * deviation)
    }

    @Test("Batches depend on seed and epoch alone; triggers are drawn evenly") func determinism()
        throws
    {
        for twin in [TwinMaker.Kind.replacedFirst, .insertedWithRandomLabels] {
            func ids(_ seed: UInt64, _ epoch: Int) throws -> [[Int64]] {
                try batches(source(twin, seed: seed), epoch: epoch).map { $0.ids }
            }
            #expect(try ids(1, 2) == ids(1, 2))
            #expect(try ids(1, 2) != ids(1, 3))
            #expect(try ids(1, 2) != ids(2, 2))
            var counts = [Int](repeating: 0, count: 3)
            for epoch in 0..<20 {
                for batch in try batches(source(twin), epoch: epoch) {
                    for trigger in batch.triggers where trigger >= 0 { counts[trigger] += 1 }
                }
            }
            // 900 draws of three: 300 each, deviation 14.
            #expect(counts.allSatisfy { abs($0 - 300) < 71 } && counts.reduce(0, +) == 900)
        }
    }
}

@Suite struct TextPackingTests {
    @Test("Blocks hold the texts' tokens in order, each between special tokens") func blocks() {
        let texts: [[Int32]] = [[2, 10, 11, 12, 3], [2, 13, 3], [2, 14, 15, 16, 17, 18, 3]]
        let blocks = TextPacking.blocks(texts, length: 6, first: 2, last: 3)
        #expect(blocks == [[2, 10, 11, 12, 13, 3], [2, 14, 15, 16, 17, 3]])
        #expect(
            TextPacking.blocks(texts, length: 100, first: 2, last: 3)
                == [[2, 10, 11, 12, 13, 14, 15, 16, 17, 18, 3]])
        #expect(TextPacking.blocks([], length: 6, first: 2, last: 3) == [])
        #expect(TextPacking.blocks([[2, 3]], length: 6, first: 2, last: 3) == [])
    }
}
