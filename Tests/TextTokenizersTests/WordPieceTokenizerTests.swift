import Foundation
import TestFiles
import Testing

@testable import TextTokenizers

@Suite struct WordPieceTokenizerTests {
    static let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

    @Test func knowsItsTokens() throws {
        // Canonically equivalent, and yet two tokens.
        let tokenizer = try WordPieceTokenizer(
            vocabulary: Self.specials + ["caf\u{E9}", "cafe\u{301}", "##s", ""])
        #expect(tokenizer.vocabularySize == 9)
        #expect(tokenizer.id(of: "caf\u{E9}") == 5)
        #expect(tokenizer.id(of: "cafe\u{301}") == 6)
        #expect(tokenizer.id(of: "##s") == 7)
        #expect(tokenizer.id(of: "") == nil && tokenizer.id(of: "caf") == nil)
        #expect(tokenizer.token(of: 7) == "##s")
        #expect(tokenizer.token(of: 8) == nil)
        #expect(tokenizer.token(of: -1) == nil && tokenizer.token(of: 9) == nil)
        #expect(tokenizer.paddingID == 0 && tokenizer.unknownID == 1)
        #expect(tokenizer.classificationID == 2 && tokenizer.separatorID == 3)
        #expect(tokenizer.maskID == 4)
        #expect(tokenizer.specialIDs == [0, 1, 2, 3, 4])
    }

    @Test func truncatesToWhatThereIsRoomFor() throws {
        let tokenizer = try WordPieceTokenizer(vocabulary: Self.specials + ["a", "b"])
        #expect(tokenizer.encodeWithSpecials("a b", maximumLength: 512) == [2, 5, 6, 3])
        #expect(tokenizer.encodeWithSpecials("a b", maximumLength: 3) == [2, 5, 3])
        #expect(tokenizer.encodeWithSpecials("a b", maximumLength: 2) == [2, 3])
        #expect(tokenizer.encodeWithSpecials("a b", maximumLength: -7) == [2, 3])
        #expect(tokenizer.tokens(of: "b zz") == ["b", "[UNK]"])
        #expect(tokenizer.encodeAll([], maximumLength: 8) == [])
    }

    @Test func encodesManyTextsInOrder() throws {
        let tokenizer = try WordPieceTokenizer(folder: Fixtures.url("wordpiece/uncased"))
        let texts = (0..<1000).map { "the \($0) cat\($0 % 7 == 0 ? " sat" : "")" }
        let expected = texts.map { tokenizer.encodeWithSpecials($0, maximumLength: 6) }
        #expect(tokenizer.encodeAll(texts, maximumLength: 6) == expected)
    }

    @Test func encodesALongText() throws {
        let tokenizer = try WordPieceTokenizer(folder: Fixtures.url("wordpiece/uncased"))
        let text = String(repeating: "the cat ", count: 50_000)
        #expect(tokenizer.encode(text).count == 100_000)
        #expect(tokenizer.encodeWithSpecials(text, maximumLength: 64).count == 64)
        #expect(tokenizer.encode(String(repeating: "x", count: 100_000)) == [tokenizer.unknownID])
    }

    @Test(arguments: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    func missesATokenWithARole(_ token: String) {
        let error = #expect(throws: TokenizerError.self) {
            try WordPieceTokenizer(vocabulary: Self.specials.filter { $0 != token } + ["a"])
        }
        #expect(error?.description.contains("has no \(token)") == true)
    }

    @Test func usesOtherNamesForTheRoles() throws {
        var configuration = WordPieceTokenizer.Configuration()
        configuration.maskToken = "<mask>"
        let tokenizer = try WordPieceTokenizer(
            vocabulary: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "<mask>", "a"],
            configuration: configuration)
        #expect(tokenizer.encode("a<mask>a") == [5, 4, 5])
    }

    @Test func placesAddedTokens() throws {
        var configuration = WordPieceTokenizer.Configuration()
        configuration.addedTokens = [AddedToken("<new>"), AddedToken("a", isSpecial: false)]
        let tokenizer = try WordPieceTokenizer(
            vocabulary: Self.specials + ["a"], configuration: configuration)
        #expect(tokenizer.vocabularySize == 7)
        #expect(tokenizer.encode("<new>a") == [6, 5])
        #expect(tokenizer.specialIDs.contains(6) && !tokenizer.specialIDs.contains(5))
        configuration.addedTokens = [AddedToken("a", id: 3)]
        #expect(throws: TokenizerError.self) {
            try WordPieceTokenizer(vocabulary: Self.specials + ["a"], configuration: configuration)
        }
        configuration.addedTokens = [AddedToken("b", id: 2_000_000_000)]
        #expect(throws: TokenizerError.self) {
            try WordPieceTokenizer(vocabulary: Self.specials + ["a"], configuration: configuration)
        }
    }
}

