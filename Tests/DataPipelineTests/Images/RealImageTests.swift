import DataPipeline
import Foundation
import Randomness
import Testing

private let realImages: URL? = {
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
        FileManager.default.fileExists(atPath: $0.appending(path: "waste/DATASET/TRAIN").path)
    }
}()

@Suite(.enabled(if: realImages != nil, "no real images: set RECIPE_DATA, or unpack to .data"))
struct RealImageTests {
    private func url(_ name: String) throws -> URL {
        try #require(realImages).appending(path: name)
    }

    @Test func waste() throws {
        for name in ["waste", "waste/DATASET"] {
            let train = try ImageSet.read(url(name))
            #expect(train.classNames == ["O", "R"] && train.classCounts == [900, 900])
            let test = try ImageSet.read(url(name), part: .test, classes: train.classNames)
            #expect(test.classCounts == [300, 300])
        }
    }

    @Test func dogsAndCats() throws {
        let set = try ImageSet.read(url("catdog"))
        #expect(set.layout == .named && set.classNames == ["cat", "dog"])
        #expect(set.classCounts == [600, 600])
        let ratio = try #require(SplitRatio("9:1"))
        let split = try set.split(ratio, seed: Seed(42))
        #expect(try set.selecting(.train, of: split).classCounts == [540, 540])
        #expect(try set.selecting(.test, of: split).classCounts == [60, 60])
    }

    @Test func cifar10() throws {
        let train = try ImageSet.read(url("cifar10/cifar-10-batches-bin-lossless4000"))
        #expect(train.layout == .cifar10 && train.count == 4000 && train.classNames.count == 10)
        let test = try ImageSet.read(
            url("cifar10/cifar-10-batches-bin-derived-test"), classes: train.classNames)
        #expect(test.part == .test && test.classCounts == [Int](repeating: 100, count: 10))
        let folders = try ImageSet.read(url("cifar10/CIFAR-10-images"))
        #expect(folders.layout == .folders && folders.count == 10_000)
        #expect(folders.classNames == train.classNames)
    }

    @Test func trafficSigns() throws {
        let train = try ImageSet.read(url("gtsrb"), classes: ["13", "38"])
        #expect(train.layout == .gtsrb && train.count == 4230 && train.classNames == ["13", "38"])
        let test = try ImageSet.read(url("gtsrb"), part: .test, classes: train.classNames)
        #expect(test.classCounts == [720, 690])
        let images = try PreparedImages.prepare(test, ImagePreparation(size: 32), maximumSkipped: 0)
        #expect(images.count == 1410)
    }

    @Test func tinyImageNet() throws {
        let train = try ImageSet.read(url("tiny-imagenet"))
        #expect(train.layout == .tinyImageNet && train.count == 12_000)
        #expect(train.classCounts == [Int](repeating: 60, count: 200))
        let test = try ImageSet.read(url("tiny-imagenet"), part: .test, classes: train.classNames)
        #expect(test.classCounts == [Int](repeating: 50, count: 200))
        #expect(test.count == 10_000 && test.excluded == 0)
    }

    @Test func withoutLabels() throws {
        for (name, count) in [("imagenet-sample", 30), ("flickr8k/Flicker8k_Dataset", 1150)] {
            let set = try ImageSet.read(url(name), labels: .none)
            #expect(set.count == count && set.labels.isEmpty)
        }
    }

    @Test("Photographs decode and shrink without a fault") func photographs() throws {
        let set = try ImageSet.read(url("imagenet-sample"), labels: .none)
        let images = try PreparedImages.prepare(
            set, ImagePreparation(size: 64, filter: .bicubic, mode: .crop), maximumSkipped: 0)
        #expect(images.count == 30 && images.skipped.isEmpty)
    }
}
