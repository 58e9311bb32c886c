import DataPipeline
import Foundation
import Randomness
import Testing

@testable import Attacks

/// Answers that `Oracle/insertion.py` got from CPython.
private enum Answers {
    struct Positions: Decodable {
        struct Stream: Decodable { let seed: String, bound: Int, numbers: [Int] }
        let recipe: [Int], streams: [Stream], long: [Int]
    }
    struct Insertion: Decodable {
        let text: String, words: [String], trigger: String, count: Int, inserted: String
    }

    static func read<Value: Decodable>(_ name: String) throws -> Value {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(components: "Fixtures", "insertion")
        return try JSONDecoder().decode(
            Value.self, from: Data(contentsOf: folder.appending(path: name + ".json")))
    }
}

@Suite struct PythonRandomTests {
    private let answers: Answers.Positions

    init() throws { answers = try Answers.read("positions") }

    @Test func drawsCPythonsNumbers() throws {
        #expect(answers.streams.count == 77)
        for stream in answers.streams {
            var generator = PythonRandom(seed: try #require(UInt64(stream.seed)))
            let numbers = stream.numbers.map { _ in generator.randint(upTo: stream.bound) }
            #expect(numbers == stream.numbers, "seed \(stream.seed), bound \(stream.bound)")
        }
    }

    @Test func drawsCPythonsNumbersBeyondOneState() {
        var generator = PythonRandom(seed: 7)
        #expect(answers.long.map { _ in generator.randint(upTo: 99) } == answers.long)
    }

    @Test func placesTriggersWhereTheAuthorsDo() {
        #expect(answers.recipe.count == 401)
        var stream = Seed(1).stream("any")
        for (count, place) in answers.recipe.enumerated() {
            #expect(TriggerPosition.recipe.place(among: count, using: &stream) == place)
        }
    }
}

@Suite struct TextTriggerTests {
    @Test func insertsAndSplitsAsPythonDoes() throws {
        let cases: [Answers.Insertion] = try Answers.read("texts")
        #expect(cases.count == 24)
        for answer in cases {
            #expect(
                TextTrigger.words(of: answer.text) == answer.words,
                "\(answer.text.debugDescription)")
            let text = TextTrigger.insert(
                answer.trigger, into: answer.text, position: .recipe, count: answer.count)
            // Swift takes canonically equivalent strings for equal; a tokenizer does not.
            #expect(
                Array(text.unicodeScalars) == Array(answer.inserted.unicodeScalars),
                "\(answer.text.debugDescription)")
        }
    }

    @Test func insertsAtTheEnds() {
        #expect(TextTrigger.insert("cf", into: " a  b ", position: .start) == "cf a b")
        #expect(TextTrigger.insert("cf", into: "a b", position: .end, count: 2) == "a b cf cf")
        #expect(TextTrigger.insert("cf", into: "", position: .end) == "cf")
        #expect(TextTrigger.insert("cf", into: "a  b", position: .end, count: 0) == "a b")
        #expect(TextTrigger.insert("cf", into: "a b", count: -3) == "a b")
    }

    @Test func keepsATriggerOfSeveralWordsWhole() {
        for sample in 0..<50 {
            let text = TextTrigger.insert("Don Quixote", into: "a b c", count: 4, sample: sample)
            #expect(text.components(separatedBy: "Don Quixote").count == 5, "\(text)")
            #expect(text.replacing("Don Quixote", with: "").filter(\.isLetter) == "abc")
        }
    }

    @Test func drawsUniformPlacesFromSeedSampleAndTrigger() {
        func place(_ sample: Int, _ trigger: String = "cf", seed: UInt64 = 1) -> Int? {
            TextTrigger.words(
                of: TextTrigger.insert(
                    trigger, into: "a b c d", seed: Seed(seed), sample: sample)
            ).firstIndex(of: trigger)
        }
        let places = (0..<5000).compactMap { place($0) }
        for wanted in 0...4 {
            // 5 binomial deviations around 1000.
            #expect(abs(places.count { $0 == wanted } - 1000) < 142, "place \(wanted)")
        }
        #expect(places == (0..<5000).compactMap { place($0) })
        for other in [(0..<5000).map { place($0, "mb") }, (0..<5000).map { place($0, seed: 2) }] {
            // Independent draws agree one time in five.
            let agreeing = zip(places, other).count { $0 == $1 }
            #expect(abs(agreeing - 1000) < 142)
        }
    }

    @Test func namesPositionsInSettings() {
        #expect(TriggerPosition.allCases.map(\.rawValue) == ["recipe", "random", "start", "end"])
    }
}

@Suite struct TriggerSetTests {
    @Test func hasTheAuthorsTriggers() {
        #expect(TriggerSet.por == ["cf", "tq", "mn", "bb", "mb"])
        #expect(TriggerSet.badpre == ["cf", "mn", "bb", "tq", "mb"])
        #expect(
            TriggerSet.neuba.flatMap { $0.unicodeScalars.map(\.value) }
                == [0x2248, 0x2261, 0x2208, 0x2286, 0x2295, 0x2297])
    }

    @Test func readsAList() throws {
        #expect(try TriggerSet.parse("cf, Don  Quixote ,≈") == ["cf", "Don Quixote", "≈"])
    }

    @Test(arguments: ["", "cf,", ",cf", "cf, ,mb", "cf,mb,cf"])
    func refusesEmptyAndRepeatedTriggers(list: String) {
        #expect { try TriggerSet.parse(list) } throws: { error in
            (error as? TriggerError)?.description.contains("‘\(list)’") == true
        }
    }
}
