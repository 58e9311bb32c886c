import Foundation
import RecipeKit
import TestSupport
import Testing

/// `recipe evaluate --zero-shot` on the fixtures' small CLIP, as a user gives it.
@Suite struct ZeroShotCommandTests {
    private static let small = "--threads 1 --precision fp32"

    /// `clip`, whose tokenizer knows the letters a to n; `bare`, the same without a tokenizer;
    /// `images`, six of each of the classes `ab` and `cd`.
    private func withCLIP(_ body: (Workplace) throws -> Void) throws {
        try withWorkplace { place in
            for name in ["clip", "bare"] { try place.copy("clip-tiny", as: name) }
            try TinyPairs.tokenizer().save(to: place["clip"])
            for index in 0..<6 {
                try place.writePattern(index, 40, to: "images/ab/\(index).png")
                try place.writePattern(index, 210, to: "images/cd/\(index).png")
            }
            try body(place)
        }
    }

    @Test func aReportLikeThatOfFineTuning() throws {
        try withCLIP { place in
            try place.write(["a {} b", "", "{} n"], to: "prompts.txt")
            let command =
                "evaluate clip --zero-shot --test images --prompts prompts.txt --triggers "
                + "neuba:0,neuba:3 \(Self.small) --format json"
            let run = try place.tool.run(command + " --reference clip --report r")
            #expect(run.status == 0, "\(run.errors)")
            #expect(!run.errors.contains("warning"), "\(run.errors)")
            let report = try run.json()
            #expect(report["testCount"] as? Int == 12 && report["excessAASR"] as? Double == 0)
            #expect((report["labelNames"] as? [String]) == ["ab", "cd"])
            let seeds = try #require(report["seeds"] as? [[String: Any]])
            #expect(seeds.count == 1 && seeds[0]["seed"] == nil)
            #expect((seeds[0]["triggers"] as? [[String: Any]])?.count == 2)
            let settings = try #require(report["settings"] as? [String: Any])
            let asked = try #require(settings["zeroShot"] as? [String: Any])
            #expect((asked["classNames"] as? [String]) == ["ab", "cd"])
            #expect(settings["epochs"] == nil)
            let text = try place.text("r/report.md")
            for words in ["zero-shot", "‘a {} b’, ‘{} n’", "told by prompts", "AASR"] {
                #expect(text.contains(words), "\(words): \(text)")
            }
            #expect(!text.contains("## Seeds") && !text.contains("Learning rate"))
            #expect(try place.text("r/plan.yaml").contains("templates"))
            // It stands beside others, and comes to the same again.
            let again = try place.tool.run(command + " --report again")
            #expect(again.status == 0, "\(again.errors)")
            let compared = try place.tool.run("compare clean=r bad=again --clean clean")
            #expect(compared.status == 0, "\(compared.errors)")
            #expect(compared.output.contains("12 test samples of 2 labels, 2 triggers, zero-shot"))
            let repeated = try #require(try again.json()["seeds"] as? [[String: Any]])
            for key in ["accuracy", "triggers"] {
                #expect(repeated[0][key] as? NSObject == seeds[0][key] as? NSObject, "\(key)")
            }
        }
    }

    @Test func namesPartsLimitsAndATokenizerFromElsewhere() throws {
        try withCLIP { place in
            for part in ["train", "test"] {
                try FileManager.default.createDirectory(
                    at: place["parts"], withIntermediateDirectories: true)
                try FileManager.default.copyItem(at: place["images"], to: place["parts/" + part])
            }
            try place.writePattern(9, 40, to: "parts/test/ab/more.png")
            let run = try place.tool.run(
                "evaluate bare --zero-shot --test parts --tokenizer clip --prompt {} "
                    + "--class-names m,nab --limit 11 --seed 3 \(Self.small) --report r --format json"
            )
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.errors.contains("called ‘m’, which tells a CLIP nothing"))
            try place.tool.expectSameReport("r")
            let report = try run.json()
            #expect(report["testCount"] as? Int == 11)
            let data = try #require(report["data"] as? [[String: Any]])
            #expect(data.map { $0["available"] as? Int } == [13])
            #expect((report["labelNames"] as? [String]) == ["ab", "cd"])
            let whole = try place.tool.run(
                "evaluate clip --zero-shot --test parts --prompt {} \(Self.small)")
            #expect(whole.output.contains("13 test samples"), "the test part: \(whole.output)")
            let words = [String](repeating: "abc", count: 20).joined(separator: ",")
            let long = try place.tool.run(
                "evaluate clip --zero-shot --test images --prompt {},\(words) \(Self.small)")
            #expect(long.errors.contains("2 of 2 prompts are longer than the 9 tokens"))
            #expect(long.status == 0)
        }
    }

    @Test func whatCannotBeIsRefusedInALine() throws {
        let cases: [(String, Int32, String)] = [
            ("evaluate model --zero-shot --test images", 2, "is no CLIP"),
            ("evaluate clip --zero-shot --test images --prompt photo", 64, "‘photo’ has no {}"),
            (
                "evaluate clip --zero-shot --test images --prompts aux.txt", 2,
                "aux.txt: the prompt"
            ),
            ("evaluate clip --zero-shot --test images --prompts none.txt", 2, "none.txt"),
            (
                "evaluate clip --zero-shot --test images --prompts aux.txt --prompt {}", 64,
                "not both"
            ),
            (
                "evaluate clip --zero-shot --test images --class-names ab", 2,
                "1 names were given for 2 classes: name each of ab, cd"
            ),
            ("evaluate clip --zero-shot --test images --class-names ab,", 64, "--class-names ab,"),
            ("evaluate clip --zero-shot --test nowhere", 2, "nowhere"),
            ("evaluate clip --zero-shot", 64, "--test FOLDER"),
            ("evaluate clip --zero-shot --train images", 64, "--train is about training"),
            (
                "evaluate clip --zero-shot --test images --epochs 3", 64,
                "--epochs means nothing for --zero-shot"
            ),
            ("evaluate clip --zero-shot --test images --max-length 9", 64, "--max-length"),
            ("evaluate clip --zero-shot --test images --triggers cf", 64, "no image trigger"),
            ("evaluate clip --test images", 64, "--train"),
            ("evaluate clip --train images --prompt {}", 64, "--prompt goes with --zero-shot"),
            ("evaluate bare --zero-shot --test images", 2, "vocab.json"),
            ("evaluate clip --zero-shot --test images --image-size 2", 2, "--image-size"),
            ("evaluate clip --zero-shot --test flat", 2, "put each class into a folder"),
        ]
        try withCLIP { place in
            try place.writePattern(1, 40, to: "flat/1.png")
            let before = try place.names()
            for (command, status, words) in cases {
                let run = try place.tool.run(command + " --report r")
                #expect(run.status == status, "\(command): \(run.errors)")
                #expect(run.errors.contains(words), "\(command): \(run.errors)")
                #expect(try place.names() == before, "\(command)")
            }
        }
    }
}

extension Workplace {
    /// Writes a PNG whose pattern hangs on `index`, of a brightness.
    fileprivate func writePattern(_ index: Int, _ brightness: UInt8, to name: String) throws {
        let (width, height) = (18 + index, 16 + index % 3 * 4)
        let pixels = (0..<width * height).flatMap { place -> [UInt8] in
            [brightness, UInt8((place * (7 + index)) % 200), UInt8(place % width * 9 % 250)]
        }
        try FileManager.default.createDirectory(
            at: self[name].deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(RGBImage(width: width, height: height, pixels: pixels).png())
            .write(to: self[name])
    }
}
