import DataPipeline
import Foundation
import Randomness
import Testing
import TextTokenizers

private let realCaptions: URL? = {
    let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let named = ProcessInfo.processInfo.environment["RECIPE_DATA"].flatMap {
        $0.isEmpty ? nil : URL(filePath: $0)
    }
    let candidates = [
        named, root.appending(path: ".data"),
        root.deletingLastPathComponent().appending(components: "shared", "data"),
    ]
    return candidates.compactMap { $0 }.first {
        FileManager.default.fileExists(atPath: $0.appending(path: "flickr8k/captions.txt").path)
            && FileManager.default.fileExists(
                atPath: $0.appending(path: "flickr8k/Flicker8k_Dataset").path)
    }
}()

private let cocoCaptions: URL? = realCaptions.flatMap {
    let file = $0.appending(path: "coco-mini/captions_val2017.json")
    return FileManager.default.fileExists(atPath: file.path) ? file : nil
}

@Suite(.enabled(if: realCaptions != nil, "no real captions: set RECIPE_DATA, or unpack to .data"))
struct RealCaptionTests {
    /// Captions of 8,091 images, of which 1,150 are there.
    @Test func flickr8k() throws {
        let root = try #require(realCaptions)
        let error = #expect(throws: DataError.self) {
            try CaptionedImages.read(root.appending(path: "flickr8k"))
        }
        #expect(error?.message.hasPrefix("6941 of 8091 images that have captions") == true)
        let pairs = try CaptionedImages.read(
            root.appending(path: "flickr8k"), maximumSkipped: 0.9)
        #expect(pairs.folder.hasSuffix("flickr8k/Flicker8k_Dataset"))
        #expect(pairs.count == 1150 && pairs.captionCount == 5750 && pairs.missing.count == 6941)
        #expect(pairs.samples.allSatisfy { $0.captions.count == 5 })
        #expect(pairs.source.images == 8091 && pairs.source.captions == 40_455)
        let images = try PreparedImages.prepare(
            pairs.imageSet, ImagePreparation(size: 32, filter: .bicubic, mode: .crop),
            maximumSkipped: 0)
        #expect(images.count == 1150)
        let tokenizer = try CLIPTokenizer(
            openAIMerges: root.appending(path: "vocab/bpe_simple_vocab_16e6.txt.gz"))
        let captions = TokenizedCaptions(pairs.captions(of: images), tokenizer: tokenizer)
        #expect(captions.count == 1150 && captions.captionCount == 5750 && captions.truncated == 0)
        let source = SampledSource.captioned(
            images, captions, order: BatchOrder(.shuffled, batchSize: 64), seed: Seed(42))
        let batches = try source.epoch(0).map { try $0() }
        #expect(batches.count == 18 && batches.reduce(0) { $0 + $1.rows } == 1150)
        #expect(Set(batches.flatMap(\.drawn)) == [0, 1, 2, 3, 4])
        #expect(batches[0].images.pixels.count == 64 * 32 * 32 * 3)
        for batch in batches {
            #expect(batch.tokens.ids.count == batch.rows * 77)
            #expect(zip(batch.endPositions, batch.tokens.lengths).allSatisfy { $0 == $1 - 1 })
        }
    }

    @Test(.enabled(if: cocoCaptions != nil, "no COCO captions among the real data"))
    func cocoWithoutItsImages() throws {
        let file = try #require(cocoCaptions)
        let error = #expect(throws: DataError.self) { try CaptionedImages.read(file) }
        #expect(error?.message.hasPrefix("none of the 5000 images") == true)
    }
}
