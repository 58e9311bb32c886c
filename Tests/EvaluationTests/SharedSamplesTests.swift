import DataPipeline
import Foundation
import TestSupport
import Testing

@testable import Evaluation

/// Test samples that are training samples too are found by what they hold.
@Suite struct SharedSamplesTests {
    /// Images of 2 × 2 pixels, each of one shade.
    private func images(_ shades: [UInt8], labels: [Int]) -> PreparedImages {
        PreparedImages(
            name: "shades", pixels: shades.flatMap { [UInt8](repeating: $0, count: 12) },
            height: 2, width: 2, labels: labels, classNames: ["a", "b"])
    }

    @Test("Images are compared pixel by pixel, with whatever label") func images() {
        let train = images([1, 2, 3, 2], labels: [0, 1, 0, 0])
        let none = SharedSamples(train: train, test: images([4, 5], labels: [0, 1]))
        #expect(none.count == 0 && none.relabelled == 0 && none.example == nil)
        let some = SharedSamples(
            train: train, test: images([9, 2, 3, 3, 2], labels: [0, 1, 1, 0, 0]))
        // The third has another label, and so has the last, by the first image that equals it.
        #expect(some.count == 4 && some.relabelled == 2)
        #expect(some.example == .init(test: "#1", train: "#1"))
        #expect(SharedSamples(train: train, test: train).count == 4)
        // One pixel is enough to be another image.
        var pixels = [UInt8](repeating: 2, count: 12)
        pixels[11] = 3
        let close = PreparedImages(
            name: "close", pixels: pixels, height: 2, width: 2, labels: [1], classNames: ["a", "b"])
        #expect(SharedSamples(train: train, test: close).count == 0)
    }

    @Test("Images of a set are named as there, past those that were left out") func names() throws {
        try withTemporaryFolder { folder in
            for (index, name) in ["a/0", "a/1", "b/2", "b/3"].enumerated() {
                let file = folder.appending(path: name + ".png")
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                let pixels = [UInt8](repeating: UInt8(40 * index), count: 12)
                try Data(RGBImage(width: 2, height: 2, pixels: pixels).png()).write(to: file)
            }
            try Data("no image".utf8).write(to: folder.appending(path: "a/0.png"))
            let set = try ImageSet.read(folder)
            func prepared(_ part: ImageSet) throws -> PreparedImages {
                try PreparedImages.prepare(part, ImagePreparation(size: 2), maximumSkipped: 0.5)
            }
            let shared = SharedSamples(
                train: try prepared(set), test: try prepared(set.selecting { $0.label == 1 }))
            #expect(shared.count == 2 && shared.relabelled == 0)
            #expect(shared.example == .init(test: "b/2.png", train: "b/2.png"))
        }
    }

    @Test("Texts are equal that differ in white space alone") func texts() throws {
        try withTemporaryFolder { folder in
            func texts(_ name: String, _ rows: [String]) throws -> LabelledTexts {
                let file = folder.appending(path: name)
                try Data((["sentence\tlabel"] + rows).joined(separator: "\n").utf8).write(to: file)
                return try LabelledTexts.read(file, labelNames: ["0", "1"])
            }
            let train = try texts("train.tsv", ["a good film\t1", "\t0", "bad\t0", "Bad film\t0"])
            let test = try texts(
                "test.tsv", ["new\t1", " a  good film \t1", "bad film\t0", "Bad film\t1"])
            let shared = SharedSamples(train: train, test: test)
            #expect(shared.count == 2 && shared.relabelled == 1)
            let example = try #require(shared.example)
            #expect(example.test.hasSuffix("test.tsv, row 3"))
            #expect(example.train.hasSuffix("train.tsv, row 2"))
            let data = try JSONEncoder().encode(shared)
            #expect(try JSONDecoder().decode(SharedSamples.self, from: data) == shared)
            #expect(SharedSamples(train: test, test: train).count == 2)
        }
    }
}
