import Files
import Foundation
import Randomness
import Testing

@testable import DataPipeline

@Suite struct DataDigestTests {
    private func sha(_ bytes: [UInt8]) -> String { ContentDigest.hex(of: Data(bytes)) }
    private func lines(_ lines: [String]) -> String {
        ContentDigest.hex(of: Data(lines.map { $0 + "\n" }.joined().utf8))
    }

    @Test("Samples and their order have the digests that the documentation defines") func texts() {
        let samples = [sha([1, 0, 0, 0, 0, 1, 0, 0]), sha([255, 255, 255, 255])]
        #expect(TokenSamples([[1, 256], [-1]]).digests() == samples)
        let digest = DataDigest(of: samples, in: [[1], [0, 1]])
        #expect(digest.samples == 2 && digest.batches == 2)
        #expect(digest.sha256 == lines(samples))
        #expect(digest.order == lines([samples[1], "", samples[0], samples[1], ""]))
    }

    @Test("An image is its pixels and its class") func images() {
        let pixels = (0..<24).map { UInt8($0) }
        let plain = PreparedImages(name: "x", pixels: pixels, height: 2, width: 2)
        #expect(plain.digests() == [sha(Array(pixels[..<12])), sha(Array(pixels[12...]))])
        let classes = PreparedImages(
            name: "x", pixels: pixels, height: 2, width: 2, labels: [0, 1], classNames: ["a", "b"])
        #expect(classes.digests()[1] == sha(Array(pixels[12...]) + [1, 0, 0, 0, 0, 0, 0, 0]))
    }

    @Test("A source gives the digest of the batches that it made") func source() {
        let texts: [[Int32]] = (0..<7).map { [Int32($0), 3] }
        let masking = TokenMasking(maskID: 1, specialIDs: [], vocabularySize: 10)
        let source = SampledSource.masked(
            texts, order: BatchOrder(.shuffled, batchSize: 3), masking: masking, masks: .static,
            seed: Seed(1))
        let digests = TokenSamples(texts).digests()
        let used = source.samples(ofEpoch: 0) + source.samples(ofEpoch: 1)
        for batches in [0, 2, 3, 5] {
            #expect(
                source.dataDigest(digests, batches: batches)
                    == DataDigest(of: digests, in: used.prefix(batches)))
        }
        #expect(source.sampleDigests() == digests)
    }
}
