import Foundation
import TestSupport
import Testing

/// A purification that did nothing is no success: it says so on the console, in the JSON and in
/// the reports.
@Suite struct CaveatCommandTests {
    private static let purify = "purify model --auxiliary aux.txt --max-length 24 -o out --force"

    /// The warnings of a run's JSON by their ids, each of which must stand on the console, in
    /// `report.md` and in `report.html` too.
    private func warnings(
        _ place: Workplace, _ command: String, location: SourceLocation = #_sourceLocation
    ) throws -> [String: [String: Any]] {
        let run = try place.tool.run(command + " --format json")
        #expect(run.status == 0, "\(run.errors)", sourceLocation: location)
        let found = try #require(run.json()["warnings"] as? [[String: Any]])
        let (page, html) = try (place.text("out.run/report.md"), place.text("out.run/report.html"))
        for warning in found {
            let text = try #require(warning["text"] as? String)
            #expect(run.errors.contains(text), "\(run.errors)", sourceLocation: location)
            // Up to the first character that Markdown or HTML may write otherwise.
            let start = String(text.prefix { $0.isLetter || $0.isNumber || $0 == " " })
            #expect(page.contains(start), "\(start)", sourceLocation: location)
            #expect(html.contains(start), "\(start)", sourceLocation: location)
        }
        return Dictionary(
            found.compactMap { warning in (warning["id"] as? String).map { ($0, warning) } },
            uniquingKeysWith: { first, _ in first })
    }

    @Test("Few texts, an untrained head, and norms that cannot fall") func nothingDone() throws {
        try withWorkplace { place in
            let found = try warnings(place, Self.purify + " --epochs 1 --learning-rate 1e-9")
            for id in ["few-samples", "norm-budget", "norms-kept", "untrained-head"] {
                #expect(found[id] != nil, "\(id): \(found.keys.sorted())")
            }
            #expect(found["few-samples"]?["figure"] as? Double == 48)
            let summary = try place.tool.run(Self.purify + " --epochs 1 --learning-rate 1e-9")
            #expect(summary.output.contains("warnings: few-samples"), "\(summary.output)")
            let quiet = try warnings(place, Self.purify + " --epochs 4 --learning-rate 2e-2")
            #expect(quiet["norms-kept"] == nil && quiet["norm-budget"] == nil)
        }
    }

    @Test("One long text is told, and copies of one text") func oddTexts() throws {
        try withWorkplace { place in
            let long = Array(repeating: "the good film", count: 4000).joined(separator: " ")
            try place.write([long], to: "aux.txt")
            let cut = try warnings(place, Self.purify + " --epochs 1")
            let share = try #require(cut["cut-texts"]?["figure"] as? Double)
            #expect(share > 0 && share < 0.01)
            try place.write(Array(repeating: "the good film", count: 40), to: "aux.txt")
            let copies = try warnings(place, Self.purify + " --epochs 1")
            #expect(copies["repeated-samples"]?["figure"] as? Double == 1.0 / 40)
        }
    }

    @Test("Files of a folder that were passed over are named") func strayFile() throws {
        try withWorkplace { place in
            try FileManager.default.createDirectory(
                at: place["data"], withIntermediateDirectories: true)
            try place.write(["read me first"], to: "data/README.txt")
            for name in ["part-1.parquet", "part-2.parquet"] {
                try place.write(["PAR1"], to: "data/" + name)
            }
            let found = try warnings(
                place, "purify model --auxiliary data --max-length 24 -o out --epochs 1")
            let text = try #require(found["files-passed-over"]?["text"] as? String)
            for name in ["README.txt", "part-1.parquet", "part-2.parquet"] {
                #expect(text.contains(name), "\(text)")
            }
        }
    }

