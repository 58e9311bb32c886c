import DataPipeline
import Foundation
import Randomness
import Testing
import TextTokenizers

/// A tokenizer of single letters.
private func letterTokenizer() throws -> CLIPTokenizer {
    let letters = "abcdefghijklmnopqrstuvwxyz".map(String.init)
    var configuration = CLIPTokenizer.Configuration()
    configuration.maximumLength = 8
    return try CLIPTokenizer(
        vocabulary: letters + letters.map { $0 + "</w>" } + ["<|startoftext|>", "<|endoftext|>"],
        merges: [], configuration: configuration)
}

private func plainImages(_ count: Int) -> PreparedImages {
    PreparedImages(
        name: "test", pixels: (0..<count).flatMap { [UInt8](repeating: UInt8($0), count: 12) },
        height: 2, width: 2)
}

@Suite struct CaptionBatchTests {
    static let captions = [["a", "b", "c"], ["d"], ["e", "f"], ["g h i j k l m n o"]]

    @Test func encodesAndCountsWhatIsCut() throws {
        let tokens = TokenizedCaptions(Self.captions, tokenizer: try letterTokenizer())
        #expect(tokens.count == 4 && tokens.captionCount == 7 && tokens.truncated == 1)
        #expect(tokens.length == 8 && tokens.endID == 53 && tokens.paddingID == 53)
        #expect(tokens.captionCount(of: 0) == 3 && tokens.captionCount(of: 3) == 1)
        #expect(Array(tokens[0, 2]) == [52, 28, 53])
        #expect(Array(tokens[3, 0]) == [52, 32, 33, 34, 35, 36, 37, 53])
        #expect(
            TokenizedCaptions(Self.captions, tokenizer: try letterTokenizer(), length: 77)
                .truncated == 0)
    }

    @Test func batchesHoldEachImageWithOneOfItsCaptions() throws {
        let tokens = TokenizedCaptions(Self.captions, tokenizer: try letterTokenizer())
        let source = SampledSource.captioned(
            plainImages(4), tokens, order: BatchOrder(.shuffled, batchSize: 3), seed: Seed(7))
        #expect(source.batchesPerEpoch == 2 && source.samplesPerEpoch == 4)
        for epoch in 0..<5 {
            let batches = try source.epoch(epoch).map { try $0() }
            #expect(batches.map(\.rows) == [3, 1])
            var seen: [Int] = []
            for batch in batches {
                #expect(batch.tokens.ids.count == batch.rows * 8 && batch.tokens.length == 8)
                for row in 0..<batch.rows {
                    let image = Int(batch.images.pixels[row * 12])
                    seen.append(image)
                    let expected = tokens[image, batch.drawn[row]]
                    let ids = batch.tokens.ids[row * 8..<(row + 1) * 8]
                    #expect(Array(ids.prefix(expected.count)) == Array(expected))
                    #expect(ids.dropFirst(expected.count).allSatisfy { $0 == 53 })
                    #expect(batch.tokens.lengths[row] == expected.count)
                    #expect(batch.endPositions[row] == expected.count - 1)
                    #expect(
                        batch.drawn[row] == tokens.drawn(for: image, epoch: epoch, seed: Seed(7)))
                }
                #expect(batch.tokens.highestPositions() == batch.endPositions)
            }
            #expect(seen.sorted() == [0, 1, 2, 3])
        }
    }

    @Test func drawsAnewEachEpochAndTheSameEachTime() throws {
        let seed = Seed(5)
        let drawn = (0..<3000).map { seed.caption(of: $0 % 10, among: 3, epoch: $0 / 10) }
        #expect(drawn == (0..<3000).map { seed.caption(of: $0 % 10, among: 3, epoch: $0 / 10) })
        for caption in 0..<3 { #expect((900...1100).contains(drawn.count { $0 == caption })) }
        let first = stride(from: 0, to: 3000, by: 10).map { drawn[$0] }
        #expect(Set(first) == [0, 1, 2])
        #expect((0..<100).allSatisfy { seed.caption(of: $0, among: 1, epoch: $0) == 0 })
        // What was drawn is part of what a resumed run relies on: it must not change.
        #expect((0..<12).map { seed.caption(of: $0, among: 5, epoch: 1) } == Self.pinned)
    }

    static let pinned = [2, 1, 4, 4, 3, 2, 2, 4, 1, 0, 0, 3]

    @Test func poolsWhereCLIPDoes() {
        let tokens = PaddedTokens(
            [[52, 3, 53, 60, 53], [52, 53, 53], [52, 1, 2, 3, 4]] as [[Int32]], length: 5,
            padding: 53)
        #expect(tokens.firstPositions(of: 53) == [2, 1, 0])
        #expect(tokens.highestPositions() == [3, 1, 0])
        #expect(tokens.mask == [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1])
    }

    @Test func leavesDamagedImagesOut() throws {
        let folder = try ReaderFolder()
        for index in 0..<5 {
            _ = try folder.write(
                "\(index).ppm",
                index == 2 ? Array("P6 nothing".utf8) : SampleImage.ppm([UInt8(index), 0, 0]))
        }
        let rows = (0..<5).map { "\($0).ppm,\("abcde".map(String.init)[$0])\n" }.joined()
        let pairs = try CaptionedImages.read(
            folder.write("captions.csv", "image,caption\n" + rows))
        let images = try PreparedImages.prepare(
            pairs.imageSet, ImagePreparation(size: 4, filter: .bicubic, mode: .crop),
            maximumSkipped: 0.3)
        #expect(images.skipped.map(\.identifier) == ["2.ppm"])
        #expect(images.sourceIndices == [0, 1, 3, 4])
        let captions = pairs.captions(of: images)
        #expect(captions == [["a"], ["b"], ["d"], ["e"]])
        let source = SampledSource.captioned(
            images, TokenizedCaptions(captions, tokenizer: try letterTokenizer()),
            order: BatchOrder(.sequential, batchSize: 4), flips: true, seed: Seed(1))
        let batch = try #require(try source.epoch(0).first?())
        #expect(batch.tokens.ids[17] == 29 && batch.images.pixels[2 * 48] == 3)
    }

    @Test func fewLargeBatchesWait() {
        func waiting(_ batchSize: Int, samples: Int = 10_000) -> Int {
            SampledSource<[Int]>(
                lengths: [Int](repeating: 1, count: samples),
                order: BatchOrder(.shuffled, batchSize: batchSize), seed: Seed(1),
                sampleBytes: 224 * 224 * 3
            ) { samples, _ in samples }.batchesAhead
        }
        #expect(waiting(64) == 8 && waiting(512) == 3 && waiting(1024) == 1)
        #expect(waiting(1 << 40) == 1 && waiting(1 << 40, samples: 3) == 8)
    }

    @Test func missingAndDamagedImagesShareOneAllowance() throws {
        let folder = try ReaderFolder()
        // Of ten images one is not there, and one is no image.
        for index in 0..<9 {
            _ = try folder.write(
                "\(index).ppm",
                index == 2 ? Array("P6 nothing".utf8) : SampleImage.ppm([UInt8(index), 0, 0]))
        }
        let rows = (0..<10).map { "\($0).ppm,\("abcdefghij".map(String.init)[$0])\n" }.joined()
        let file = try folder.write("captions.csv", "image,caption\n" + rows)
        func prepare(_ share: Double, limit: Int? = nil) throws -> PreparedPairs {
            try PreparedPairs.prepare(
                CaptionedImages.read(file, maximumSkipped: share),
                ImagePreparation(size: 4, filter: .bicubic, mode: .crop),
                tokenizer: letterTokenizer(), length: 3, limit: limit, seed: Seed(3),
                maximumSkipped: share)
        }
        let pairs = try prepare(0.2)
        #expect(pairs.count == 8 && pairs.captions.count == 8)
        #expect(pairs.skipped.map(\.identifier) == ["9.ppm", "2.ppm"])
        #expect(Array(pairs.captions[2, 0]) == [52, 29, 53])
        let error = #expect(throws: DataError.self) { try prepare(0.15) }
        #expect(error?.description.contains("2.ppm") == true)
        #expect(try prepare(1, limit: 5).count >= 4)
    }
}
