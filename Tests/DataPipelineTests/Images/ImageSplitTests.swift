import DataPipeline
import Foundation
import Randomness
import Testing

@Suite struct ImageSplitTests {
    private func set(_ counts: [String: Int]) throws -> (folder: ReaderFolder, set: ImageSet) {
        let folder = try ReaderFolder()
        for (name, count) in counts {
            for index in 0..<count { try folder.image("\(name)/\(index).ppm") }
        }
        return (folder, try ImageSet.read(folder.url))
    }

    private func ratio(_ text: String) throws -> SplitRatio { try #require(SplitRatio(text)) }

    @Test("Ratios are two whole numbers above zero") func ratios() throws {
        #expect(try ratio("9:1").train == 9 && ratio("80:20").test == 20)
        for text in [
            "", "9", "9:", ":1", "0:1", "9:0", "-9:1", "9:1:1", "a:b", "9.5:1", "9999999999:1",
        ] {
            #expect(SplitRatio(text) == nil)
        }
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([SplitRatio].self, from: Data("[\"9\"]".utf8))
        }
    }

    @Test("Each class is split in the ratio; every image is on one side") func stratified() throws {
        let (_, set) = try set(["a": 40, "b": 10, "c": 3])
        let split = try set.split(ratio("9:1"), seed: Seed(7))
        let (train, test) = (
            try set.selecting(.train, of: split), try set.selecting(.test, of: split)
        )
        #expect(test.classCounts == [4, 1, 1] && train.classCounts == [36, 9, 2])
        #expect(Set(train.paths).isDisjoint(with: test.paths))
        #expect((train.paths + test.paths).sorted() == set.paths.sorted())
        #expect(train.paths == set.paths.filter(Set(train.paths).contains), "order is kept")
        #expect(train.part == .train && test.classNames == set.classNames)
    }

    @Test("It depends on the seed and the names, and is written as JSON") func reproducible() throws
    {
        let (_, one) = try set(["a": 30, "b": 30])
        let (_, other) = try set(["a": 30, "b": 30, "c": 5])
        let split = try one.split(ratio("4:1"), seed: Seed(1))
        #expect(try one.split(ratio("4:1"), seed: Seed(1)) == split)
        #expect(try one.split(ratio("4:1"), seed: Seed(2)).test != split.test)
        let wider = try other.split(ratio("4:1"), seed: Seed(1))
        #expect(
            wider.test.filter { !$0.hasPrefix("c") } == split.test, "a class more changes no other")
        let data = try JSONEncoder().encode(split)
        #expect(try JSONDecoder().decode(ImageSplit.self, from: data) == split)
        #expect(String(decoding: data, as: UTF8.self).contains("\"4:1\""))
    }

    @Test("Classes of one image go to training; too few in all is an error") func small() throws {
        let (_, set) = try set(["a": 1, "b": 2])
        let split = try set.split(ratio("99:1"), seed: Seed(1))
        #expect(split.train.contains("a/0.ppm") && split.test.count == 1)
        let (_, tiny) = try self.set(["a": 1, "b": 1])
        #expect(throws: DataError.self) { try tiny.split(ratio("9:1"), seed: Seed(1)) }
    }

    @Test("A split of other images is refused") func foreign() throws {
        let (folder, set) = try set(["a": 5, "b": 5])
        let split = try set.split(ratio("1:1"), seed: Seed(1))
        try FileManager.default.removeItem(at: folder.url.appending(path: split.test[0]))
        let changed = try ImageSet.read(folder.url)
        let error = #expect(throws: DataError.self) { try changed.selecting(.test, of: split) }
        #expect(error?.description.contains("such as \(split.test[0])") == true)
    }

    @Test("A split with an empty side is refused") func emptySide() throws {
        let (_, set) = try set(["a": 5, "b": 5])
        let text = #"{"folder":"f","ratio":"9:1","seed":1,"train":[],"test":["a/0.ppm"]}"#
        let split = try JSONDecoder().decode(ImageSplit.self, from: Data(text.utf8))
        let error = #expect(throws: DataError.self) { try set.selecting(.train, of: split) }
        #expect(error?.description.contains("names no images to train on") == true)
    }

    @Test("A random subset keeps the order and depends on the seed") func subsets() throws {
        let (_, set) = try set(["a": 20, "b": 20])
        let subset = set.randomSubset(of: 10, seed: Seed(3))
        #expect(subset.count == 10 && subset == set.randomSubset(of: 10, seed: Seed(3)))
        #expect(subset != set.randomSubset(of: 10, seed: Seed(4)))
        #expect(subset.paths == set.paths.filter(Set(subset.paths).contains))
        #expect(set.randomSubset(of: 100, seed: Seed(3)) == set)
        // CIFAR-10's records have one path; the identifier tells them apart.
        #expect(Set(set.samples.map(\.identifier)).count == 40)
    }
}