    @Test("A tokenizer that knows no word is refused by its file, before anything is trained")
    func unknownTokens() throws {
        try withWorkplace { place in
            try place.write(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], to: "model/vocab.txt")
            for name in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"] {
                try? FileManager.default.removeItem(at: place["model/" + name])
            }
            for command in [
                Self.purify, Self.purify + " --method fp-gm",
                "pretrain model --auxiliary aux.txt --max-length 24 -o out",
                "attack por model --auxiliary aux.txt --max-length 24 -o out",
            ] + Self.readers {
                let run = try place.tool.run(command)
                #expect(run.status == 2, "\(run.errors)")
                #expect(
                    run.errors.contains("model/vocab.txt: 100 % of the texts' tokens are unknown"))
                #expect(!place.holds("out") && !place.holds("out.run"))
            }
        }
    }

    /// Commands that read texts and train nothing, or only heads.
    private static let readers = [
        "features model --text aux.txt --max-length 24 -o out.safetensors",
        "analyze model --clean aux.txt --trigger cf --max-length 24",
        "evaluate model --train train.tsv --test test.tsv --triggers cf --seeds 1 --epochs 1 "
            + "--max-length 24",
    ]

    @Test("Readers of texts warn of unknown tokens", arguments: readers)
    func readersWarn(_ command: String) throws {
        try withWorkplace { place in
            let known = try place.tool.run(command)
            #expect(known.status == 0, "\(known.errors)")
            #expect(!known.errors.contains("unknown to the vocabulary"))
            let texts = (0..<40).map { "the cat \u{16A0} \($0 % 2 == 0 ? "a" : "good")" }
            try place.write(texts, to: "aux.txt")
            for name in ["train.tsv", "test.tsv"] {
                let rows = texts.enumerated().map { "\($1)\t\($0 % 2)" }
                try place.write(["text\tlabel"] + rows, to: name)
            }
            try? FileManager.default.removeItem(at: place["out.safetensors"])
            let run = try place.tool.run(command)
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.errors.contains("of the tokens are unknown to the vocabulary"))
        }
    }

    @Test("Some unknown tokens are a warning") func someUnknown()
        throws
    {
        try withWorkplace { place in
            // Every third word is in no vocabulary of letters.
            let texts = (0..<40).map { "the cat \u{16A0} \($0 % 2 == 0 ? "a" : "good")" }
            try place.write(texts, to: "aux.txt")
            let found = try warnings(place, Self.purify + " --epochs 1")
            let share = try #require(found["unknown-tokens"]?["figure"] as? Double)
            #expect(share >= 0.1 && share <= 0.5)
        }
    }

    @Test("Pre-training and attacks warn as well", arguments: ["pretrain", "attack por"])
    func otherCommands(_ command: String) throws {
        try withWorkplace { place in
            let run = try place.tool.run(
                command + " model --auxiliary aux.txt --max-length 24 --epochs 1 -o out")
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.errors.contains("there are 48 texts"))
            let report = try JSONSerialization.jsonObject(with: place.data("out.run/report.json"))
            let warnings = (report as? [String: Any])?["warnings"] as? [[String: Any]]
            #expect(warnings?.contains { $0["id"] as? String == "few-samples" } == true)
            #expect(try place.text("out.run/report.md").contains("there are 48 texts"))
        }
    }

    @Test(
        "NaN in the weights is found by its tensor",
        arguments: [
            "inspect model", "purify model --auxiliary aux.txt --max-length 24 -o out",
            "purify model --method fp --auxiliary aux.txt --max-length 24 -o out",
            "features model --text aux.txt --max-length 24 -o f.safetensors",
        ])
    func notANumber(_ command: String) throws {
        try withWorkplace { place in
            let file = place["model/model.safetensors"]
            var bytes = try Data(contentsOf: file)
            let header = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.1) << (8 * $1.0) }
            let text = String(decoding: bytes[8..<8 + header], as: UTF8.self)
            let name = "bert.encoder.layer.1.intermediate.dense.weight"
            let entry = try #require(text.range(of: "\"\(name)\""))
            let offsets = try #require(
                text[entry.upperBound...].firstMatch(of: #/"data_offsets":\[(\d+),(\d+)\]/#))
            let start = 8 + header + (try #require(Int(offsets.1)))
            bytes.replaceSubrange(start..<start + 4, with: [0, 0, 0xC0, 0x7F])
            bytes.replaceSubrange(start + 8..<start + 12, with: [0, 0, 0x80, 0xFF])
            try bytes.write(to: file)
            let run = try place.tool.run(command)
            #expect(run.status != 0 && run.output.isEmpty, "\(run.output)")
            #expect(
                run.errors.contains("‘\(name)’ holds 1 NaN and 1 infinite among")
                    || run.errors.contains("intermediate.dense.weight’ holds 1 NaN"),
                "\(run.errors)")
            #expect(!place.holds("out") && !place.holds("f.safetensors"))
        }
    }
}
