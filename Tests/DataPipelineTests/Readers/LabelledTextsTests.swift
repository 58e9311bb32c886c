import Foundation
import Randomness
import Testing

import DataPipeline

@Suite struct LabelledTextsTests {
    let folder: ReaderFolder

    init() throws { folder = try ReaderFolder() }

    private func read(_ text: String, names: [String]? = nil) throws -> LabelledTexts {
        try LabelledTexts.read(folder.write("a.tsv", text), labelNames: names)
    }

    @Test func keepsNumbersFromZero() throws {
        let data = try read("sentence\tlabel\na\t1\nb\t0\nc\t2\nd\t01\n")
        #expect(data.texts == ["a", "b", "c", "d"])
        #expect(data.labels == [1, 0, 2, 1])
        #expect(data.labelNames == ["0", "1", "2"])
        #expect(data.source.rows == 4)
    }

    @Test func sortsOtherLabelsToIndices() throws {
        let words = try read("Class\tText\npos\ta\nneg\tb\npos\tc\n")
        #expect(words.labels == [1, 0, 1] && words.labelNames == ["neg", "pos"])
        let numbers = try read("text\tlabel\na\t10\nb\t9\nc\t-1\n")
        #expect(numbers.labels == [2, 1, 0] && numbers.labelNames == ["-1", "9", "10"])
    }

    @Test func aTestFileTakesTheTrainingFilesNames() throws {
        let test = try read("text\tlabel\na\tpos\n", names: ["neg", "neutral", "pos"])
        #expect(test.labels == [2] && test.labelNames.count == 3)
        let unknown = try folder.labelError(
            "b.tsv", "text\tlabel\na\tpos\nb\tbad\n", names: ["neg", "pos"])
        #expect(unknown.contains("row 3: the label \"bad\" is unknown; expected one of: neg, pos"))
    }

    @Test func drawsASubsetInOrderThatKnowsItsPlaces() throws {
        let lines = (0..<40).map { "text \($0)\t\($0 % 3)\n" + ($0 == 7 ? " \t0\n" : "") }
        let data = try read("text\tlabel\n" + lines.joined())
        let drawn = data.randomSubset(of: 9, seed: Seed(5))
        #expect(drawn.texts.count == 9 && drawn.indices == drawn.indices.sorted())
        #expect(drawn.texts == drawn.indices.map { "text \($0)" })
        #expect(drawn.labels == drawn.indices.map { $0 % 3 })
        #expect(drawn.rows == drawn.indices.map { data.rows[$0] })
        #expect(drawn.labelNames == data.labelNames && drawn.source == data.source)
        #expect(drawn == data.randomSubset(of: 9, seed: Seed(5)))
        #expect(drawn != data.randomSubset(of: 9, seed: Seed(6)))
        #expect(data.randomSubset(of: 40, seed: Seed(5)) == data)
        // Of a subset, too, the places are those in the file.
        let fewer = drawn.randomSubset(of: 4, seed: Seed(1))
        #expect(fewer.texts == fewer.indices.map { "text \($0)" })
    }

    @Test func readsJSONLinesWithNumbers() throws {
        let file = try folder.write(
            "a.jsonl", "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": 0}\n")
        #expect(try LabelledTexts.read(file).labels == [1, 0])
    }

    @Test func readsNamedColumns() throws {
        let file = try folder.write("a.csv", "review,stars,text\ngood,5,x\nbad,1,y\n")
        let data = try LabelledTexts.read(file, textColumn: "review", labelColumn: "Stars")
        #expect(data.texts == ["good", "bad"] && data.labels == [1, 0])
    }

    @Test func skipsBlankTextsAndCountsThem() throws {
        let data = try read("text\tlabel\n \t1\n\na\t0\nb\t1\n")
        #expect(data.texts == ["a", "b"] && data.labels == [0, 1])
        #expect(data.source.skippedEmpty == 2 && data.rows == [4, 5])
    }

    @Test func namesWhatIsWrong() throws {
        #expect(try folder.labelError("a.tsv", "text\tlable\na\t1\n").contains("no label column"))
        let blank = try folder.labelError("a.tsv", "text\tlabel\na\t\n")
        #expect(blank.contains("row 2: the label is blank"))
        #expect(try folder.labelError("a.tsv", "text\tlabel\n").contains("no usable text"))
        #expect(try folder.labelError("a.txt", "a\n").contains("has no labels"))
        #expect(try folder.labelError("a.tsv", "").contains("is empty"))
    }
}