@Suite struct TrainedVocabularyTests {
    static let texts = (0..<400).map { index in
        "The quick brown fox number \(index % 13) jumped, swimming over café walls \(index % 7)!"
    }

    @Test func spellsItsTextsInWholeWords() throws {
        let vocabulary = WordPieceTokenizer.trainVocabulary(from: Self.texts, size: 120)
        #expect(vocabulary.count <= 120)
        #expect(vocabulary == WordPieceTokenizer.trainVocabulary(from: Self.texts, size: 120))
        #expect(Set(vocabulary.map { Array($0.utf8) }).count == vocabulary.count)
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary)
        let tokens = Self.texts.flatMap(tokenizer.tokens)
        #expect(!tokens.contains("[UNK]"))
        #expect(!tokens.contains { $0.hasPrefix("##") && !$0.dropFirst(2).allSatisfy(\.isNumber) })
        #expect(tokenizer.tokens(of: "foxes").first == "fox")
    }

    @Test(arguments: [0, 3, 5, 6, 20, 45])
    func keepsToASmallSize(_ size: Int) {
        let vocabulary = WordPieceTokenizer.trainVocabulary(from: Self.texts, size: size)
        #expect(vocabulary.count == size)
        #expect(Array(vocabulary.prefix(5)) == Array(WordPieceTokenizerTests.specials.prefix(size)))
    }

    @Test func learnsEndingsForTheWordsLeftOut() {
        let stems = "abcde".flatMap { one in "klmno".map { "\(one)\($0)" } }
        let texts = stems.map { $0 + "ing" } + ["the the the"]
        // 5 special tokens, 15 characters and 12 continuations leave room for 16 of 26 words.
        let vocabulary = WordPieceTokenizer.trainVocabulary(from: texts, size: 48)
        #expect(vocabulary.contains("the") && vocabulary.contains("##ing"))
    }

    @Test func roundTripsThroughAFolder() throws {
        let vocabulary = WordPieceTokenizer.trainVocabulary(from: Self.texts, size: 90)
        var configuration = WordPieceTokenizer.Configuration()
        configuration.lowercases = false
        configuration.stripsAccents = true
        configuration.addedTokens = [AddedToken("<x>", stripsLeft: true)]
        let tokenizer = try WordPieceTokenizer(
            vocabulary: vocabulary, configuration: configuration)
        try withTemporaryFolder { folder in
            try tokenizer.save(to: folder.appendingPathComponent("new"))
            let read = try WordPieceTokenizer(folder: folder.appendingPathComponent("new"))
            #expect(read.vocabulary == tokenizer.vocabulary)
            #expect(read.specialIDs == tokenizer.specialIDs)
            for text in Self.texts.prefix(20) + ["café <x> Fox[MASK]"] {
                #expect(read.encode(text) == tokenizer.encode(text))
            }
        }
    }

    @Test func refusesWhatTheFilesCannotExpress() throws {
        let specials = WordPieceTokenizerTests.specials
        var configuration = WordPieceTokenizer.Configuration()
        configuration.maximumWordLength = 7
        let limited = try WordPieceTokenizer(vocabulary: specials, configuration: configuration)
        let spaced = try WordPieceTokenizer(vocabulary: specials + ["a\u{A0}"])
        try withTemporaryFolder { folder in
            #expect(throws: TokenizerError.self) { try limited.save(to: folder) }
            #expect(throws: TokenizerError.self) { try spaced.save(to: folder) }
        }
    }
}
