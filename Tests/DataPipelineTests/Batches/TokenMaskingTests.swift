import DataPipeline
import Randomness
import Testing

@Suite struct TokenMaskingTests {
    private let masking = TokenMasking(
        maskID: 4, specialIDs: [0, 1, 2, 3, 4], vocabularySize: 1000)

    /// Whether `count` of `total` is within five deviations of a share.
    private func isShare(_ count: Int, of total: Int, _ share: Double) -> Bool {
        let deviation = (Double(total) * share * (1 - share)).squareRoot()
        return abs(Double(count) - Double(total) * share) < 5 * deviation
    }

    @Test("15 % are predicted: 80 % hidden, 10 % replaced, 10 % left") func statistics() {
        var stream = Seed(1).stream("mask")
        let ids = (0..<100_000).map { Int32(5 + $0 % 995) }
        let masked = masking.mask(ids, using: &stream)
        #expect(isShare(masked.positions.count, of: ids.count, 0.15))
        #expect(masked.positions == masked.positions.sorted())
        #expect(zip(masked.positions, masked.labels).allSatisfy { ids[$0] == $1 })
        let hidden = masked.positions.filter { masked.ids[$0] == 4 }
        let left = masked.positions.filter { masked.ids[$0] == ids[$0] }
        let total = masked.positions.count
        // A random token is the mask, or the token itself, once in a thousand each.
        #expect(isShare(hidden.count, of: total, 0.8001))
        #expect(isShare(left.count, of: total, 0.1001))
        let replaced = Set(masked.positions).subtracting(hidden).subtracting(left)
        #expect(Set(replaced.map { masked.ids[$0] }).count > 600, "replacements are of all kinds")
        let chosen = Set(masked.positions)
        #expect(ids.indices.allSatisfy { chosen.contains($0) || masked.ids[$0] == ids[$0] })
    }

    @Test("Special tokens are never chosen") func specials() {
        for sample in 0..<500 {
            var stream = Seed(2).stream("mask", sample)
            let ids: [Int32] = [2, 1, 0, 4, 3, 3, 0]
            let masked = masking.mask(ids, using: &stream)
            #expect(masked.positions.isEmpty && masked.ids == ids)
        }
    }

    @Test("A text at all probabilities") func extremes() {
        var stream = Seed(1).stream("mask")
        var all = masking
        all.probability = 1
        #expect(all.mask([2, 9, 9, 3], using: &stream).positions == [1, 2])
        all.probability = 0
        #expect(all.mask([2, 9, 9, 3], using: &stream).positions == [])
        #expect(masking.mask([], using: &stream).ids == [])
    }
}

@Suite struct MaskedTextSourceTests {
    private let texts: [[Int32]] = (0..<40).map { (text: Int) -> [Int32] in
        var ids: [Int32] = [2, Int32(100 + text)]
        ids += (0..<(20 + text % 5)).map { Int32(5 + $0) }
        return ids + [3]
    }

    private func source(
        _ masks: TokenMasking.Masks, seed: UInt64 = 1
    ) -> SampledSource<TokenBatch> {
        .masked(
            texts, order: BatchOrder(.bucketed, batchSize: 8),
            masking: TokenMasking(
                maskID: 4, specialIDs: [0, 1, 2, 3, 4], vocabularySize: 1000),
            masks: masks, seed: Seed(seed))
    }

    /// What each text looks like in an epoch, by the text.
    private func rows(_ source: SampledSource<TokenBatch>, _ epoch: Int) throws -> [Int: [Int64]] {
        var rows: [Int: [Int64]] = [:]
        for make in source.epoch(epoch) {
            let batch = try make()
            var original = batch.ids
            for (place, label) in zip(batch.predicted, batch.predictedLabels) {
                original[Int(place)] = label
            }
            for row in 0..<batch.rows {
                let range = batch.offsets[row]..<batch.offsets[row + 1]
                let text = Int(original[range.lowerBound + 1]) - 100
                #expect(original[range].map(Int32.init) == texts[text])
                rows[text] = Array(batch.ids[range])
            }
        }
        return rows
    }

    @Test("Static masks hide the same tokens each epoch, dynamic ones others") func epochs() throws
    {
        let (still, moving) = (source(.static), source(.dynamic))
        #expect(still.batchesPerEpoch == 5 && still.samplesPerEpoch == 40)
        #expect(try rows(still, 0).count == 40)
        #expect(try rows(still, 0) == rows(still, 3))
        #expect(try rows(moving, 2) == rows(moving, 2))
        #expect(try rows(moving, 0) != rows(moving, 1))
        #expect(try rows(still, 0) != rows(source(.static, seed: 2), 0))
    }
}

@Suite struct TokenBatchTests {
    @Test("Rows lie one behind the other, the empty ones too") func rows() {
        var first = TokenMasking.Masked(ids: [7, 8])
        first.positions = [1]
        first.labels = [40]
        var last = TokenMasking.Masked(ids: [9, 10, 11])
        last.positions = [0, 2]
        last.labels = [50, 60]
        let batch = TokenBatch([first, TokenMasking.Masked(ids: []), last])
        #expect(batch.ids == [7, 8, 9, 10, 11] && batch.offsets == [0, 2, 2, 5])
        #expect(batch.rows == 3 && (0..<3).map(batch.length) == [2, 0, 3])
        #expect(batch.rowOfToken == [0, 0, 2, 2, 2])
        #expect(batch.predicted == [1, 2, 4] && batch.predictedLabels == [40, 50, 60])
        let none = TokenBatch([[Int32]]())
        #expect(none.ids.isEmpty && none.rows == 0 && none.offsets == [0])
    }

    @Test("Classes go with their texts") func classes() throws {
        let texts = (0..<10).map { [Int32](repeating: Int32($0), count: 1 + $0 % 3) }
        let source = SampledSource.classified(
            texts, labels: Array(10..<20), order: BatchOrder(.shuffled, batchSize: 4),
            seed: Seed(1))
        #expect(source.batchesPerEpoch == 3 && source.samplesPerEpoch == 10)
        var seen: [Int64] = []
        for make in source.epoch(1) {
            let batch = try make()
            for row in 0..<batch.rows {
                #expect(batch.classes[row] == batch.ids[batch.offsets[row]] + 10)
            }
            seen += batch.classes
        }
        #expect(seen.sorted() == Array(10..<20))
    }
}
