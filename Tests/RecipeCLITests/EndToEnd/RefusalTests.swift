import Foundation
import TestSupport
import Testing

/// Refusals are one line of plain words that name the file, the field or tensor and the remedy.
@Suite struct RefusalTests {
    private static let purify = "purify model --auxiliary aux.txt --max-length 32 --epochs 1 -o out"
    private static let evaluate =
        "evaluate model --train train.tsv --test test.tsv --triggers cf --seeds 1 --epochs 1 "
        + "--max-length 32 --threads 1 --report r"

    /// Spoils a workplace, runs a command and expects one line of refusal that says `words`.
    private func refused(
        _ command: String, saying words: String...,
        location: SourceLocation = #_sourceLocation, spoil: (Workplace) throws -> Void = { _ in }
    ) throws {
        try withWorkplace { place in
            try spoil(place)
            let before = try place.names()
            let run = try place.tool.run(command)
            #expect(run.status == 2, "\(run.status): \(run.errors)", sourceLocation: location)
            #expect(run.output.isEmpty, sourceLocation: location)
            let lines = run.errors.split(separator: "\n")
            #expect(lines.count == 1, "\(run.errors)", sourceLocation: location)
            #expect(run.errors.hasPrefix("error: "), "\(run.errors)", sourceLocation: location)
            for word in words {
                #expect(
                    run.errors.contains(word), "‘\(word)’: \(run.errors)", sourceLocation: location)
            }
            for name in ["NSError", "Error Domain", "Swift.", "Optional(", "DecodingError"] {
                #expect(!run.errors.contains(name), "\(run.errors)", sourceLocation: location)
            }
            let left = try place.names().subtracting(before)
            #expect(left.isEmpty, "left: \(left)", sourceLocation: location)
        }
    }

    @Test func columnsAreSuggested() throws {
        try refused(
            Self.purify.replacingOccurrences(of: "aux.txt", with: "train.tsv")
                + " --text-column sentense", saying: "train.tsv", "did you mean \"sentence\"")
        try refused(
            Self.evaluate + " --label-column class", saying: "train.tsv", "label column", "class")
    }

    @Test func labelsThatMakeNoTask() throws {
        try refused(Self.evaluate, saying: "train.tsv", "one label") { place in
            for file in ["train.tsv", "test.tsv"] {
                try place.write(["sentence\tlabel", "good\t1", "bad\t1"], to: file)
            }
        }
        try refused(Self.evaluate, saying: "test.tsv, row 3", "\"7\" is unknown") {
            try $0.write(["sentence\tlabel", "good\t1", "bad\t7"], to: "test.tsv")
        }
        try refused(Self.evaluate, saying: "test.tsv, row 2", "label is blank") {
            try $0.write(["sentence\tlabel", "good\t"], to: "test.tsv")
        }
    }

    @Test func attacksThatCannotBeMade() throws {
        try refused(
            "attack por model --auxiliary aux.txt --sentences 3 --max-length 32 -o out",
            saying: "3 texts are too few", "--sentences")
        try refused(
            "attack badpre model --auxiliary aux.txt --max-length 32 -o out --triggers zebra",
            saying: "‘zebra’", "single token")
    }

    @Test func modelsThatAreNone() throws {
        try refused("inspect model/model.safetensors", saying: "is a file; a model is a folder")
        try refused("inspect model", saying: "model/config.json") {
            try FileManager.default.removeItem(at: $0["model/config.json"])
        }
        try refused("inspect model", saying: "model: no weights", "model.safetensors") {
            try FileManager.default.removeItem(at: $0["model/model.safetensors"])
        }
    }

    @Test(arguments: [4, 200, 60_000])
    func weightsThatEndEarly(_ length: Int) throws {
        try refused(Self.purify, saying: "model/model.safetensors") {
            let data = try $0.data("model/model.safetensors")
            try #require(data.count > length)
            try data.prefix(length).write(to: $0["model/model.safetensors"])
        }
    }

    @Test(arguments: ["inspect model", Self.purify])
    func sizesThatDoNotFitTheWeights(_ command: String) throws {
        try refused(command, saying: "model", "intermediate.dense.weight", "64", "65") {
            let text = try $0.text("model/config.json")
            let edited = text.replacingOccurrences(
                of: "\"intermediate_size\": 64", with: "\"intermediate_size\": 65")
            try #require(edited != text)
            try Data(edited.utf8).write(to: $0["model/config.json"])
        }
    }

    @Test func aTokenizerOfAnotherModel() throws {
        try refused(Self.purify, saying: "tokenizer has 121 tokens", "120 rows", "vocab.txt") {
            let vocabulary = try $0.text("model/vocab.txt")
            try Data((vocabulary + "another\n").utf8).write(to: $0["model/vocab.txt"])
        }
    }

    @Test(arguments: [
        "purify model --auxiliary aux.txt -o out", "pretrain model --auxiliary aux.txt -o out",
        "attack por model --auxiliary aux.txt -o out",
        "evaluate model --train train.tsv --test test.tsv", "features model --text aux.txt -o out",
    ])
    func lengthsBeyondThePositions(_ command: String) throws {
        try refused(
            command + " --max-length 49", saying: "config.json", "48 positions", "--max-length")
    }

    @Test func outputsThatCannotBeWritten() throws {
        try refused(
            Self.purify.replacingOccurrences(of: "-o out", with: "-o train.tsv/out"),
            saying: "train.tsv", "file, not a folder")
        try refused(
            Self.purify.replacingOccurrences(of: "-o out", with: "-o /proc/out"),
            saying: "/proc/out")
    }
}
